"""Servers that we did not write, over loopback: Postfix's smtp-sink and Postfix itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest
import uvloop

from pillarbox.clock import SystemClock
from pillarbox.net.outgoing.peer_tls import verified, verifying_context
from pillarbox.smtp.client.connection import Caller, SmtpConnection
from pillarbox.smtp.client.transaction import (
    HeldMessage,
    OutgoingRecipient,
    OutgoingTransaction,
    TransactionOutcome,
)
from support.certificate import write_certificate
from support.programs import kill_group, program, run
from support.reference_postfix import (
    PostfixSettings,
    missing_postfix,
    prepare_queue,
    running_postfix,
)
from support.server import free_ports, wait_for_port

pytestmark = pytest.mark.interop

TEXT = b"Subject: Hello\r\n\r\n.\r\n..\r\n.x\r\nA line.\r\n"
EIGHT = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" + (
    b"Content-Transfer-Encoding: 8bit\r\n\r\n" + "Grüße aus Köln, und bis bald\r\n".encode()
)


def message(octets: bytes = TEXT, *to: str, body: str = "7BIT") -> OutgoingTransaction:
    recipients = tuple(
        OutgoingRecipient(one, "SUCCESS,FAILURE", f"rfc822;{one}")
        for one in to or ("bob@example.org",)
    )
    return OutgoingTransaction(
        reverse_path="alice@example.com",
        recipients=recipients,
        message=HeldMessage(octets),
        body=body,  # type: ignore[arg-type]
        envid="x42",
        ret="HDRS",
    )


def talk(port: int, work: Callable[[SmtpConnection], Awaitable[None]]) -> None:
    async def conversation() -> None:
        caller = Caller(ehlo_name="mx.example.com", clock=SystemClock())
        await work(await SmtpConnection.open(caller, "127.0.0.1", port))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(conversation(), 90))


def open_way(folder: Path) -> None:
    """Programs that give root up reach the folder; pytest's own are closed to others."""
    for parent in (folder, *folder.parents[:3]):
        if parent.stat().st_uid == os.geteuid() == 0:
            parent.chmod(parent.stat().st_mode | 0o055)


@contextlib.contextmanager
def sink(*options: str, folder: Path | None = None) -> Iterator[int]:
    """smtp-sink on a free port."""
    [port] = free_ports(1)
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    where: list[str] = []
    if folder is not None:
        folder.mkdir()
        folder.chmod(0o777)
        open_way(folder)
        where = ["-R", str(folder), "-d", "message."]
    process = subprocess.Popen(
        [program("smtp-sink"), *user, *where, *options, f"127.0.0.1:{port}", "50"],
        start_new_session=True,
    )
    try:
        wait_for_port(port)
        yield port
    finally:
        kill_group(process)
        process.wait()


def kept(folder: Path) -> list[bytes]:
    """Bodies that smtp-sink wrote, in order of their names; it ends lines with LF."""
    paths = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    found = [path.read_bytes().partition(b"(UTC)\n")[2].removesuffix(b"\n") for path in paths]
    return [one.replace(b"\n", b"\r\n") for one in found if one]


@pytest.mark.parametrize("options", [(), ("-p",), ("-e",)])
def test_sink_takes_many_messages_over_one_connection(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    """With pipelining, without, and by HELO."""

    async def work(connection: SmtpConnection) -> None:
        for _ in range(3):
            outcome = await connection.send(message())
            assert [one.kind for one in outcome.replies] == ["relayed"]
        await connection.quit()

    with sink(*options, folder=tmp_path / "sink") as port:
        talk(port, work)
        assert kept(tmp_path / "sink") == [TEXT] * 3


def test_sink_that_takes_no_8bit_gets_what_it_can_read(tmp_path: Path) -> None:
    async def work(connection: SmtpConnection) -> None:
        assert not connection.capabilities.eightbitmime
        outcome = await connection.send(message(EIGHT, body="8BITMIME"))
        assert [one.kind for one in outcome.replies] == ["relayed"]
        await connection.quit()

    with sink("-8", folder=tmp_path / "sink") as port:
        talk(port, work)
        [found] = kept(tmp_path / "sink")
    assert found.isascii()
    assert b"Gr=C3=BC=C3=9Fe aus K=C3=B6ln, und bis bald" in found


@pytest.mark.parametrize(
    ("options", "ends", "alive"),
    [
        (("-r", "mail"), {("later", "mail")}, True),
        (("-r", "rcpt"), {("later", "rcpt")}, True),
        (("-r", "data"), {("later", "data")}, True),
        (("-r", "."), {("later", "end")}, True),
        (("-f", "mail"), {("failed", "mail")}, True),
        (("-f", "rcpt"), {("failed", "rcpt")}, True),
        (("-f", "data"), {("failed", "data")}, True),
        (("-f", "."), {("failed", "end")}, True),
        (("-q", "mail"), {("later", "mail")}, False),
        (("-q", "rcpt"), {("later", "rcpt")}, False),
        (("-q", "data"), {("later", "data")}, False),
        (("-q", "."), {("later", "end")}, False),
        (("-p", "-q", "."), {("later", "end")}, False),
        (("-p", "-f", "rcpt"), {("failed", "rcpt")}, True),
        (("-p", "-f", "data"), {("failed", "data")}, True),
    ],
)
def test_sink_that_refuses(options: Sequence[str], ends: set[tuple[str, str]], alive: bool) -> None:
    found: list[TransactionOutcome] = []

    async def work(connection: SmtpConnection) -> None:
        found.append(await connection.send(message()))
        assert connection.is_usable is alive
        if alive:
            found.append(await connection.send(message()))
        await connection.quit()

    with sink(*options) as port:
        talk(port, work)
    for outcome in found:
        assert {(one.kind, one.stage) for one in outcome.replies} == ends
        assert outcome.uncertain == ("-q" in options and "." in options)


def test_postfix(tmp_path: Path) -> None:
    """BDAT and pipelining, STARTTLS, 8-bit, DSN; a refused recipient among others."""
    why = missing_postfix()
    if why is not None:
        pytest.skip(why)
    open_way(tmp_path)
    certificate = write_certificate(tmp_path)
    ports = PostfixSettings(*free_ports(3))
    folder = tmp_path / "postfix"
    prepare_queue(folder)
    large = b"Subject: large\r\n\r\n" + b"0123456789012345678901234567890123456789\r\n" * 20_000
    queued: list[str] = []

    async def work(connection: SmtpConnection) -> None:
        assert connection.capabilities.chunking and connection.capabilities.pipelining
        facts = await connection.start_tls(verified(verifying_context(certificate[0]), "localhost"))
        assert facts.version.startswith("TLSv1")
        for octets in (EIGHT, large):
            outcome = await connection.send(
                message(octets, "bob@example.org", "x@example.net", "eve@example.org",
                        body="8BITMIME")
            )  # fmt: skip
            kinds = [one.kind for one in outcome.replies]
            assert kinds[1] == "failed" and kinds[0] == kinds[2] == "relayed"
            assert outcome.replies[1].status == "5.7.1"
            assert outcome.sent_dsn
            found = re.search(r"queued as (\w+)", outcome.replies[0].text)
            assert found is not None
            queued.append(found[1])
        refused = await connection.send(message(TEXT, "x@example.net"))
        assert [one.kind for one in refused.replies] == ["failed"]
        again = await connection.send(message(TEXT))
        assert [one.kind for one in again.replies] == ["relayed"]
        await connection.quit()

    with running_postfix(folder, ports, certificate):
        talk(ports.smtp, work)
        for octets, name in zip((EIGHT, large), queued, strict=True):
            shown = run([program("postcat"), "-c", folder / "etc", "-q", "-h", "-b", name]).output
            assert octets.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n") in shown
            envelope = run([program("postcat"), "-c", folder / "etc", "-q", "-e", name]).text
            assert "x42" in envelope and "rfc822;bob@example.org" in envelope
