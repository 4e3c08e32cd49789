"""Python's smtplib, which we did not write, against the door over TCP."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from support.smtp_bench import LISTENERS, PASSWORD, Bench, open_bench


async def _with_server(bench: Bench, role: str, work: Callable[[int], Any]) -> Any:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: bench.server.connection(LISTENERS[role]), "127.0.0.1", 0
    )
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await asyncio.to_thread(work, port)


def _message(subject: str = "Hello") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "carol@example.net"
    message["To"] = "alice@example.org"
    message["Subject"] = subject
    message.set_content("A line.\n.\n..two dots\n")
    return message


def test_port_25_to_the_store(tmp_path: Path) -> None:
    def send(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.send_message(_message())
            client.send_message(
                _message("Again"), to_addrs=["bob@example.org", "sales@example.org"]
            )

    async def run() -> None:
        async with open_bench(tmp_path) as bench:
            await _with_server(bench, "mx", send)
            first, second = await bench.inbox("alice@example.org")
            assert first[1].startswith(b"Return-Path: <carol@example.net>\r\n")
            assert b"Delivered-To: alice@example.org\r\n" in first[1]
            assert b"\r\n.\r\n..two dots\r\n" in first[1]
            assert b"Subject: Again\r\n" in second[1]
            assert len(await bench.octets("bob@example.org")) == 1

    asyncio.run(run())


def test_unknown_and_far_recipients_are_refused_at_rcpt(tmp_path: Path) -> None:
    def send(port: int) -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP("127.0.0.1", port) as client:
            to = ["nobody@example.org", "x@example.com", "alice@example.org"]
            return client.send_message(_message(), to_addrs=to)

    async def run() -> None:
        async with open_bench(tmp_path) as bench:
            refused = await _with_server(bench, "mx", send)
            assert refused["nobody@example.org"][0] == 550
            assert refused["nobody@example.org"][1].startswith(b"5.1.1 ")
            assert refused["x@example.com"][1].startswith(b"5.7.1 ")
            assert len(await bench.octets("alice@example.org")) == 1

    asyncio.run(run())


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_submission_signs_in_and_mends(tmp_path: Path, mechanism: str) -> None:
    def send(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.ehlo()
            client.user, client.password = "alice@example.org", PASSWORD
            method = getattr(client, f"auth_{mechanism.lower()}")
            assert client.auth(mechanism, method)[0] == 235
            text = b"From: Alice <alice@example.org>\r\nBcc: bob@example.org\r\n\r\nHi\r\n"
            client.sendmail("alice@example.org", ["bob@example.org", "carol@example.net"], text)

    async def run() -> None:
        async with open_bench(tmp_path) as bench:
            await _with_server(bench, "submission", send)
            (octets,) = await bench.octets("bob@example.org")
            assert b"\r\nDate: " in octets and b"\r\nMessage-ID: <" in octets
            assert b"Bcc" not in octets
            assert b"with ESMTPA id" in octets
            (row,) = await bench.queued()
            assert row.recipients[0][0].forward_path == "carol@example.net"

    asyncio.run(run())


def test_large_message_passes_whole(tmp_path: Path) -> None:
    body = b"".join(b"%06d 0123456789012345678901234567890123456789\r\n" % n for n in range(60000))
    text = b"From: carol@example.net\r\nSubject: large\r\n\r\n" + body

    def send(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail("carol@example.net", "alice@example.org", text)

    async def run() -> None:
        async with open_bench(tmp_path) as bench:
            await _with_server(bench, "mx", send)
            (octets,) = await bench.octets("alice@example.org")
            assert octets.endswith(text)

    asyncio.run(run())
