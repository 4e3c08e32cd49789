"""The door over sockets: programs not of ours, large mail, slow and vanishing clients, limits."""

from __future__ import annotations

import asyncio
import contextlib
import poplib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from pillarbox.config.pop3 import Pop3Settings
from pillarbox.errors import Unavailable
from pillarbox.net.exporter import export_channel_binding
from pillarbox.pop3.server.maildrop import Maildrop
from pillarbox.pop3.server.session import Session
from pillarbox.telemetry.metrics import COMMANDS
from support.people import ALICE_PASSWORD
from support.pop3_bench import Pop3Bench, pop3_bench
from support.scram_client import ScramClient
from support.transcript_client import TranscriptClient

ALICE = "alice@example.org"
LINES = b"".join(b".line %d with some text in it\r\n" % n for n in range(40_000))
LARGE = b"Subject: large\r\n\r\n" + LINES  # over a megabyte


def on_bench(
    folder: Path,
    test: Callable[[Pop3Bench], Awaitable[None]],
    settings: Pop3Settings | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    async def run() -> None:
        async with pop3_bench(folder, settings) as bench:
            await test(bench)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(run())


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def signed_in(bench: Pop3Bench) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    writer.write(f"USER {ALICE}\r\nPASS {ALICE_PASSWORD}\r\n".encode())
    for _ in range(3):
        assert (await reader.readline()).startswith(b"+OK")
    return reader, writer


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("how", ["plain", "stls", "tls"])
def test_poplib(tmp_path: Path, how: str, loop: str) -> None:
    def talk(bench: Pop3Bench) -> None:
        if how == "tls":
            client: poplib.POP3 = poplib.POP3_SSL(
                "127.0.0.1", bench.tls_port, context=unverified(), timeout=10
            )
        else:
            client = poplib.POP3("127.0.0.1", bench.port, timeout=60)
        if how == "stls":
            client.stls(unverified())
        assert "UIDL" in client.capa()
        client.user(ALICE)
        client.pass_(ALICE_PASSWORD)
        assert client.stat() == (2, 23 + len(LARGE))
        assert client.list(1) == b"+OK 1 23"
        assert len(client.uidl()[1]) == 2
        assert client.top(1, 0)[1] == [b"Subject: one", b""]
        assert client.retr(1)[1] == [b"Subject: one", b"", b"first"]
        assert b"\r\n".join(client.retr(2)[1]) + b"\r\n" == LARGE
        assert len(client.top(2, 100)[1]) == 102
        client.dele(1)
        client.rset()
        client.dele(2)
        client.quit()

    async def test(bench: Pop3Bench) -> None:
        await bench.deliver(b"Subject: one\r\n\r\nfirst\r\n")
        await bench.deliver(LARGE)
        await asyncio.to_thread(talk, bench)
        await asyncio.to_thread(talk_again, bench)

    def talk_again(bench: Pop3Bench) -> None:
        client = poplib.POP3("127.0.0.1", bench.port, timeout=60)
        client.user(ALICE)
        client.pass_(ALICE_PASSWORD)
        assert client.stat() == (1, 23)
        client.quit()

    if loop == "uvloop":
        import uvloop

        on_bench(tmp_path, test, loop_factory=uvloop.new_event_loop)
    else:
        on_bench(tmp_path, test)


@pytest.mark.parametrize("binding", ["tls-exporter", "tls-server-end-point"])
def test_scram_bound_to_the_channel(tmp_path: Path, binding: str) -> None:
    async def test(bench: Pop3Bench) -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", bench.tls_port, ssl=unverified()
        )
        await reader.readline()
        tls = writer.get_extra_info("ssl_object")
        if binding == "tls-exporter":
            channel = export_channel_binding(tls)
        else:
            from cryptography import x509
            from cryptography.hazmat.primitives import hashes

            certificate = x509.load_der_x509_certificate(tls.getpeercert(True))
            channel = certificate.fingerprint(hashes.SHA256())
        assert channel
        client = ScramClient(ALICE, ALICE_PASSWORD, gs2=f"p={binding},,", binding=channel)
        from base64 import b64decode, b64encode

        writer.write(b"AUTH SCRAM-SHA-256-PLUS " + b64encode(client.first()) + b"\r\n")
        server_first = b64decode((await reader.readline())[2:])
        writer.write(b64encode(client.final(server_first)) + b"\r\n")
        client.check(b64decode((await reader.readline())[2:]))
        writer.write(b"\r\n")
        assert (await reader.readline()).startswith(b"+OK 0 messages")
        writer.close()

    on_bench(tmp_path, test)


def test_unique_ids_survive_a_restart(tmp_path: Path) -> None:
    found: list[bytes] = []

    async def ids(bench: Pop3Bench) -> bytes:
        reader, writer = await signed_in(bench)
        writer.write(b"UIDL\r\n")
        answer = await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"QUIT\r\n")
        await reader.read()
        return answer

    async def run() -> None:
        from pillarbox.clock import SystemClock
        from pillarbox.config.store import StoreSettings
        from pillarbox.store.open import open_store

        async with pop3_bench(tmp_path) as bench:
            for number in range(3):
                await bench.deliver(b"Subject: %d\r\n\r\nx\r\n" % number)
            found.append(await ids(bench))
            account = bench.people.alice.id
        store = await open_store(StoreSettings(data_dir=str(tmp_path / "data")), SystemClock())
        maildrop = await Maildrop.open(store, account)
        again = [f"{n} {maildrop.unique_id(n)}".encode() for n in (1, 2, 3)]
        assert found[0].splitlines()[1:4] == again
        await store.close()

    asyncio.run(run())


def test_the_end_of_input_does_not_lose_what_came_before(tmp_path: Path) -> None:
    """`printf 'USER …\\nQUIT\\n' | nc`: answered whole, and QUIT deletes."""

    async def test(bench: Pop3Bench) -> None:
        await bench.deliver(b"Subject: one\r\n\r\nfirst\r\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(f"USER {ALICE}\nPASS {ALICE_PASSWORD}\nDELE 1\nQUIT\n".encode())
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 60)
        assert answer.endswith(b"+OK Goodbye\r\n")
        await bench.all_gone()
        reader, writer = await signed_in(bench)
        writer.write(b"STAT\r\n")
        assert await reader.readline() == b"+OK 0 0\r\n"
        writer.close()

    on_bench(tmp_path, test)


def test_a_client_that_does_not_read_is_cut_off(tmp_path: Path) -> None:
    async def test(bench: Pop3Bench) -> None:
        for _ in range(4):
            await bench.deliver(LARGE + LARGE + LARGE)
        slow = socket.create_connection(("127.0.0.1", bench.port))
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(f"USER {ALICE}\r\nPASS {ALICE_PASSWORD}\r\n".encode() + b"RETR 1\r\n" * 40)
        await asyncio.sleep(0.3)
        (connection,) = bench.standing
        assert connection.transport is not None
        assert connection.transport.get_write_buffer_size() < 1_000_000
        connection.set_deadline(0)  # as if the time had come
        await bench.all_gone()
        slow.close()
        await signed_in(bench)  # the maildrop is free again

    on_bench(tmp_path, test)


def test_a_client_that_reads_no_short_answers_holds_little(tmp_path: Path) -> None:
    async def test(bench: Pop3Bench) -> None:
        loop = asyncio.get_running_loop()
        with socket.create_connection(("127.0.0.1", bench.port)) as client:
            client.setblocking(False)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

            async def send() -> None:
                """A few commands at a time: a large burst of answers waits anyway."""
                for _ in range(3000):
                    await loop.sock_sendall(client, b"CAPA\r\n" * 50)
                    await asyncio.sleep(0)

            sending = asyncio.create_task(send())
            most = 0
            for _ in range(200):
                await asyncio.sleep(0.01)
                (connection,) = bench.standing
                assert connection.transport is not None
                most = max(most, connection.transport.get_write_buffer_size())
            assert 0 < most < 400_000
            connection.set_deadline(0)  # as if the time had come
            await bench.all_gone()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    on_bench(tmp_path, test)


@pytest.mark.parametrize("sign_in", [False, True])
def test_idle_connections_end_without_a_word(tmp_path: Path, sign_in: bool) -> None:
    async def test(bench: Pop3Bench) -> None:
        await bench.deliver(b"Subject: one\r\n\r\nfirst\r\n")
        if sign_in:
            reader, writer = await signed_in(bench)
            writer.write(b"DELE 1\r\n")
            await reader.readline()
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
            await reader.readline()
        (connection,) = bench.standing
        await asyncio.sleep(0.05)
        connection.set_deadline(0)
        with pytest.raises(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 60) == b""
            raise ConnectionError
        reader, writer = await signed_in(bench)
        writer.write(b"STAT\r\n")
        assert await reader.readline() == b"+OK 1 23\r\n"
        writer.close()

    on_bench(tmp_path, test)


def test_draining_ends_idle_connections_at_once(tmp_path: Path) -> None:
    async def test(bench: Pop3Bench) -> None:
        _, writer = await signed_in(bench)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await bench.door.drain(5)
        assert loop.time() - began < 1
        assert bench.door.connections == 0
        writer.close()

    on_bench(tmp_path, test)


def test_connections_over_the_limit_are_told(tmp_path: Path) -> None:
    async def test(bench: Pop3Bench) -> None:
        bench.door.admit = lambda address: None
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        assert await reader.readline() == (
            b"-ERR [SYS/TEMP] Too many connections; try again later\r\n"
        )
        assert await reader.read() == b""
        writer.close()

    on_bench(tmp_path, test)


def test_a_bug_costs_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(bench: Pop3Bench) -> None:
        client = TranscriptClient(bench.port)
        await client.line()

        def broken(*_args: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(Session, "_lang", broken)
        client.waiting = b"LANG de\r\nCAPA\r\n"
        await client.flush()
        assert await client.line() == ("-ERR [SYS/TEMP] Something went wrong here; it was logged")
        assert await client.line() == "+OK Capabilities follow"
        await client.hang_up()

    on_bench(tmp_path, test)


def test_a_failing_store_is_told_at_quit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """+OK to QUIT only when what was marked is gone for good."""

    async def test(bench: Pop3Bench) -> None:
        await bench.deliver(b"Subject: one\r\n\r\nfirst\r\n")
        reader, writer = await signed_in(bench)

        async def full(_function: object) -> None:
            raise Unavailable

        writer.write(b"DELE 1\r\n")
        await reader.readline()
        with monkeypatch.context() as patch:
            patch.setattr(bench.people.store, "write", full)
            writer.write(b"QUIT\r\n")
            assert await reader.readline() == (
                b"-ERR [SYS/TEMP] Some deleted messages could not be removed\r\n"
            )
        assert await reader.read() == b""
        reader, writer = await signed_in(bench)
        writer.write(b"STAT\r\n")
        assert await reader.readline() == b"+OK 1 23\r\n"
        writer.close()

    on_bench(tmp_path, test)


def test_commands_in_place_of_a_handshake(tmp_path: Path) -> None:
    """Plain octets behind STLS's answer are a broken handshake, never a command."""

    async def test(bench: Pop3Bench) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        await reader.readline()
        writer.write(b"STLS\r\n")
        assert (await reader.readline()).startswith(b"+OK")
        writer.write(b"CAPA\r\n" * 20)
        answer = b""
        with contextlib.suppress(ConnectionError):
            answer = await asyncio.wait_for(reader.read(), 60)
        assert b"+OK" not in answer
        await bench.all_gone()
        writer.close()

    on_bench(tmp_path, test)


@pytest.mark.timed
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_handshake_that_never_comes(tmp_path: Path, loop: str) -> None:
    """The client stays and is silent, or sends half a handshake: the server ends it in time."""

    async def half_open(bench: Pop3Bench, octets: bytes) -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        await reader.readline()
        writer.write(b"STLS\r\n")
        assert (await reader.readline()).startswith(b"+OK")
        began = time.monotonic()
        writer.write(octets)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 60) == b""
        took = time.monotonic() - began
        writer.close()
        return took

    async def run() -> None:
        async with pop3_bench(tmp_path, handshake_seconds=1) as bench:
            record = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # of a ClientHello, begun
            took = await asyncio.gather(half_open(bench, b""), half_open(bench, record))
            assert all(0.8 < seconds < 5 for seconds in took), took
            await bench.all_gone()

    factory = uvloop.new_event_loop if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(run())


def test_what_is_read_ahead_is_bounded(tmp_path: Path) -> None:
    """A client that sends for ever and reads nothing fills its own buffers, not ours."""

    async def test(bench: Pop3Bench) -> None:
        await bench.deliver(LARGE)
        _, writer = await signed_in(bench)
        flood = b"RETR 1\r\n" + b"NOOP\r\n" * 2_000_000
        writer.write(flood)
        await asyncio.sleep(0.5)
        (connection,) = bench.standing
        limit = connection._settings.input_octets + 256 * 1024  # one read of the loop on top
        assert connection._cutter.waiting <= limit
        assert connection._out_octets <= limit
        writer.transport.abort()
        await bench.all_gone()

    on_bench(tmp_path, test)


def test_long_responses_within_auth(tmp_path: Path) -> None:
    async def test(bench: Pop3Bench) -> None:
        client = TranscriptClient(bench.port)
        await client.line()
        client.waiting = b"AUTH PLAIN\r\n" + b"A" * 8000 + b"\r\nAUTH PLAIN\r\n"
        client.waiting += b"A" * 20_000 + b"\r\nCAPA\r\n"
        await client.flush()
        expected = [
            "+ ",
            "-ERR The sign-in could not be understood",
            "+ ",
            "-ERR The line is too long",
            "+OK Capabilities follow",
        ]
        assert [await client.line() for _ in expected] == expected
        await client.hang_up()

    on_bench(tmp_path, test)


def test_those_who_never_sign_in_are_cut_off(tmp_path: Path) -> None:
    """Commands do not prolong it: the time counts from the beginning."""

    async def test(bench: Pop3Bench) -> None:
        client = TranscriptClient(bench.port)
        await client.line()
        (connection,) = bench.standing
        connection._sign_in_until = asyncio.get_running_loop().time() + 0.2
        for _ in range(100):
            client.waiting = b"CAPA\r\n"
            try:
                await client.flush()
            except ConnectionError:
                break
            await asyncio.sleep(0.01)
        await bench.all_gone()
        await client.hang_up()

    on_bench(tmp_path, test)


def test_commands_are_counted_by_what_they_came_to(tmp_path: Path) -> None:
    async def test(bench: Pop3Bench) -> None:
        def count(command: str, outcome: str) -> float:
            return float(COMMANDS.labels("pop3", command, outcome)._value.get())

        wanted = [("CAPA", "ok"), ("STAT", "no"), ("?", "bad")]
        before = [count(*pair) for pair in wanted]
        client = TranscriptClient(bench.port)
        client.waiting = b"CAPA\r\nSTAT\r\nXYZZY\r\nQUIT\r\n"
        await client.flush()
        while await client.line() != "<closed>":
            pass
        assert [count(*pair) for pair in wanted] == [number + 1 for number in before]

    on_bench(tmp_path, test)


def test_answers_that_wait_for_nothing_need_no_task(tmp_path: Path) -> None:
    """A task and its turn of the loop cost more than parsing and answering a command."""

    async def test(bench: Pop3Bench) -> None:
        for number in range(1, 9):
            await bench.deliver(b"Subject: %d\r\n\r\n" % number + b"line\r\n" * 2000)
        reader, writer = await signed_in(bench)
        made: list[str] = []
        loop = asyncio.get_running_loop()

        def noting(
            loop: asyncio.AbstractEventLoop, doing: Coroutine[Any, Any, Any], **given: Any
        ) -> asyncio.Task[Any]:
            made.append(doing.__qualname__)
            return asyncio.Task(doing, loop=loop, **given)

        loop.set_task_factory(noting)
        for number in range(1, 9):
            writer.write(b"RETR %d\r\n" % number)
            answer = await reader.readuntil(b"\r\n.\r\n")
            assert b"Subject: %d\r\n" % number in answer
        writer.write(b"STAT\r\nNOOP\r\nLIST 1\r\n")
        for _ in range(3):
            assert (await reader.readline()).startswith(b"+OK")
        assert made == []
        loop.set_task_factory(None)
        writer.write(b"QUIT\r\n")
        assert await reader.readline() != b""
        writer.close()

    on_bench(tmp_path, test)
