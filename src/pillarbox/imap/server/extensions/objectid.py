"""OBJECTID: numbers of mailboxes, messages and threads that last (RFC 8474)."""

from __future__ import annotations

from pillarbox.imap.server.command import Extension
from pillarbox.imap.server.commands.fetch_items import EMAIL_ID, THREAD_ID
from pillarbox.imap.server.commands.search_keys import EMAIL_ID as EMAIL_ID_KEY
from pillarbox.imap.server.commands.search_keys import THREAD_ID as THREAD_ID_KEY
from pillarbox.imap.server.context import Context
from pillarbox.imap.server.object_ids import mailbox_object_id
from pillarbox.store.model import Mailbox


async def _mailbox_id(mailbox: Mailbox, ctx: Context) -> bytes:
    return b"(%b)" % mailbox_object_id(mailbox.id)


EXTENSION = Extension(
    rfc=8474,
    capabilities=("OBJECTID",),
    status_items={"MAILBOXID": _mailbox_id},
    fetch_items={"EMAILID": EMAIL_ID, "THREADID": THREAD_ID},
    search_keys={"EMAILID": EMAIL_ID_KEY, "THREADID": THREAD_ID_KEY},
    response_codes=("MAILBOXID",),
)
