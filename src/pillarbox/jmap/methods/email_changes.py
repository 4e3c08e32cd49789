"""Email/changes (RFC 8621 §4.3)."""

from __future__ import annotations

from pillarbox.jmap.capabilities import MAIL
from pillarbox.jmap.context import Context
from pillarbox.jmap.ids import email_id
from pillarbox.jmap.method import Answer, Method
from pillarbox.jmap.standard import Changes
from pillarbox.jmap.states import changed
from pillarbox.store.sql.account_changes import email_changes


async def run(ctx: Context, arguments: Changes) -> Answer:
    """What was created, updated and destroyed since a state."""
    return await changed(ctx, arguments, email_changes, email_id)


METHODS = (Method("Email/changes", MAIL, Changes, run),)
