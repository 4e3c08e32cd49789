"""STARTTLS: with smtplib, and without the injection flaw (CVE-2011-0411)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from pillarbox.config.tls import CertificateFiles, TlsSettings
from pillarbox.net.listener import Listener, Security
from pillarbox.net.tls import TlsContexts
from support.certificate import write_certificate
from support.smtp_bench import LISTENERS, PASSWORD, Bench, open_bench


@contextlib.asynccontextmanager
async def _served(
    folder: Path, listener: Listener, **settings: Any
) -> AsyncIterator[tuple[Bench, int, Path]]:
    certificate, key = write_certificate(folder)
    files = CertificateFiles(certificate=str(certificate), key=str(key))
    contexts = TlsContexts(TlsSettings(certificates=(files,)))
    async with open_bench(folder, tls=contexts, **settings) as bench:
        implicit = listener.security is Security.IMPLICIT
        server = await asyncio.get_running_loop().create_server(
            lambda: bench.server.connection(listener),
            "127.0.0.1",
            0,
            ssl=contexts.server_context() if implicit else None,
        )
        async with server:
            yield bench, server.sockets[0].getsockname()[1], certificate


def _play(folder: Path, listener: Listener, work: Callable[[int, Path], None]) -> None:
    async def run() -> None:
        async with _served(folder, listener) as (_, port, certificate):
            await asyncio.to_thread(work, port, certificate)

    asyncio.run(run())


def _signs_in_and_sends(client: smtplib.SMTP) -> None:
    client.login("alice@example.org", PASSWORD)
    text = "From: alice@example.org\r\n\r\nHi\r\n"
    assert client.sendmail("alice@example.org", ["bob@example.org"], text) == {}


def test_submission_over_starttls(tmp_path: Path) -> None:
    def work(port: int, certificate: Path) -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.ehlo()
            assert client.has_extn("starttls")
            client.starttls(context=ssl.create_default_context(cafile=str(certificate)))
            client.ehlo()
            assert not client.has_extn("starttls")
            assert client.docmd("STARTTLS")[0] == 502
            _signs_in_and_sends(client)

    _play(tmp_path, LISTENERS["submission"], work)


def test_submission_over_implicit_tls(tmp_path: Path) -> None:
    def work(port: int, certificate: Path) -> None:
        context = ssl.create_default_context(cafile=str(certificate))
        with smtplib.SMTP_SSL("127.0.0.1", port, context=context) as client:
            client.ehlo()
            assert not client.has_extn("starttls")
            _signs_in_and_sends(client)

    _play(tmp_path, Listener("submissions", "submission", Security.IMPLICIT), work)


def test_octets_behind_starttls_close_the_connection(tmp_path: Path) -> None:
    async def run() -> None:
        async with _served(tmp_path, LISTENERS["mx"]) as (_, port, _certificate):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await reader.readline()
            writer.write(b"STARTTLS\r\nMAIL FROM:<evil@example.net>\r\n")
            answer = await asyncio.wait_for(reader.read(), 60)
            assert answer.startswith(b"503 5.5.1 ") and answer.count(b"\n") == 1
            writer.close()

    asyncio.run(run())


def test_what_was_said_in_the_clear_is_forgotten(tmp_path: Path) -> None:
    def work(port: int, certificate: Path) -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.ehlo()
            _login_plain(client)
            client.starttls(context=ssl.create_default_context(cafile=str(certificate)))
            assert client.docmd("MAIL FROM:<alice@example.org>")[0] == 503
            client.ehlo()
            assert client.docmd("MAIL FROM:<alice@example.org>")[0] == 530

    _play(tmp_path, LISTENERS["submission"], work)


def _login_plain(client: smtplib.SMTP) -> None:
    secret = f"\0alice@example.org\0{PASSWORD}".encode()
    assert client.docmd("AUTH", "PLAIN " + base64.b64encode(secret).decode())[0] == 235


def test_starttls_is_not_for_the_middle_of_a_transaction(tmp_path: Path) -> None:
    def work(port: int, certificate: Path) -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.ehlo()
            client.mail("carol@example.net")
            assert client.docmd("STARTTLS")[0] == 503

    _play(tmp_path, LISTENERS["mx"], work)


def test_no_password_in_the_clear_from_elsewhere(tmp_path: Path) -> None:
    """Loopback is exempt, so the peer is one that is not."""
    from support.smtp_bench import MemoryPeer

    async def run() -> None:
        async with _served(tmp_path, LISTENERS["submission"]) as (bench, _, _certificate):
            peer = MemoryPeer(bench, "submission", peer="192.0.2.7")
            await peer.reply()
            hello = await peer.ask("EHLO client.example.net")
            assert "STARTTLS" in hello and "AUTH" not in hello
            assert (await peer.ask("AUTH PLAIN")).startswith("538 5.7.11 ")
            assert (await peer.ask("MAIL FROM:<alice@example.org>")).startswith("530 5.7.0 Start")

    asyncio.run(run())
