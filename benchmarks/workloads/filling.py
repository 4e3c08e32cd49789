"""Putting messages into mailboxes before the measuring begins."""

from __future__ import annotations

import asyncio

from benchmarks.clients import ImapPeer
from benchmarks.contenders import Contender
from benchmarks.messages import MessageMaker
from support.server import PASSWORD

_AT_ONCE = 100  # messages in one MULTIAPPEND


async def signed_in(contender: Contender, user: int, select: bytes | None = None) -> ImapPeer:
    """A connection of a user, with a mailbox open if wanted."""
    peer = await ImapPeer.connect(contender.host, contender.ports.imap)
    await peer.login(contender.login(user), PASSWORD)
    if select is not None:
        await peer.command(b"SELECT " + select)
    return peer


async def fill(contender: Contender, user: int, count: int, size: int, seed: int = 1) -> None:
    """Put `count` messages of about `size` octets into a user's INBOX."""
    maker = MessageMaker(size, seed)
    peer = await signed_in(contender, user)
    left = count
    while left:
        several = [next(maker) for _ in range(min(left, _AT_ONCE))]
        await peer.append(b"INBOX", several)
        left -= len(several)
    peer.close()


async def watchers(contender: Contender, users: range) -> list[ImapPeer]:
    """A signed-in connection of each user, for `visible`."""
    return [await signed_in(contender, user) for user in users]


async def visible(contender: Contender, peers: list[ImapPeer], wanted: list[int]) -> None:
    """Return when each of the first users' INBOXes holds as many messages as wanted.

    One is asked until it is full, then the next: asked all the time, Dovecot's mdbox ends in
    deadlocks with its own deliveries ("fcntl … Resource deadlock avoided"), and imap processes
    with them. A connection that is dropped is made again, and that is said.
    """
    for user, count in enumerate(wanted):
        while True:
            try:
                if await _count(peers[user]) >= count:
                    break
            except ConnectionError as error:
                print(f"  {contender.name} dropped a connection: {error}", flush=True)
                peers[user] = await signed_in(contender, user)
            await asyncio.sleep(0.02)


async def _count(peer: ImapPeer) -> int:
    answer = await peer.command(b"STATUS INBOX (MESSAGES)")
    return int(answer.split(b"MESSAGES ")[1].split(b")")[0])
