"""The connection: bursts, TLS, compression, IDLE, slow and broken peers, stopping."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pillarbox.config.imap import ImapSettings
from pillarbox.imap.server import registry
from pillarbox.imap.server.command import ANY_STATE, CommandSpec, Done, parse_nothing
from pillarbox.imap.server.context import Context
from pillarbox.imap.server.untagged import refresh
from support.imap_bench import ImapBench, imap_bench
from support.imap_client import Disconnected, ImapClient, literal
from support.store_box import letter


def run(folder: Path, scene: Callable[[ImapBench], Awaitable[None]], **settings: object) -> None:
    async def play() -> None:
        async with imap_bench(folder, ImapSettings(**settings)) as bench:  # type: ignore[arg-type]
            await scene(bench)

    asyncio.run(play())


def test_pipelined_commands_are_answered_in_order_and_in_few_writes(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        client = await bench.client(select="INBOX")
        await client.raw(b"".join(b"p%d NOOP\r\n" % n for n in range(500)))
        for n in range(500):
            assert (await client.read()).line.startswith(b"p%d OK" % n)
        await client.close()
        await bench.all_gone()

    run(tmp_path, scene)


def test_any_chunking_gives_the_same_answers(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        client = await bench.client(select="INBOX")
        for octet in b'a NOOP\r\nb APPEND INBOX {3+}\r\nx\r\n\r\nc STATUS "INBOX" (MESSAGES)\r\n':
            await client.raw(bytes([octet]))
            await asyncio.sleep(0)
        lines = [(await client.read()).line for _ in range(5)]
        assert lines[0].startswith(b"a OK")
        assert lines[1] == b"* 1 EXISTS"
        assert lines[3].startswith(b"b OK [APPENDUID ")
        assert lines[4] == b'* STATUS "INBOX" (MESSAGES 1)'
        await client.close()

    run(tmp_path, scene)


def test_a_command_behind_starttls_closes_the_connection(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        client = await ImapClient.connect("127.0.0.1", bench.port)
        await client.raw(b"a STARTTLS\r\nb CAPABILITY\r\n")
        answered = []
        with pytest.raises((Disconnected, ConnectionError)):
            while True:
                answered.append((await client.read()).line)
        assert not [line for line in answered if line.startswith((b"b ", b"* CAPA"))]

    run(tmp_path, scene)


def test_tls_both_ways(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        for port, first in ((bench.port, True), (bench.tls_port, False)):
            client = await ImapClient.connect("127.0.0.1", port, None if first else context)
            if first:
                assert b"STARTTLS" in client.greeting
                assert (await client.command("STARTTLS")).ok
                await client.start_tls(context, "localhost")
            answer = await client.command("CAPABILITY")
            assert "STARTTLS" not in answer.lines[0]
            assert "AUTH=PLAIN" in answer.lines[0]
            assert "AUTH=SCRAM-SHA-256-PLUS" in answer.lines[0]
            assert (await client.login("alice@example.org", "alice's pass phrase")).ok
            await client.close()

    run(tmp_path, scene)


def test_idle_tells_deliveries_flags_and_expunges_at_once(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        watcher, other = await bench.client(select="INBOX"), await bench.client(select="INBOX")
        tag = await watcher.start("IDLE")
        assert await watcher.continuation() == b"idling"
        await bench.deliver(letter("one"))
        assert str(await watcher.untagged(1)) == "* 1 EXISTS"
        assert str(await watcher.untagged(1)) == "* 0 RECENT"
        await other.command("NOOP")
        await other.command("STORE 1 +FLAGS (\\Deleted)")
        assert "\\Deleted" in str(await watcher.untagged(1))
        await other.command("EXPUNGE")
        assert str(await watcher.untagged(1)) == "* 1 EXPUNGE"
        await watcher.raw(b"DONE\r\n")
        assert (await watcher.finish(tag)).ok
        await watcher.close()
        await other.close()

    run(tmp_path, scene)


def test_an_idle_connection_has_no_task(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        before = len(asyncio.all_tasks())
        clients = [await bench.client(select="INBOX") for _ in range(3)]
        await clients[0].start("IDLE")
        await clients[0].continuation()
        for _ in range(800):  # the history of sign-ins is written behind them, once for all
            await asyncio.sleep(0.01)
            if len(asyncio.all_tasks()) == before:
                break
        assert len(asyncio.all_tasks()) == before
        for client in clients:
            await client.close()

    run(tmp_path, scene)


def test_news_that_take_their_time_stand_before_the_end_of_idle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(ctx: Context, *, tell_expunged: bool) -> None:
        begun.set()
        await go_on.wait()
        await refresh(ctx, tell_expunged=tell_expunged)

    async def scene(bench: ImapBench) -> None:
        client = await bench.client(select="INBOX")
        await bench.deliver(letter("one"))
        monkeypatch.setattr("pillarbox.imap.server.session.refresh", slow)
        tag = await client.start("IDLE")
        await client.continuation()
        await begun.wait()
        await client.raw(b"DONE\r\n")
        await asyncio.sleep(0.1)  # DONE has arrived long ago
        go_on.set()
        assert str(await client.untagged()) == "* 1 EXISTS"  # no news without a command under way
        assert str(await client.untagged()) == "* 0 RECENT"
        assert (await client.finish(tag)).ok
        monkeypatch.undo()
        await client.close()

    run(tmp_path, scene)


def test_many_idle_clients_share_one_picture(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        clients = [await bench.client(select="INBOX") for _ in range(20)]
        for client in clients:
            await client.start("IDLE")
            await client.continuation()
        for n in (1, 2):
            await bench.deliver(letter(str(n)))
            for client in clients:
                assert str(await client.untagged(2)) == f"* {n} EXISTS"
                await client.untagged(2)
        views = [c._session.ctx.view for c in bench.standing]
        assert len({id(view.picture) for view in views if view is not None}) == 1
        for client in clients:
            await client.close()

    run(tmp_path, scene)


def test_what_is_not_done_ends_idle_with_bad(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        client = await bench.client()
        tag = await client.start("IDLE")
        await client.continuation()
        await client.raw(b"NOOP\r\n")
        assert (await client.finish(tag)).kind == "BAD"
        assert (await client.command("NOOP")).ok
        await client.close()

    run(tmp_path, scene)


def test_compressed_session(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        await bench.deliver(letter("zipped", "z" * 200_000))
        client = await bench.client(select="INBOX")
        # Commands behind COMPRESS in the same packet are deflated already.
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        inflate = zlib.decompressobj(-15)
        behind = deflate.compress(b"b FETCH 1 BODY[]\r\nc COMPRESS DEFLATE\r\n")
        await client.raw(b"a COMPRESS DEFLATE\r\n" + behind + deflate.flush(zlib.Z_SYNC_FLUSH))
        assert (await client.read()).line.startswith(b"a OK")
        wire = client._framer.leftover()
        plain = inflate.decompress(wire)
        while b"\r\nc NO [COMPRESSIONACTIVE]" not in plain:
            got = await asyncio.wait_for(client._reader.read(65536), 60)
            assert got
            wire += got
            plain += inflate.decompress(got)
        assert b"z" * 200_000 in plain
        assert len(wire) < 20_000
        await client.close()

    run(tmp_path, scene)


def test_a_deflate_bomb_is_a_command_too_long(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        client = await bench.client()
        assert (await client.command("COMPRESS DEFLATE")).ok
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        bomb = b"".join(deflate.compress(b"x" * 1_000_000) for _ in range(40))
        await client.raw(bomb + deflate.flush(zlib.Z_SYNC_FLUSH))
        inflate = zlib.decompressobj(-15)
        plain = b""
        while b"\r\n" not in plain:
            got = await asyncio.wait_for(client._reader.read(65536), 60)
            assert got
            plain += inflate.decompress(got)
        assert b"BAD [TOOBIG]" in plain
        (connection,) = bench.standing
        assert len(connection._framer._buffer) < 200_000
        await client.close()

    run(tmp_path, scene)


def test_garbage_instead_of_deflate_closes(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        client = await bench.client()
        assert (await client.command("COMPRESS DEFLATE")).ok
        await client.raw(b"\xff" * 100)
        await asyncio.wait_for(client._reader.read(), 60)
        await bench.all_gone()

    run(tmp_path, scene)


def test_large_append_streams_to_a_file_and_back(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        client = await bench.client(select="INBOX")
        octets = letter("large", "0123456789abcdef\r\n" * 300_000)
        assert (await client.append("INBOX", octets, "\\Seen")).ok
        answer = await client.command("FETCH 1 BODY.PEEK[]", timeout=20)
        assert answer.fetched[1]["BODY[]"] == octets
        await client.close()

    run(tmp_path, scene)


@pytest.mark.parametrize("plus", [b"", b"+"])
def test_a_message_over_the_limit_is_refused_before_it_comes(tmp_path: Path, plus: bytes) -> None:
    async def scene(bench: ImapBench) -> None:
        client = await bench.client()
        await client.raw(b"a APPEND INBOX {5000%b}\r\n" % plus)
        if plus:
            await client.raw(b"x" * 5000 + b"\r\n")
        assert (await client.read()).line.startswith(b"a NO [TOOBIG]")
        assert (await client.command("NOOP")).ok
        assert (await client.command("STATUS INBOX (MESSAGES)")).lines == [
            '* STATUS "INBOX" (MESSAGES 0)'
        ]
        await client.close()

    run(tmp_path, scene, max_append=4000)


def test_a_client_that_leaves_amid_append_leaves_nothing(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        client = await bench.client()
        await client.raw(b"a APPEND INBOX {1000000}\r\n")
        await client.continuation()
        await client.raw(b"x" * 600_000)
        await client.close()
        await bench.all_gone()
        other = await bench.client()
        assert (await other.command("STATUS INBOX (MESSAGES)")).lines == [
            '* STATUS "INBOX" (MESSAGES 0)'
        ]
        await other.close()

    run(tmp_path, scene)


def test_several_messages_are_appended_all_or_none(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        client = await bench.client(select="INBOX")
        one, two = literal(letter("one")), literal(letter("two"))
        answer = await client.command("APPEND INBOX ", one, " (\\Seen) ", two)
        assert answer.ok
        assert answer.code.endswith(" 1:2")
        too_many = ["APPEND INBOX", *[part for _ in range(4) for part in (" ", one)]]
        answer = await client.command(*too_many)
        assert (answer.kind, answer.code) == ("NO", "LIMIT")
        assert (await client.command("SEARCH ALL")).lines == ["* SEARCH 1 2"]
        await client.close()

    run(tmp_path, scene, max_append_messages=3)


def test_too_many_bad_commands_close(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        client = await ImapClient.connect("127.0.0.1", bench.port)
        await client.raw(b"GET / HTTP/1.1\r\n" * 10)
        lines = []
        with pytest.raises((Disconnected, ConnectionError)):
            while True:
                lines.append((await client.read()).line)
        assert lines[-1].startswith(b"* BYE")
        assert len(lines) == 4

    run(tmp_path, scene, max_bad_commands=3)


def test_too_many_wrong_passwords_close(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        client = await ImapClient.connect("127.0.0.1", bench.port)
        for _ in range(2):
            answer = await client.login("alice@example.org", "wrong")
            assert (answer.kind, answer.code) == ("NO", "AUTHENTICATIONFAILED")
        assert (await client.read()).line.startswith(b"* BYE")
        with pytest.raises((Disconnected, ConnectionError)):
            await client.read()

    run(tmp_path, scene, max_failed_logins=2)


def test_a_bug_is_answered_and_the_session_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(command: None, ctx: Context) -> Done:
        raise ZeroDivisionError

    spec = CommandSpec("XBROKEN", ANY_STATE, parse_nothing, broken)
    monkeypatch.setitem(registry.COMMANDS, "XBROKEN", spec)

    async def scene(bench: ImapBench) -> None:
        client = await bench.client(select="INBOX")
        answer = await client.command("XBROKEN")
        assert (answer.kind, answer.code) == ("NO", "SERVERBUG")
        assert "Zero" not in answer.text
        assert (await client.command("NOOP")).ok
        await client.close()

    run(tmp_path, scene)


def test_stopping_says_bye_to_idle_busy_and_silent_clients(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        silent, idle = await bench.client(), await bench.client(select="INBOX")
        await idle.start("IDLE")
        await idle.continuation()
        asking = await ImapClient.connect("127.0.0.1", bench.port)
        await asking.start("AUTHENTICATE PLAIN")
        await asking.continuation()
        await bench.door.drain(5)
        assert bench.door.connections == 0
        for client in (silent, idle, asking):
            line = b""
            with pytest.raises((Disconnected, ConnectionError)):
                while True:
                    line = (await client.read()).line
            assert line.startswith(b"* BYE")

    run(tmp_path, scene)


def test_silence_ends_with_bye_but_idle_gets_a_sign_of_life(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        silent = await ImapClient.connect("127.0.0.1", bench.port)
        (connection,) = bench.standing
        connection.deadline_passed()
        assert (await silent.read()).line.startswith(b"* BYE")
        await bench.all_gone()
        idle = await bench.client(select="INBOX")
        await idle.start("IDLE")
        await idle.continuation()
        (connection,) = bench.standing
        connection.deadline_passed()
        assert (await idle.read()).line == b"* OK Still here"
        connection._alive_at -= 10_000
        connection.deadline_passed()
        assert (await idle.read()).line.startswith(b"* BYE")

    run(tmp_path, scene)


def test_a_client_that_reads_nothing_holds_little_and_is_cut_off(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        await bench.deliver(letter("big", "x" * 3_000_000))
        client = await bench.client(select="INBOX")
        await client.raw(b"".join(b"p%d FETCH 1 BODY.PEEK[]\r\n" % n for n in range(20)))
        for _ in range(200):
            await asyncio.sleep(0.01)
            (connection,) = bench.standing
            if not connection.is_writable:
                break
        assert connection.transport is not None
        assert connection.transport.get_write_buffer_size() < 1_000_000
        connection.deadline_passed()
        await bench.all_gone()
        await client.close()

    run(tmp_path, scene)


def test_done_is_heard_while_news_are_told(tmp_path: Path) -> None:
    """DONE that came while the feed's task was at work was once left in the buffer."""

    async def scene(bench: ImapBench) -> None:
        client = await bench.client(select="INBOX")
        (connection,) = bench.standing
        for n in range(20):
            tag = await client.start("IDLE")
            await client.continuation()
            deliver = asyncio.create_task(bench.deliver(letter(str(n))))
            while connection._task is None and not deliver.done():
                await asyncio.sleep(0)
            connection.octets_arrived(b"DONE\r\n")
            assert (await client.finish(tag, timeout=60)).ok
            await deliver
        await client.close()

    run(tmp_path, scene)


def test_a_literal_instead_of_done_ends_idle(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        client = await bench.client(select="INBOX")
        for nonsense in (b"x NOOP {3}\r\n", b"x NOOP {3+}\r\nabc\r\n", b"x" * 9000 + b"\r\n"):
            tag = await client.start("IDLE")
            await client.continuation()
            await client.raw(nonsense)
            assert (await client.finish(tag, timeout=60)).kind == "BAD"
            assert (await client.command("NOOP")).ok
        await client.close()

    run(tmp_path, scene, max_line=8192)
