"""Between the last octet of a command and its reply stand the syncs: asked of the kernel itself.

A worker runs under strace. For each kind of change the trace must show, in this order: the end of
the command is read; octets, where there are any, are written to a segment and synced; the rows
are written to the database's log and synced; the reply is written.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Iterator
from pathlib import Path

import pytest

from pillarbox.testing import RunningServer, running_server
from support.line_client import LineClient, pop3_connect, smtp_connect, smtp_send
from support.store_box import letter
from support.strace import READS, SYNCS, WRITES, Call, parse, traced

pytestmark = pytest.mark.slow

LOGIN, PASSWORD = "alice@example.org", "alice-secret"
LOG = r"/pillarbox\.db-wal$"  # not that of the search index


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(
        tmp_path_factory.mktemp("synced"), workers=1, accounts={LOGIN: PASSWORD}
    ) as running:
        yield running


def watch(server: RunningServer, tmp_path: Path, work: Awaitable[None]) -> list[Call]:
    """The worker's calls while the work is done."""

    async def run() -> None:
        await work

    worker = next(pid for pid in server.pids if pid != server.pid)
    with traced(worker, tmp_path / "trace") as calls:
        asyncio.run(run())
        return calls()


class Exchange:
    """One command in a trace: from its last octets to the reply."""

    def __init__(self, calls: list[Call], asked: str, reply: str) -> None:
        command = [one for one in calls if one.name in READS and re.search(asked, one.text)][-1]
        self.reply = next(
            one
            for one in calls
            if one.name in WRITES
            and one.target == command.target
            and one.entered > command.left
            and re.search(reply, one.text)
        )
        self.read = [
            one
            for one in calls
            if one.name in READS
            and one.target == command.target
            and one.left < self.reply.entered
            and not one.text.endswith(" = 0")
        ][-1]
        self.calls = [
            one
            for one in calls
            if one.entered > command.left and one.left < self.reply.entered and one is not command
        ]

    def last(self, names: set[str], target: str) -> Call | None:
        """The last such call before the reply."""
        found = [one for one in self.calls if one.name in names and re.search(target, one.target)]
        return found[-1] if found else None

    def check_rows(self) -> None:
        """The database's log was written and synced after the command was read whole."""
        written, synced = self.last(WRITES, LOG), self.last(SYNCS, LOG)
        assert written is not None, "nothing was written to the log"
        assert synced is not None, "the log was not synced"
        assert self.read.left < written.left < synced.entered
        assert synced.left < self.reply.entered

    def check_octets(self) -> None:
        """A segment was written and synced before the rows that refer to it."""
        written, synced = self.last(WRITES, r"\.seg$"), self.last(SYNCS, r"\.seg$")
        rows = self.last(SYNCS, LOG)
        assert written is not None, "nothing was written to a segment"
        assert synced is not None, "the segment was not synced"
        assert rows is not None
        assert written.left < synced.entered
        assert synced.left < rows.entered


@pytest.mark.parametrize("door", ["smtp", "lmtp"])
def test_the_250_of_a_delivery(server: RunningServer, tmp_path: Path, door: str) -> None:
    async def work() -> None:
        client = await smtp_connect(server.host, server.ports[door], lmtp=door == "lmtp")
        await smtp_send(client, [LOGIN], letter(f"By {door}"))
        await client.close()

    exchange = Exchange(watch(server, tmp_path, work()), f"By {door}", r'"250 2\.')
    exchange.check_octets()
    exchange.check_rows()


def test_the_250_of_a_chunk(server: RunningServer, tmp_path: Path) -> None:
    raw = letter("By BDAT")

    async def work() -> None:
        client = await smtp_connect(server.host, server.smtp)
        await client.smtp(b"MAIL FROM:<load@example.net>", 250)
        await client.smtp(b"RCPT TO:<" + LOGIN.encode() + b">", 250)
        await client.send(b"BDAT %d LAST\r\n" % len(raw) + raw)
        assert (await client.smtp_reply())[0] == 250
        await client.close()

    exchange = Exchange(watch(server, tmp_path, work()), "By BDAT", r'"250 2\.')
    exchange.check_octets()
    exchange.check_rows()


def test_the_250_of_a_submission_that_is_queued(server: RunningServer, tmp_path: Path) -> None:
    async def work() -> None:
        client = await smtp_connect(server.host, server.submission)
        await client.smtp(b"AUTH PLAIN AGFsaWNlQGV4YW1wbGUub3JnAGFsaWNlLXNlY3JldA==", 235)
        raw = letter("For the queue").replace(b"bob@", b"alice@", 1)
        await client.smtp(b"MAIL FROM:<" + LOGIN.encode() + b">", 250)
        await client.smtp(b"RCPT TO:<carol@example.net>", 250)
        await client.smtp(b"DATA", 354)
        await client.send(raw + b".\r\n")
        assert (await client.smtp_reply())[0] == 250
        await client.close()

    exchange = Exchange(watch(server, tmp_path, work()), "For the queue", r'"250 2\.')
    exchange.check_octets()
    exchange.check_rows()


def test_a_large_message_gets_its_name_before_its_rows(
    server: RunningServer, tmp_path: Path
) -> None:
    """It has a segment of its own: the file is synced, named, and the name is synced."""
    raw = letter("Large", "\r\n".join([f"{n:070}" for n in range(70_000)]))

    async def work() -> None:
        client = await smtp_connect(server.host, server.smtp)
        await smtp_send(client, [LOGIN], raw)
        await client.close()

    exchange = Exchange(watch(server, tmp_path, work()), '"DATA', r'"250 2\.')
    calls = exchange.calls
    file = exchange.last(SYNCS, r"/tmp/sealed-")
    named = [one for one in calls if one.name in {"link", "linkat"} and ".seg" in one.text]
    folder = exchange.last(SYNCS, r"/blobs$")
    rows = exchange.last(SYNCS, LOG)
    assert file is not None
    assert folder is not None
    assert rows is not None
    assert file.left < named[-1].entered
    assert named[-1].left < folder.entered
    assert folder.left < rows.entered
    exchange.check_rows()


IMAP_CHANGES = [
    b"CREATE Trash/Old",
    b"RENAME Trash/Old Trash/Older",
    b"SUBSCRIBE Trash/Older",
    b"STORE 1 +FLAGS (\\Flagged keyword)",
    b"STORE 1 FLAGS.SILENT (\\Seen)",
    b"COPY 1 Trash",
    b"MOVE 2 Trash",
    b"UID STORE 1:* +FLAGS (\\Deleted)",
    b"UID EXPUNGE 1",
    b"EXPUNGE",
    b"SELECT Trash",
    b"STORE 1 +FLAGS (\\Deleted)",
    b"CLOSE",
    b"DELETE Trash/Older",
]


def test_the_answers_of_imap(server: RunningServer, tmp_path: Path) -> None:
    raw = letter("By APPEND")

    async def command(client: LineClient, tag: bytes, text: bytes) -> None:
        await client.send(tag + b" " + text + b"\r\n")
        while not (line := await client.line()).startswith(tag):
            if line.startswith(b"+"):
                await client.send(raw + b"\r\n")
        assert line.startswith(tag + b" OK"), (text, line)

    async def work() -> None:
        client = await LineClient.connect(server.host, server.imap)
        await client.line()
        await command(client, b"a1", f"LOGIN {LOGIN} {PASSWORD}".encode())
        for number in range(4):
            await command(client, b"b%d" % number, b"APPEND Sent {%d}" % len(raw))
            raw_seen.append(number)
        await command(client, b"c1", b"SELECT Sent")
        for number, text in enumerate(IMAP_CHANGES):
            await command(client, b"d%d" % number, text)
        await client.close()

    raw_seen: list[int] = []
    calls = watch(server, tmp_path, work())
    first = Exchange(calls, r'"b0 APPEND', "b0 OK")
    first.check_octets()
    first.check_rows()
    for number in range(1, 4):  # the same octets again: only rows are new
        Exchange(calls, rf'"b{number} APPEND', f"b{number} OK").check_rows()
    for number, text in enumerate(IMAP_CHANGES):
        if not text.startswith(b"SELECT"):
            Exchange(calls, rf'"d{number} ', rf"d{number} OK").check_rows()


def test_the_answer_to_pop3s_quit(server: RunningServer, tmp_path: Path) -> None:
    async def work() -> None:
        sender = await smtp_connect(server.host, server.smtp)
        await smtp_send(sender, [LOGIN], letter("For POP3"))
        client = await pop3_connect(server.host, server.pop3, LOGIN, PASSWORD)
        await client.pop3(b"DELE 1")
        await client.pop3(b"QUIT")
        await client.close()
        await sender.close()

    Exchange(watch(server, tmp_path, work()), r'"QUIT', r'"\+OK').check_rows()


def test_the_parser_orders_calls_that_overlap() -> None:
    text = "\n".join(
        [
            '7 read(5<TCP:[127.0.0.1:25->127.0.0.1:9]>, "x", 10) = 1',
            "8 fdatasync(6</data/pillarbox.db-wal> <unfinished ...>",
            '7 write(5<TCP:[127.0.0.1:25->127.0.0.1:9]>, "250 2.0.0 x", 9) = 9',
            "8 <... fdatasync resumed>) = 0",
            "8 fdatasync(6</data/pillarbox.db-wal>) = -1 EIO (Input/output error)",
            "nonsense",
        ]
    )
    read, sync, write = parse(text)
    assert (read.name, sync.name, write.name) == ("read", "fdatasync", "write")
    assert sync.target == "/data/pillarbox.db-wal"
    assert sync.entered < write.entered < sync.left
    exchange = Exchange([read, sync, write], "x", "250")
    with pytest.raises(AssertionError):
        exchange.check_rows()
