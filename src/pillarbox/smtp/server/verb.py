"""The two kinds of rows that the server is made of: verbs, and extensions (RFC 5321 §2.2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from pillarbox.smtp.wire.errors import BadParameter, UnknownParameter
from pillarbox.smtp.wire.params import parse_parameters

if TYPE_CHECKING:
    from pillarbox.smtp.server.context import Context
    from pillarbox.smtp.wire.replies import Reply

COMMAND_OCTETS = 512  # RFC 5321 §4.5.3.1.4, with CR LF


class When(Enum):
    """What must have gone before (RFC 5321 §4.1.4)."""

    ALWAYS = auto()
    GREETED = auto()  # EHLO, HELO or LHLO
    IN_MAIL = auto()  # MAIL was answered 250
    FOR_SOMEBODY = auto()  # a RCPT was answered 250


@dataclass(frozen=True, slots=True)
class Verb:
    """A command: `parse` takes its arguments and raises BadSyntax, `run` answers."""

    name: bytes
    syntax: str  # for HELP
    when: When
    parse: Callable[[bytes], Any]
    run: Callable[[Any, Context], Awaitable[Reply | None]]  # None: octets come before the answer
    # RFC 2920 §3.1 names more, but only behind these do octets change their meaning.
    last_in_group: bool = False
    is_idle: bool = True  # brings no message nearer; capped in a row
    max_octets: int = COMMAND_OCTETS


@dataclass(frozen=True, slots=True)
class Parameter:
    """A keyword of MAIL or RCPT and the field of Sender or Recipient that it fills."""

    keyword: str
    field: str  # "": checked, not kept
    parse: Callable[[str | None], Any]  # raises BadParameter


@dataclass(frozen=True, slots=True)
class Extension:
    """One row of `registry.EXTENSIONS`."""

    rfc: int
    keyword: str
    offer: Callable[[Context], str | None]  # the EHLO line; None: not on this connection
    mail: tuple[Parameter, ...] = ()
    rcpt: tuple[Parameter, ...] = ()
    verbs: tuple[Verb, ...] = ()


@dataclass(frozen=True, slots=True)
class Dialect:
    """All rows together, as sessions look them up."""

    verbs: Mapping[bytes, Verb]
    extensions: tuple[Extension, ...]
    mail: Mapping[str, tuple[Extension, Parameter]]
    rcpt: Mapping[str, tuple[Extension, Parameter]]


def always(line: str) -> Callable[[Context], str | None]:
    """For extensions that are offered on every connection."""
    return lambda context: line


def read_parameters(
    text: str, known: Mapping[str, tuple[Extension, Parameter]], context: Context
) -> dict[str, Any]:
    """Values by field, for keywords of extensions that are offered here. Raises BadSyntax."""
    values: dict[str, Any] = {}
    for keyword, value in parse_parameters(text).items():
        row = known.get(keyword)
        if row is None or row[0].offer(context) is None:
            raise UnknownParameter(f"The parameter {keyword} is not supported here.")
        parsed = row[1].parse(value)
        if row[1].field in values:
            raise BadParameter(f"The parameter {keyword} contradicts another one.")
        if row[1].field:
            values[row[1].field] = parsed
    return values


def no_value(value: str | None) -> bool:
    """For keywords that stand alone."""
    if value is not None:
        raise BadParameter("This parameter takes no value.")
    return True
