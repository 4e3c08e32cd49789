"""IMAP's commands on a real store, without a session or a socket around them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from pillarbox.config.imap import ImapSettings
from pillarbox.errors import PillarboxError
from pillarbox.ids import Uid
from pillarbox.imap.server.context import Context, No
from pillarbox.imap.server.picture import Picture, Pictures
from pillarbox.imap.server.registry import COMMANDS, hooks_for
from pillarbox.imap.server.view import View
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.framing import Framed, Framer, FramingLimits, Literal
from pillarbox.imap.wire.reader import Reader
from pillarbox.store.sql import messages
from support.imap_client import Answer, untagged_of
from support.store_box import Box

HOOKS = hooks_for(ImapSettings())


class FakeLink:
    """Keeps what was written."""

    def __init__(self) -> None:
        self.octets = bytearray()
        self.bursts = 0

    def write(self, octets: bytes) -> None:
        self.octets += octets

    def write_pieces(self, pieces: list[bytes]) -> None:
        self.octets += b"".join(pieces)

    async def drained(self) -> None:
        self.bursts += 1


class Desk(Box):
    """A selected INBOX, and commands for it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.link = FakeLink()
        self.pictures = Pictures()

    async def select(self, *enabled: str, read_only: bool = False) -> View:
        """Begin anew: a fresh session with INBOX selected."""
        services = SimpleNamespace(
            store=self.store, settings=ImapSettings(), clock=self.clock, pictures=self.pictures
        )
        self.ctx = Context(cast(Any, services), cast(Any, self.link), "test")
        self.ctx.account_id = self.alice.id
        self.ctx.enabled.update(enabled)
        inbox = await self.mailbox("INBOX")
        picture = Picture.of(await self.placed(), inbox.modseq)
        view = View(self.pictures, inbox, picture, read_only=read_only)
        self.ctx.select(view)
        return view

    async def expunge(self, uids: list[Uid]) -> None:
        """Behind the selected session's back."""
        await self.store.write(
            lambda tx: messages.expunge(tx, self.alice.id, self.inbox.id, uids, force=True)
        )

    async def say(self, *parts: str | bytes) -> Answer:
        """Run one command; `bytes` are sent as literals. BAD and NO as a session would say."""
        framed = _framed(parts)
        self.link.octets.clear()
        kind, code, text = "OK", "", "done"
        self.ctx.tag = b"t1"
        try:
            reader = Reader(framed, self.ctx.utf8)
            name = reader.name()
            if name == "UID":
                reader.space()
                name = f"UID {reader.name()}"
            if not reader.at_end:
                reader.space()
            spec = COMMANDS[name]
            command = spec.parse(reader, HOOKS)
            reader.end()
            done = await spec.run(command, self.ctx)
            if done is not None and done.code is not None:
                code = done.code.octets.decode()
        except BadSyntax as error:
            kind, text = "BAD", str(error)
        except No as error:
            kind, text = "NO", str(error)
            code = error.code.octets.decode() if error.code else ""
        except PillarboxError as error:
            kind, text = "NO", str(error)
        return Answer(kind, code, text, [untagged_of(f) for f in frames(bytes(self.link.octets))])


def frames(octets: bytes) -> list[Framed]:
    """A server's octets as whole responses."""
    framer = Framer(FramingLimits(line=2**24, literal=2**30, command=2**30))
    framer.feed(octets)
    found = []
    while (event := framer.next_event()) is not None:
        if isinstance(event, Framed):
            found.append(event)
    assert not framer.pending
    return found


def _framed(parts: tuple[str | bytes, ...]) -> Framed:
    segments: list[bytes | Literal] = [b""]
    for part in parts:
        if isinstance(part, str):
            last = segments[-1]
            assert isinstance(last, bytes)
            segments[-1] = last + part.encode()
        else:
            segments += [Literal(part, len(part)), b""]
    return Framed(tuple(segments))


def desk_test(scene: Callable[[Desk], Awaitable[None]]) -> Callable[[Path], None]:
    """A test of one coroutine that gets an open desk."""

    def test(tmp_path: Path) -> None:
        async def play() -> None:
            async with Desk(tmp_path) as desk:
                await scene(desk)

        asyncio.run(play())

    test.__name__ = getattr(scene, "__name__", "scene")
    test.__doc__ = scene.__doc__
    return test
