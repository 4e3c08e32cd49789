"""What a method is: its name, the capability that brings it, its arguments as a type, its run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from pillarbox.jmap.context import Context

Answer = dict[str, Any]  # plain JSON values, since later calls may refer to them


class Arguments(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """Of a method that works on an account; subclasses add theirs."""

    account_id: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Of a method with implicit calls behind it (RFC 8621 §7.5): each with its own name."""

    responses: tuple[tuple[str, Answer], ...]


@dataclass(frozen=True, slots=True)
class Method:
    """One entry of the registry."""

    name: str
    capability: str
    arguments: type[msgspec.Struct] | None  # None: any
    run: Callable[[Context, Any], Awaitable[Answer | Answers]]


@dataclass(frozen=True, slots=True)
class Capability:
    """What the session object says of a specification, for the server and for an account."""

    uri: str
    server: Callable[[Any], Answer]  # given Services
    account: Callable[[Any], Answer] | None  # None: it is not one of accounts
    methods: tuple[Method, ...]
