"""APPENDLIMIT: how large a message may be (RFC 7889); the same for every mailbox."""

from __future__ import annotations

from pillarbox.imap.server.command import Extension
from pillarbox.imap.server.context import Context
from pillarbox.store.model import Mailbox


def _advertise(ctx: Context) -> tuple[str, ...]:
    return (f"APPENDLIMIT={ctx.settings.max_append}",)


async def _append_limit(mailbox: Mailbox, ctx: Context) -> bytes:
    return b"%d" % ctx.settings.max_append


EXTENSION = Extension(
    rfc=7889,
    capabilities=("APPENDLIMIT=",),
    advertise=_advertise,
    status_items={"APPENDLIMIT": _append_limit},
    response_codes=("TOOBIG",),
)
