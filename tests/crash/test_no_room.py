"""No room, no descriptors: each door says so, loses nothing, and works again by itself."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.testing import RunningServer, running_server
from support.line_client import LineClient, pop3_connect, smtp_connect
from support.programs import run
from support.small_disk import fill, limited, remount, small_disk
from support.store_box import letter

pytestmark = pytest.mark.slow

LOGIN, PASSWORD = "alice@example.org", "alice-secret"
PEOPLE = {LOGIN: PASSWORD, "bob@example.org": PASSWORD}
SETTINGS = {"store": {"spool_memory_octets": 65_536, "own_segment_octets": 262_144}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("no-room")
    with running_server(folder, workers=1, accounts=PEOPLE, settings=SETTINGS) as running:
        yield running


class Desk:
    """One connection at each door, made before the trouble begins."""

    smtp: LineClient
    lmtp: LineClient
    imap: LineClient
    pop3: LineClient

    def __init__(self, server: RunningServer) -> None:
        self._server = server
        self._tag = 0
        self.messages = 0  # accepted for alice

    async def open(self) -> None:
        host, ports = self._server.host, self._server
        self.smtp = await smtp_connect(host, ports.smtp)
        self.lmtp = await smtp_connect(host, ports.lmtp, lmtp=True)
        self.imap = await LineClient.connect(host, ports.imap)
        await self.imap.line()
        assert (await self.command(f"LOGIN {LOGIN} {PASSWORD}"))[:2] == "OK"
        assert (await self.send(self.smtp))[0] == 250
        assert (await self.send(self.smtp))[0] == 250
        assert (await self.command("SELECT INBOX"))[:2] == "OK"
        await self.send(self.smtp, to="bob@example.org")
        self.pop3 = await pop3_connect(host, ports.pop3, "bob@example.org", PASSWORD)
        await self.pop3.pop3(b"DELE 1")

    async def close(self) -> None:
        for client in (self.smtp, self.lmtp, self.imap, self.pop3):
            await client.close()

    async def send(
        self, client: LineClient, octets: int = 300, to: str = LOGIN
    ) -> tuple[int, bytes]:
        """One message; the final reply."""
        await client.smtp(b"MAIL FROM:<load@example.net>", 250)
        await client.send(b"RCPT TO:<" + to.encode() + b">\r\n")
        code, text = await client.smtp_reply()
        assert code == 250, text
        await client.smtp(b"DATA", 354)
        raw = letter("No room", os.urandom(octets // 2).hex())
        await client.send(raw + b".\r\n")
        code, text = await client.smtp_reply()
        self.messages += code == 250 and to == LOGIN
        return code, text

    async def command(self, text: str, raw: bytes = b"") -> str:
        """An IMAP command; its tagged reply without the tag."""
        self._tag += 1
        tag = b"t%d" % self._tag
        await self.imap.send(tag + b" " + text.encode() + b"\r\n")
        while not (line := await self.imap.line()).startswith(tag + b" "):
            if line.startswith(b"+"):
                await self.imap.send(raw + b"\r\n")
        return line.removeprefix(tag + b" ").decode()

    async def append(self, octets: int = 300) -> str:
        raw = letter("No room", os.urandom(octets // 2).hex())
        said = await self.command(f"APPEND Sent {{{len(raw)}}}", raw)
        self.messages += said.startswith("OK")
        return said

    async def quit(self) -> str:
        """POP3's QUIT, which deletes."""
        await self.pop3.send(b"QUIT\r\n")
        return (await self.pop3.line()).decode()


CHANGES = (
    "STORE 1 +FLAGS (\\Flagged)",
    "STORE 1 +FLAGS (word)",
    "COPY 1 Trash",
    "MOVE 1 Trash",
    "CREATE Fresh",
    "RENAME Sent Fresh",
    "DELETE Archive",
    "SUBSCRIBE Nowhere",
)


async def all_refuse(desk: Desk) -> None:
    """Nothing can be written at all."""
    for client in (desk.smtp, desk.lmtp):
        for octets in (300, 100_000, 600_000):
            code, text = await desk.send(client, octets)
            assert code in (451, 452), text
    for octets in (300, 100_000, 600_000):
        assert (await desk.append(octets)).startswith("NO [UNAVAILABLE]")
    for change in CHANGES:
        assert (await desk.command(change)).startswith("NO [UNAVAILABLE]"), change
    assert (await desk.quit()).startswith("-ERR [SYS/TEMP]")


async def all_can_read(desk: Desk) -> None:
    """Reading goes on whatever happens."""
    assert (await desk.command("NOOP")).startswith("OK")
    assert (await desk.command("FETCH 1 BODY.PEEK[]")).startswith("OK")
    assert (await desk.command("SEARCH TEXT room")).startswith("OK")


async def all_can_sign_in(server: RunningServer) -> None:
    """Who comes only now can read too."""
    late = Desk(server)
    late.imap = await LineClient.connect(server.host, server.imap)
    await late.imap.line()
    assert (await late.command(f"LOGIN {LOGIN} {PASSWORD}")).startswith("OK")
    assert (await late.command("SELECT INBOX")).startswith("OK")
    await all_can_read(late)
    await late.imap.close()
    pop3 = await pop3_connect(server.host, server.pop3, LOGIN, PASSWORD)
    await pop3.pop3(b"RETR 1")
    await pop3.close()


async def all_work_again(desk: Desk, server: RunningServer) -> None:
    """On the same connections, with no restart."""
    for client in (desk.smtp, desk.lmtp):
        for octets in (300, 100_000, 600_000):
            assert (await desk.send(client, octets))[0] == 250
    for octets in (300, 100_000, 600_000):
        assert (await desk.append(octets)).startswith("OK")
    for change in CHANGES[:2]:
        assert (await desk.command(change)).startswith("OK")
    again = await pop3_connect(server.host, server.pop3, "bob@example.org", PASSWORD)
    await again.pop3(b"DELE 1")
    await again.pop3(b"QUIT")
    await again.close()


def verify(server: RunningServer) -> None:
    run([sys.executable, "-m", "pillarbox.cli", "verify", "--config", server.config], seconds=120)


def worker(server: RunningServer) -> list[int]:
    return [pid for pid in server.pids if pid != server.pid]


def test_nothing_can_be_written(server: RunningServer) -> None:
    """Every write of every file fails, those of the log of events included."""

    async def work() -> None:
        desk = Desk(server)
        before = server.message_count(LOGIN)
        await desk.open()
        with limited(worker(server), resource.RLIMIT_FSIZE, 0):
            await all_refuse(desk)
            await all_can_read(desk)
            await all_can_sign_in(server)
        await all_work_again(desk, server)
        assert server.message_count(LOGIN) == before + desk.messages
        await desk.close()

    asyncio.run(work())
    verify(server)


def test_the_disk_is_full(tmp_path: Path) -> None:
    """A disk with no block left; some changes still find room in what SQLite has already."""

    async def work(server: RunningServer, disk: Path) -> None:
        desk = Desk(server)
        await desk.open()
        ballast = disk / "ballast"
        fill(ballast)
        refused = 0
        for number in range(30):
            code, text = await desk.send(desk.smtp, (300, 5000, 100_000, 600_000)[number % 4])
            assert code == 250 or (code == 452 and text.startswith(b"4.3.1")), (code, text)
            refused += code == 452
            said = await desk.append((300, 5000, 100_000, 600_000)[number % 4])
            assert said.startswith(("OK", "NO [UNAVAILABLE]")), said
            fill(ballast)
        assert refused > 15
        for change in CHANGES[:3]:
            assert (await desk.command(change)).startswith(("OK", "NO [UNAVAILABLE]"))
        copied = await desk.command("COPY 1 Trash")
        assert copied.startswith(("OK", "NO [UNAVAILABLE]"))
        await all_can_read(desk)
        await all_can_sign_in(server)
        ended = await desk.quit()
        assert ended.startswith(("+OK", "-ERR [SYS/TEMP]")), ended
        ballast.unlink()
        await desk.send(desk.smtp, to="bob@example.org")
        await all_work_again(desk, server)
        await desk.close()

    with (
        small_disk(tmp_path / "disk", 24 << 20) as disk,
        running_server(disk / "server", accounts=PEOPLE, settings=SETTINGS) as server,
    ):
        asyncio.run(work(server, disk))
        verify(server)
        server.restart()
        verify(server)


@pytest.mark.timed
def test_no_descriptor_is_left(server: RunningServer) -> None:
    """Those who are there are served; those who come are served once there are descriptors."""

    async def work() -> None:
        desk = Desk(server)
        await desk.open()
        pids = worker(server)
        used = len(os.listdir(f"/proc/{pids[0]}/fd"))
        late: list[asyncio.Task[LineClient]] = []
        with limited(pids, resource.RLIMIT_NOFILE, used):
            for _ in range(5):
                late.append(asyncio.create_task(smtp_connect(server.host, server.smtp)))
            await asyncio.sleep(0.3)
            began = time.monotonic()
            await all_can_read(desk)
            assert (await desk.send(desk.smtp))[0] == 250
            assert (await desk.append()).startswith("OK")
            assert time.monotonic() - began < 5
            code, text = await desk.send(desk.smtp, 600_000)  # needs a file of its own
            assert code in (451, 452), text
        came = await asyncio.wait_for(asyncio.gather(*late, return_exceptions=True), 60)
        assert all(isinstance(one, LineClient | ConnectionError) for one in came), came
        fresh = await smtp_connect(server.host, server.smtp)
        assert (await desk.send(fresh, 600_000))[0] == 250
        await desk.close()

    asyncio.run(work())
    verify(server)


def test_a_disk_that_became_read_only(tmp_path: Path) -> None:
    """The server does not start, and says why; once the disk is writable it does."""
    with small_disk(tmp_path / "disk", 24 << 20) as disk:
        with running_server(disk / "server", accounts=PEOPLE) as server:
            pass
        remount(disk, "ro")
        command = [sys.executable, "-m", "pillarbox.cli", "serve", "--config", server.config]
        ended = run(command, seconds=30, codes=None)
        assert ended.code == 1
        assert "Traceback" not in ended.text
        assert "read-only" in ended.text.lower()
        remount(disk, "rw")
        server.start()
        verify(server)
        server.stop()


def test_numbers_need_no_room_later(tmp_path: Path) -> None:
    """Metrics lie in files that are written through memory maps: no room would be a SIGBUS."""
    code = "from pillarbox.telemetry import metrics; metrics.FAULTS.labels('smtp').inc()"
    folder = tmp_path / "metrics"
    folder.mkdir()
    run([sys.executable, "-c", code], env={"PROMETHEUS_MULTIPROC_DIR": str(folder)})
    files = list(folder.iterdir())
    assert len(files) > 3
    for file in files:
        there = file.stat()
        assert there.st_size >= 1 << 20
        assert there.st_blocks * 512 >= there.st_size, f"{file.name} has holes"
