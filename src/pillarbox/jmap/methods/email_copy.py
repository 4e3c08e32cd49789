"""Email/copy, from one account to another (RFC 8621 §4.7): a person here has one account."""

from __future__ import annotations

from typing import Any

from pillarbox.jmap.capabilities import MAIL
from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import MethodRefused, invalid_arguments
from pillarbox.jmap.method import Answer, Arguments, Method
from pillarbox.jmap.standard import Id


class Copy(Arguments, frozen=True, kw_only=True):
    """RFC 8620 §5.4."""

    from_account_id: str
    if_from_in_state: str | None = None
    if_in_state: str | None = None
    create: dict[Id, dict[str, Any]]
    on_success_destroy_original: bool = False
    destroy_from_if_in_state: str | None = None


async def run_copy(_ctx: Context, arguments: Copy) -> Answer:
    """There is nowhere to copy from; within an account, Email/set changes mailboxIds."""
    if arguments.from_account_id == arguments.account_id:
        raise invalid_arguments("Copies go from one account to another.")
    raise MethodRefused("fromAccountNotFound")


METHODS = (Method("Email/copy", MAIL, Copy, run_copy),)
