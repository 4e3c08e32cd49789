"""What becomes of submitted mail: signed, limited, held; whose From and Sender may be used."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import dkim
import pytest

from pillarbox.config.submission import SubmissionSettings
from pillarbox.net.secret import Secret
from pillarbox.smtp.server.door import SmtpServer
from pillarbox.store.sql import dkim_keys
from pillarbox.store.sql.dkim_keys import DkimKeyRow, KeyState
from pillarbox.trust.dkim import generate_key
from support.smtp_bench import PASSWORD, Bench, MemoryPeer, open_bench

HEAD = b"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: hi\r\n"


def run(folder: Path, work: Callable[[Bench], Awaitable[None]], **rules: Any) -> None:
    async def whole() -> None:
        async with open_bench(folder, check_from=rules.pop("check_from", True)) as bench:
            bench.services = dataclasses.replace(
                bench.services, submission=SubmissionSettings(**rules)
            )
            bench.server = SmtpServer(bench.services)
            await work(bench)

    asyncio.run(whole())


async def _submit(bench: Bench, text: bytes, *to: str, mail: str = "") -> str:
    peer = MemoryPeer(bench, "submission")
    await peer.reply()
    await peer.ask("EHLO laptop.example.net")
    token = base64.b64encode(f"\0alice@example.org\0{PASSWORD}".encode()).decode()
    assert (await peer.ask(f"AUTH PLAIN {token}")).startswith("235")
    assert (await peer.ask(f"MAIL FROM:<alice@example.org>{mail}")).startswith("250")
    for one in to or ("bob@example.org",):
        assert (await peer.ask(f"RCPT TO:<{one}>")).startswith("250")
    await peer.ask("DATA")
    await peer.send(text + b".\r\n")
    reply = await peer.reply()
    peer.close()
    return reply


async def _add_key(bench: Bench, algorithm: str, selector: str, state: KeyState) -> str:
    pem, record = generate_key("rsa-sha256" if algorithm == "rsa" else "ed25519-sha256")
    row = DkimKeyRow("example.org", selector, f"{algorithm}-sha256", Secret(pem), state, 0, 0)
    await bench.store.write(lambda tx: dkim_keys.add(tx, row))
    return record


def test_mail_is_signed_with_every_key_that_signs(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        records = {
            b"r1._domainkey.example.org.": await _add_key(bench, "rsa", "r1", KeyState.SIGNING),
            b"e1._domainkey.example.org.": await _add_key(bench, "ed25519", "e1", KeyState.SIGNING),
        }
        await _add_key(bench, "rsa", "next", KeyState.WAITING)
        await _add_key(bench, "rsa", "old", KeyState.RETIRED)
        assert (await _submit(bench, HEAD + b"\r\nWords\r\n")).startswith("250")
        (octets,) = await bench.octets("bob@example.org")
        assert octets.count(b"DKIM-Signature:") == 2
        # What the other server gets: our trace before it does not break the signatures.
        for index in range(2):
            verifier = dkim.DKIM(octets)
            assert verifier.verify(index, dnsfunc=lambda name, timeout=5: records[name].encode())

    run(tmp_path, work)


def test_a_domain_without_keys_is_not_signed(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await _submit(bench, HEAD + b"\r\nWords\r\n")
        (octets,) = await bench.octets("bob@example.org")
        assert b"DKIM-Signature" not in octets

    run(tmp_path, work)


@pytest.mark.parametrize(
    ("fields", "reply"),
    [
        (b"From: carol@example.net\r\n", "550 5.7.1 The address in the From field"),
        (b"From: alice@example.org, bob@example.org\r\n", "550 5.7.1 The address in the From"),
        (b"From: alice@example.org\r\nSender: bob@example.org\r\n",
         "550 5.7.1 The address in the Sender field"),
        (b"From: alice@example.org\r\nSender: a@b, c@d\r\n", "550 5.6.0 The Sender field"),
        (b"From: alice@example.org\r\nFrom: alice@example.org\r\n", "550 5.6.0 The message has"),
        (b"From: <boss@bank.example> <alice@example.org>\r\n", "550 5.6.0 The From field"),
        (b"From: <alice@example.org> boss@bank.example\r\n", "550 5.6.0 The From field"),
        (b"From: boss@bank.example alice@example.org\r\n", "550 5.6.0 The From field"),
        (b"From: boss@bank.example: alice@example.org;\r\n", "550 5.6.0 The From field"),
        (b"From: <@bank.example:alice@example.org>\r\n", "550 5.6.0 The From field"),
        (b"From: Boss: alice@example.org;, boss@bank.example\r\n", "550 5.7.1 The address"),
        (b'From: "boss@bank.example" <alice@example.org> (boss@bank.example)\r\n', "250"),
        (b"From: alice@example.org <alice@example.org>\r\n", "250"),
        (b"From: " + b"<" * 100_000 + b"alice@example.org>\r\n", "550 5.6.0 The From field"),
        (b"From: alice@example.org\r\nSender: alice@example.org (" + b"x" * 20_000
         + b"), boss@bank.example\r\n", "550 5.6.0 The Sender field"),
        (b"From: alice@example.org\r\nSender: <boss@bank.example> <alice@example.org>\r\n",
         "550 5.6.0 The Sender field"),
        (b"From: alice@example.org\r\nSender: alice@example.org\r\n", "250"),
        (b"From: alice+x@example.org, sales@example.org\r\n", "250"),
    ],
)  # fmt: skip
def test_whose_names_may_be_used(tmp_path: Path, fields: bytes, reply: str) -> None:
    async def work(bench: Bench) -> None:
        assert (await _submit(bench, fields + b"\r\nWords\r\n")).startswith(reply)

    run(tmp_path, work)


def test_a_first_line_of_no_field_hides_no_author(tmp_path: Path) -> None:
    text = b"no field\r\n" + b"X: " + b"y" * 1_100_000 + b"\r\nFrom: boss@bank.example\r\n"

    async def work(bench: Bench) -> None:
        assert (await _submit(bench, text + b"\r\nWords\r\n")).startswith("554 5.6.0 ")

    run(tmp_path, work)


def test_a_letter_of_several_authors_gets_a_sender(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await _submit(bench, b"From: alice+x@example.org, sales@example.org\r\n\r\nWords\r\n")
        (octets,) = await bench.octets("bob@example.org")
        assert b"\r\nSender: alice@example.org\r\n" in octets

    run(tmp_path, work)


def test_another_author_is_named_with_our_sender_and_never_signed(tmp_path: Path) -> None:
    """Where smtp.check_from is off."""

    async def work(bench: Bench) -> None:
        await _add_key(bench, "ed25519", "e1", KeyState.SIGNING)
        await _submit(bench, b"From: bob@example.org\r\n\r\nWords\r\n")
        (octets,) = await bench.octets("bob@example.org")
        assert b"\r\nSender: alice@example.org\r\n" in octets
        assert b"DKIM-Signature" not in octets

    run(tmp_path, work, check_from=False)


def test_messages_of_a_day_are_limited(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        for _ in range(2):
            assert (await _submit(bench, HEAD + b"\r\n")).startswith("250")
        reply = await _submit(bench, HEAD + b"\r\n")
        assert reply.startswith("450 4.7.1 You have sent 2 messages today")
        assert len(await bench.octets("bob@example.org")) == 2

    run(tmp_path, work, max_messages_a_day=2)


def test_strangers_of_a_day_are_limited_and_friends_are_not(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        friends = ("bob@example.org", "carol@example.net")
        assert (await _submit(bench, HEAD + b"\r\n", *friends)).startswith("250")
        assert (await _submit(bench, HEAD + b"\r\n", *friends)).startswith("250")
        reply = await _submit(bench, HEAD + b"\r\n", "dave@example.com")
        assert reply.startswith("450 4.7.1 You may write to 2 new addresses a day")
        assert (await _submit(bench, HEAD + b"\r\n", "CAROL@example.net")).startswith("250")

    run(tmp_path, work, max_new_recipients_a_day=2)


def test_mail_is_held_so_that_it_can_be_taken_back(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        assert (await _submit(bench, HEAD + b"\r\n")).startswith("250")
        assert await bench.octets("bob@example.org") == []
        (row,) = await bench.queued()
        assert row.recipients[0][1].value == "held"

    run(tmp_path, work, hold_seconds=10)
