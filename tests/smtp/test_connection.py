"""Timing, limits and endings of a connection."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pillarbox.errors import Unavailable
from pillarbox.flow.inbound.local_policy import LocalserveRecipients
from pillarbox.net.peer import PeerConnection
from pillarbox.smtp.server.context import SmtpServices
from pillarbox.smtp.server.door import SmtpServer
from pillarbox.store.blobs.spool import Spool
from support.smtp_bench import LISTENERS, Bench, MemoryPeer, SocketPeer, open_bench

HELLO = "HELO client.example.net"


def run(
    folder: Path, work: Callable[[Bench], Awaitable[None]], settings: dict[str, Any] | None = None
) -> None:
    async def whole() -> None:
        async with open_bench(folder, **(settings or {})) as bench:
            await work(bench)

    asyncio.run(whole())


async def _greeted(bench: Bench, role: str = "mx") -> MemoryPeer:
    peer = MemoryPeer(bench, role)
    assert (await peer.reply()).startswith("220 ")
    assert (await peer.ask(HELLO)).startswith("250")
    return peer


async def _in_data(bench: Bench) -> MemoryPeer:
    peer = await _greeted(bench)
    assert (await peer.ask("MAIL FROM:<carol@example.net>")).startswith("250")
    assert (await peer.ask("RCPT TO:<alice@example.org>")).startswith("250")
    assert (await peer.ask("DATA")).startswith("354")
    return peer


def test_a_client_that_speaks_before_the_greeting_is_refused(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        peer = MemoryPeer(bench)
        await peer.send(b"EHLO bot.example.net\r\nMAIL FROM:<>\r\n")
        answer = await peer.rest()
        assert answer.startswith(b"554 5.5.1 Wait for the greeting") and answer.count(b"\n") == 1

    run(tmp_path, work, {"greeting_delay_seconds": 5.0})


@pytest.mark.timed
def test_silence_ends_the_session(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        peer = await _greeted(bench)
        assert (await peer.reply()).startswith("421 4.4.2 ")
        assert await peer.rest() == b""

    run(tmp_path, work, {"command_seconds": 0.05})


@pytest.mark.timed
def test_a_stopped_message_ends_the_session(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        peer = await _in_data(bench)
        await peer.send(b"Subject: half\r\n")
        assert (await peer.reply()).startswith("421 4.4.2 ")
        assert await bench.octets("alice@example.org") == []

    run(tmp_path, work, {"data_block_seconds": 0.05})


@pytest.mark.timed
def test_a_dripping_message_ends_too(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        peer = await _in_data(bench)
        for _ in range(100):
            await peer.send(b"x")
            await asyncio.sleep(0.005)
        assert (await peer.reply()).startswith("421 4.4.2 ")

    run(tmp_path, work, {"data_seconds": 0.1})


def test_a_broken_connection_delivers_nothing(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        peer = await _in_data(bench)
        await peer.send(b"Subject: half\r\n\r\n.\r")
        peer.close()
        await asyncio.sleep(0.02)
        assert bench.server.connections == 0
        assert await bench.octets("alice@example.org") == []

    run(tmp_path, work)


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 100])
def test_any_chunking_is_the_same_session(tmp_path: Path, chunk: int) -> None:
    async def work(bench: Bench) -> None:
        peer = await _in_data(bench)
        await peer.send(b"Subject: x\r\n\r\n..\r\n.\r\nNOOP\r\nQUIT\r\n", chunk)
        answer = (await peer.rest()).splitlines()
        assert [line[:3] for line in answer] == [b"250", b"250", b"221"]
        (octets,) = await bench.octets("alice@example.org")
        assert octets.endswith(b"Subject: x\r\n\r\n.\r\n")

    run(tmp_path, work)


def test_too_many_connections(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        services = dataclasses.replace(bench.services, admit=lambda address: None)
        full = dataclasses.replace(bench, server=SmtpServer(services))
        assert (await MemoryPeer(full).rest()).startswith(b"421 4.7.0 ")

    run(tmp_path, work)


def test_a_message_too_large_is_eaten_and_refused(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        peer = await _in_data(bench)
        await peer.send((b"x" * 998 + b"\r\n") * 70 + b".\r\n")
        assert (await peer.reply()).startswith("552 5.3.4 ")
        assert (await peer.ask("NOOP")).startswith("250")
        assert await bench.octets("alice@example.org") == []

    run(tmp_path, work, {"max_message_octets": 65536})


def test_recipients_are_capped(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        peer = await _greeted(bench)
        await peer.ask("MAIL FROM:<>")
        for number in range(100):
            assert (await peer.ask(f"RCPT TO:<alice+{number}@example.org>")).startswith("250")
        assert (await peer.ask("RCPT TO:<bob@example.org>")).startswith("452 4.5.3 ")

    run(tmp_path, work, {"max_recipients": 100})


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("NOOP " + "x" * 600, "500 5.5.2 "),
        ("MAIL FROM:<a@b.example> " + "X" * 2000, "500 5.5.2 "),
        ("x" * 70_000, "500 5.5.2 "),
    ],
)
def test_long_lines_are_refused_and_the_session_goes_on(
    tmp_path: Path, line: str, answer: str
) -> None:
    async def work(bench: Bench) -> None:
        peer = await _greeted(bench)
        assert (await peer.ask(line)).startswith(answer)
        assert (await peer.ask("NOOP")) == "250 2.0.0 OK"

    run(tmp_path, work)


def test_drain_lets_a_message_finish(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        idle, busy, stuck = await _greeted(bench), await _in_data(bench), await _in_data(bench)
        draining = asyncio.create_task(bench.server.drain(0.3))
        assert (await idle.reply()).startswith("421 4.3.2 ")
        await busy.send(b"Subject: last\r\n\r\n.\r\n")
        assert (await busy.reply()).startswith("250 2.0.0 ")
        assert (await busy.reply()).startswith("421 4.3.2 ")
        await draining
        assert await stuck.rest() == b""
        await asyncio.sleep(0)
        assert bench.server.connections == 0
        assert len(await bench.octets("alice@example.org")) == 1

    run(tmp_path, work)


def test_a_bug_is_one_reply_and_the_session_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(address: str) -> None:
        raise ZeroDivisionError

    async def work(bench: Bench) -> None:
        monkeypatch.setattr(bench.directory, "resolve", broken)
        peer = await _greeted(bench)
        await peer.ask("MAIL FROM:<>")
        assert (await peer.ask("RCPT TO:<alice@example.org>")).startswith("451 4.3.0 ")
        assert (await peer.ask("NOOP")).startswith("250")

    run(tmp_path, work)


def _localserve(bench: Bench, account: Any) -> Bench:
    policy = LocalserveRecipients(account, "alice@example.org", bench.services.clock)
    services: SmtpServices = dataclasses.replace(bench.services, recipients=policy)
    return dataclasses.replace(bench, services=services, server=SmtpServer(services))


def test_localserve_takes_everybody_but_the_magic_names(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        local = _localserve(bench, await bench.account("alice@example.org"))
        peer = await _greeted(local)
        await peer.ask("MAIL FROM:<app@example.com>")
        assert (await peer.ask("RCPT TO:<temperror@example.com>")).startswith("451 4.3.0 ")
        assert (await peer.ask("RCPT TO:<permerror@example.com>")).startswith("550 5.1.1 ")
        assert (await peer.ask("RCPT TO:<anybody@example.com>")).startswith("250 ")
        assert (await peer.ask("DATA")).startswith("354")
        await peer.send(b"Subject: x\r\n\r\n.\r\n")
        assert (await peer.reply()).startswith("250 ")
        await peer.ask("MAIL FROM:<app@example.com>")
        assert (await peer.ask("RCPT TO:<421@example.com>")).startswith("421 4.3.2 ")
        assert await peer.rest() == b""
        assert len(await bench.octets("alice@example.org")) == 1
        slow = await _greeted(local)
        await slow.ask("MAIL FROM:<app@example.com>")
        await slow.send(b"RCPT TO:<timeout@example.com>\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(slow.reply(), 0.1)
        slow.close()
        await asyncio.sleep(0.01)
        assert local.server.connections == 0

    run(tmp_path, work)


def test_a_client_that_leaves_behind_the_end_of_data_has_delivered(tmp_path: Path) -> None:
    """A commit that is under way is not torn (RFC 5321 §6.1)."""

    async def work(bench: Bench) -> None:
        peer = await _in_data(bench)
        await peer.send(b"Subject: x\r\n\r\n.\r\n")
        await asyncio.sleep(0)
        peer.close()
        for _ in range(6000):
            await asyncio.sleep(0.01)
            if octets := await bench.octets("alice@example.org"):
                assert octets[0].endswith(b"Subject: x\r\n\r\n")
                return
        raise AssertionError("the message never came")

    run(tmp_path, work)


def test_a_spool_that_fails_defers_and_eats_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(spool: Spool, chunk: bytes) -> None:
        raise Unavailable

    async def work(bench: Bench) -> None:
        peer = await _in_data(bench)
        monkeypatch.setattr(Spool, "write", full)
        await peer.send(b"Subject: x\r\n\r\nMAIL FROM:<>\r\n")
        monkeypatch.undo()
        await peer.send(b".\r\n")
        assert (await peer.reply()).startswith("451 4.3.0 ")
        assert await peer.ask("NOOP") == "250 2.0.0 OK"
        assert await bench.octets("alice@example.org") == []

    run(tmp_path, work)


def test_half_closed_clients_get_their_answers(tmp_path: Path) -> None:
    """`(echo …; echo …) | nc` closes its side when its input ends."""

    async def work(bench: Bench) -> None:
        peer = await SocketPeer.connect(bench)
        assert (await peer.line()).startswith(b"220 ")
        await peer.send(b"HELO a.example.net\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.org>\r\n")
        peer.half_close()
        answers = [await peer.line() for _ in range(4)]
        assert [line[:3] for line in answers] == [b"250", b"250", b"250", b""]
        peer.close()

    run(tmp_path, work)


def test_lmtp_over_a_unix_socket(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        path = str(tmp_path / "lmtp")
        server = await asyncio.get_running_loop().create_unix_server(
            lambda: bench.server.connection(LISTENERS["lmtp"]), path
        )
        async with server:
            reader, writer = await asyncio.open_unix_connection(path)
            await reader.readline()
            writer.write(b"LHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\n")
            writer.write(b"BDAT 4 LAST\r\n\r\nx\nQUIT\r\n".replace(b"x\n", b"\r\n"))
            answer = await asyncio.wait_for(reader.read(), 60)
            assert answer.endswith(b"221 2.0.0 Good-bye\r\n") and b"250 2.0.0 Accepted" in answer
            writer.close()
        (octets,) = await bench.octets("bob@example.org")
        assert b"Received: from a (local socket)" in octets

    run(tmp_path, work)


@pytest.mark.timed
def test_a_client_that_reads_no_answers_holds_little_and_is_cut_off(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        loop = asyncio.get_running_loop()
        made: list[PeerConnection] = []

        def connection() -> PeerConnection:
            made.append(bench.server.connection(LISTENERS["mx"]))
            return made[-1]

        server = await loop.create_server(connection, "127.0.0.1", 0)
        with socket.create_connection(server.sockets[0].getsockname()) as client:
            client.setblocking(False)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await asyncio.sleep(0.05)

            async def send() -> None:
                """A few commands at a time: a large burst of answers waits anyway."""
                await loop.sock_sendall(client, b"HELO a\r\nMAIL FROM:<>\r\n")
                for _ in range(3000):
                    await loop.sock_sendall(client, b"RCPT TO:<alice@example.org>\r\n" * 100)
                    await asyncio.sleep(0)

            sending = asyncio.create_task(send())
            most = 0
            for _ in range(6000):
                await asyncio.sleep(0.01)
                if made[0].closed:
                    break
                assert made[0].transport is not None
                most = max(most, made[0].transport.get_write_buffer_size())
            assert made[0].closed
            assert 0 < most < 200_000
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        server.close()

    run(tmp_path, work, {"command_seconds": 0.5})


def test_every_role_has_a_listener() -> None:
    assert set(LISTENERS) == {"mx", "submission", "lmtp"}
