"""What leaves us is made 7-bit before it is signed (RFC 6376 §5.3).

A server on the way that takes no 8-bit content would have it rewritten, by us or by the next one,
and no signature outlives that. Local copies of mail that stays here are as the author wrote them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pillarbox.accounts.directory import RemoteTarget
from pillarbox.message.downgrade import CannotConvert, Downgraded, downgrade
from pillarbox.message.header import header_end

if TYPE_CHECKING:
    from pillarbox.flow.delivery.envelope import Envelope
    from pillarbox.message.part import Octets
    from pillarbox.store.blobs.spool import Spool

_IN_THREAD_FROM = 256 * 1024  # octets: some milliseconds of encoding, which others would wait
_STEP = 256 * 1024


def leaves(envelope: Envelope) -> bool:
    """Whether it goes to anybody elsewhere."""
    targets = (target for one in envelope.recipients for target in one.targets)
    return any(isinstance(target, RemoteTarget) for target in targets)


async def plan_seven_bit(octets: Octets, size: int, body: str) -> Downgraded | None:
    """The message in seven bits; None where it has no more, or may not be rewritten."""
    if size < _IN_THREAD_FROM:
        return _plan(octets, size, body)
    return await asyncio.to_thread(_plan, octets, size, body)


async def write_plan(plan: Downgraded, size: int, spool: Spool) -> None:
    """The new octets; a large message is encoded beside the loop, piece by piece."""
    pieces = plan.pieces()
    if size < _IN_THREAD_FROM:
        for piece in pieces:
            spool.write(piece)
        return
    while (made := await asyncio.to_thread(next, pieces, None)) is not None:
        spool.write(made)


def body_of(octets: Octets, size: int, declared: str) -> str:
    """The BODY of a rewritten message; a header in UTF-8 still has eight bits (RFC 6532 §3)."""
    return "7BIT" if octets[: header_end(octets, 0, size)].isascii() else declared


async def is_plain(envelope: Envelope, octets: Octets, size: int) -> bool:
    """Whether nothing of it needs SMTPUTF8, though the program that brought it said so.

    Some always do, and a server without SMTPUTF8 could not be given it (RFC 6531 §3.5). Our trace
    names a recipient, so the addresses count.
    """
    paths = (envelope.sender.reverse_path, *(one.forward_path for one in envelope.recipients))
    if not all(map(str.isascii, paths)):
        return False
    if size < _IN_THREAD_FROM:
        return _is_ascii(octets, size)
    return await asyncio.to_thread(_is_ascii, octets, size)


def _is_ascii(octets: Octets, size: int) -> bool:
    return all(octets[at : min(at + _STEP, size)].isascii() for at in range(0, size, _STEP))


def _plan(octets: Octets, size: int, body: str) -> Downgraded | None:
    if body != "BINARYMIME" and _is_ascii(octets, size):
        return None
    try:
        plan = downgrade(octets, "7BIT")
    except CannotConvert:  # sealed by its author: a server that takes it will be found, or none
        return None
    return plan if plan.is_changed else None
