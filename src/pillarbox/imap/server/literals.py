"""What becomes of a literal that a client announces: kept, streamed to a spool, or refused.

Only messages (APPEND's) are streamed; whether they can be taken is found out before a client that
waits for "+" sends them (RFC 9051 §4.3, §6.3.12; RFC 7888 §4).
"""

from __future__ import annotations

from pillarbox.errors import PillarboxError
from pillarbox.imap.server.commands.append import check_room, parse_target
from pillarbox.imap.server.context import Context, No, State
from pillarbox.imap.server.errors import reply_to
from pillarbox.imap.wire import codes
from pillarbox.imap.wire.framing import Framer, Literal, WantLiteral, tag_of
from pillarbox.imap.wire.reader import Reader

_GO_AHEAD = b"+ OK\r\n"


async def decide(ctx: Context, framer: Framer, want: WantLiteral) -> None:
    """Accept, divert or refuse the literal, and say so to a client that waits."""
    try:
        target = _message_for(ctx, want)
        if target is None:
            taken = framer.accept()
        else:
            await _divert(ctx, framer, want, target)
            taken = True
    except (PillarboxError, No) as error:
        framer.refuse()
        ctx.discard_spools()
        ctx.send(reply_to(error, tag_of(want.segments) or b"*"))
        return
    if taken and want.sync:
        ctx.link.write(_GO_AHEAD)


def take_chunk(ctx: Context, framer: Framer, octets: bytes) -> None:
    """Some octets of a message. A disk that is full ends the command with NO."""
    if not ctx.spools:
        return
    try:
        ctx.spools[-1].write(octets)
    except PillarboxError as error:
        framer.refuse()
        ctx.discard_spools()
        ctx.send(reply_to(error, ctx.tag or b"*"))


def _message_for(ctx: Context, want: WantLiteral) -> str | None:
    """The mailbox whose APPEND this literal is a message of; None: it is something else."""
    if ctx.state not in (State.AUTHENTICATED, State.SELECTED):
        return None
    reader = Reader(want, ctx.utf8)
    try:
        tag = reader.tag()
        reader.space()
        if reader.name() != "APPEND":
            return None
        reader.space()
        target = parse_target(reader)
    except PillarboxError:  # the name itself is the literal, or the command's parser will complain
        return None
    ctx.tag = tag
    return target


async def _divert(ctx: Context, framer: Framer, want: WantLiteral, target: str) -> None:
    settings = ctx.settings
    if want.size > settings.max_append:
        text = f"A message may have {settings.max_append} octets at most."
        raise No(text, codes.TOO_BIG)
    if len(ctx.spools) >= settings.max_append_messages:
        text = f"One APPEND takes {settings.max_append_messages} messages at most."
        raise No(text, codes.LIMIT)
    before = sum(s.size for s in want.segments if isinstance(s, Literal) and s.diverted)
    if before + want.size > settings.max_append_total:
        text = f"One APPEND takes {settings.max_append_total} octets at most."
        raise No(text, codes.TOO_BIG)
    await check_room(ctx, target, before + want.size, len(ctx.spools) + 1)
    ctx.spools.append(ctx.store.spool(max(want.size, 1)))
    framer.divert()
