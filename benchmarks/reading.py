"""What each step of a FETCH and of a RETR costs, by itself: a part of `benchmarks.steps`."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

from benchmarks.messages import MessageMaker
from pillarbox.clock import SystemClock
from pillarbox.config.imap import ImapSettings
from pillarbox.flow.delivery.keep import Sealed
from pillarbox.ids import AccountId, MessageId
from pillarbox.imap.server.context import State
from pillarbox.imap.server.picture import Pictures
from pillarbox.imap.server.registry import COMMANDS, HOOKS
from pillarbox.imap.server.session import Session
from pillarbox.imap.wire.framing import Framed, Framer
from pillarbox.imap.wire.reader import Reader as WireReader
from pillarbox.message.digest import digest
from pillarbox.pop3.wire.replies import DotStuffer
from pillarbox.store import Reader, Store, Transaction
from pillarbox.store.blobs.content import expand_small
from pillarbox.store.blobs.record import seal_bytes
from pillarbox.store.engine.sqlite.connection import drive
from pillarbox.store.sql import accounts, messages

COUNT = 300  # messages in the mailbox
LOGIN = "user7@example.org"
FETCH = b"a UID FETCH %d (FLAGS ENVELOPE BODY.PEEK[])\r\n"


class _Link:
    """Where answers go: nowhere."""

    peer = "127.0.0.1"
    is_secure = True
    can_start_tls = can_compress = is_compressed = False

    def bindings(self) -> Mapping[str, bytes]:
        return {}

    def write(self, octets: bytes) -> None:
        """Take it."""

    def write_pieces(self, pieces: list[bytes]) -> None:
        """Take them."""

    async def drained(self) -> None:
        """There is always room."""

    async def ask(self, prompt: bytes) -> bytes:
        raise NotImplementedError


async def reading_alone(store: Store, size: int) -> list[tuple[str, float]]:
    """CPU-µs of each step for one message of the size."""
    account = await _fill(store, size)
    run = await _session(store, account)

    async def ask(db: Reader, number: int) -> list[Any]:
        one = [MessageId(number)]
        await messages.columns(db, account, one, ("envelope",))
        return store.contents(list((await messages.get_many(db, account, one)).values()))

    contents = [
        drive(store.read(lambda db, n=number: ask(db, n)))[0]  # type: ignore[misc]
        for number in range(1, COUNT + 1)
    ]
    places = [content._at for content in contents]
    segments = contents[0]._blobs._segments

    def read(n: int) -> bytes:
        at = places[n]
        return cast(bytes, segments.read_cached(at.segment, at.position, at.length))

    records = [read(n) for n in range(COUNT)]
    blobs = [content._blob for content in contents]
    octets = [expand_small(records[n], blobs[n], 0, 1 << 30) for n in range(COUNT)]
    gc.collect()
    gc.disable()
    table = [
        ("parse", cost(lambda n: _parse(FETCH % (n + 1)))),
        ("SQL, one snapshot", cost(lambda n: drive(store.read(lambda db: ask(db, n + 1))))),
        ("read the record", cost(read)),
        ("check and expand", cost(lambda n: expand_small(records[n], blobs[n], 0, 1 << 30))),
        ("FETCH in all, no socket", cost(lambda n: run(FETCH % (n + 1)))),
        ("dot-stuffing, for RETR", cost(lambda n: DotStuffer().feed(octets[n]))),
        ("write to the socket", _sending(octets)),
        ("NOOP in all, no socket", cost(lambda _: run(b"a NOOP\r\n"))),
    ]
    gc.enable()
    return table


def cost(step: Callable[[int], object]) -> float:
    """CPU-µs of a step for one message: the best of some rounds."""
    best = float("inf")
    for _ in range(5):
        began = time.thread_time_ns()
        for number in range(COUNT):
            step(number)
        best = min(best, (time.thread_time_ns() - began) / COUNT / 1000)
    return best


async def _fill(store: Store, size: int) -> AccountId:
    found = await store.read(lambda db: accounts.find(db, LOGIN))
    assert found is not None
    account = found.id
    maker = MessageMaker(size)
    sealed = [
        Sealed(seal_bytes(octets), digest(octets)) for octets in (next(maker) for _ in range(COUNT))
    ]

    async def append(tx: Transaction) -> None:
        for one in sealed:
            await messages.append(
                tx,
                messages.NewMessage(
                    account=account, mailbox=None, blob=one.blob, digest=one.digest
                ),
            )

    await store.write(append)
    return account


async def _session(store: Store, account: AccountId) -> Callable[[bytes], None]:
    """A session with the INBOX selected: octets in, nothing out."""
    framer = Framer()
    services = SimpleNamespace(
        store=store,
        settings=ImapSettings(),
        clock=SystemClock(),
        pictures=Pictures(),
        hostname="mx.example.org",
        tls=None,
    )
    session = Session(cast(Any, services), _Link(), framer, "0123456789ab")
    session.ctx.account_id = account
    session.ctx.state = State.AUTHENTICATED

    def run(octets: bytes) -> None:
        framer.feed(octets)
        event = framer.next_event()
        assert event is not None
        drive(session.take(event))

    run(b"a SELECT INBOX\r\n")
    return run


def _parse(line: bytes) -> None:
    framer = Framer()
    framer.feed(line)
    event = framer.next_event()
    assert isinstance(event, Framed)
    reader = WireReader(event, False)
    reader.tag()
    reader.space()
    name = reader.name()
    reader.space()
    spec = COMMANDS[f"{name} {reader.name()}"]
    reader.space()
    spec.parse(reader, HOOKS)


def _sending(octets: list[bytes]) -> float:
    """On loopback, to somebody who reads at once: the kernel's part."""
    listening = socket.create_server(("127.0.0.1", 0))
    ours = socket.create_connection(listening.getsockname())
    theirs, _ = listening.accept()

    def take() -> None:
        while theirs.recv(1 << 18):
            pass

    thread = threading.Thread(target=take)
    thread.start()
    try:
        return cost(lambda n: ours.sendall(octets[n]))
    finally:
        ours.close()
        thread.join()
        theirs.close()
        listening.close()
