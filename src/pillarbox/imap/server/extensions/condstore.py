"""CONDSTORE: changes are counted (RFC 7162 §3.1). Its effect on FETCH, STORE and untagged data is
in `untagged` and the commands, under `ctx.condstore`.
"""

from __future__ import annotations

from pillarbox.imap.server.command import Extension, parse_no_value
from pillarbox.imap.server.commands.fetch_items import MODSEQ
from pillarbox.imap.server.commands.fetch_syntax import parse_changed_since
from pillarbox.imap.server.commands.search_keys import MODSEQ as MODSEQ_KEY
from pillarbox.imap.server.context import Context
from pillarbox.imap.wire.reader import Reader
from pillarbox.store.model import Mailbox


def _parse_unchanged_since(reader: Reader) -> int:
    reader.space()
    return reader.number64()


async def _highest_modseq(mailbox: Mailbox, ctx: Context) -> bytes:
    ctx.enable_condstore()  # RFC 7162 §3.1.8 counts it among the enabling commands
    return b"%d" % mailbox.modseq


EXTENSION = Extension(
    rfc=7162,
    capabilities=("CONDSTORE",),
    enable=("CONDSTORE",),
    select_params={"CONDSTORE": parse_no_value},
    status_items={"HIGHESTMODSEQ": _highest_modseq},
    fetch_items={"MODSEQ": MODSEQ},
    fetch_modifiers={"CHANGEDSINCE": parse_changed_since},
    store_modifiers={"UNCHANGEDSINCE": _parse_unchanged_since},
    search_keys={"MODSEQ": MODSEQ_KEY},
    response_codes=("HIGHESTMODSEQ", "MODIFIED", "NOMODSEQ"),
)
