"""aioimaplib: many commands at once, and IDLE that pushes."""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import Any

import aioimaplib
import pytest

from support.mailing import attached, body_of, deliver, sample
from support.server import Account, MailServer

pytestmark = pytest.mark.interop


async def _connect(server: MailServer, account: Account) -> Any:
    context = ssl.create_default_context(cafile=str(server.certificate))
    client = aioimaplib.IMAP4_SSL(
        host=server.tls_host, port=server.ports.imaps, ssl_context=context, timeout=30
    )
    await client.wait_hello_from_server()
    answer = await client.login(account.login, account.password)
    assert answer.result == "OK", answer
    return client


def test_full_round(mail_server: MailServer, account: Account) -> None:
    message = attached("by aio")
    deliver(mail_server, account, message)

    async def scenario() -> None:
        client = await _connect(mail_server, account)
        assert (await client.select("INBOX")).result == "OK"
        found = await client.uid_search("SUBJECT aio")
        assert found.lines[0].split() == [b"1"]
        fetched = await client.uid("fetch", "1", "(FLAGS BODY.PEEK[])")
        assert body_of(bytes(fetched.lines[1])) == body_of(message)
        stored = await client.uid("store", "1", "+FLAGS", r"(\Flagged)")
        assert rb"\Flagged" in b"".join(bytes(line) for line in stored.lines)
        assert (await client.create("Elsewhere")).result == "OK"
        assert (await client.copy("1", "Elsewhere")).result == "OK"
        assert (await client.uid("move", "1", "Elsewhere")).result == "OK"
        status = await client.status("Elsewhere", "(MESSAGES UIDNEXT)")
        assert re.search(rb"MESSAGES 2\b", status.lines[0])
        assert (await client.select("Elsewhere")).result == "OK"
        await client.store("1", "+FLAGS", r"(\Deleted)")
        assert (await client.expunge()).result == "OK"
        assert (await client.search("ALL")).lines[0].split() == [b"1"]
        added = await client.append(sample(2), "Elsewhere", flags=r"(\Seen)")
        assert added.result == "OK"
        assert (await client.close()).result == "OK"
        assert (await client.logout()).result == "OK"

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_idle_pushes(mail_server: MailServer, account: Account) -> None:
    async def scenario() -> None:
        client = await _connect(mail_server, account)
        await client.select("INBOX")
        idle = await client.idle_start(timeout=30)
        sending = asyncio.create_task(
            asyncio.to_thread(deliver, mail_server, account, sample(1), sample(2))
        )
        heard: list[bytes] = []
        while b"2 EXISTS" not in heard:
            heard += await client.wait_server_push(timeout=20)
        client.idle_done()
        await asyncio.wait_for(idle, 60)
        await sending
        assert (await client.search("ALL")).lines[0].split() == [b"1", b"2"]
        await client.logout()

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_twenty_connections(mail_server: MailServer, account: Account) -> None:
    async def scenario() -> None:
        clients = await asyncio.gather(*(_connect(mail_server, account) for _ in range(20)))
        await asyncio.gather(*(client.select("INBOX") for client in clients))
        await asyncio.gather(
            *(client.append(sample(n), "INBOX") for n, client in enumerate(clients))
        )
        await asyncio.gather(*(client.noop() for client in clients))
        found = await asyncio.gather(*(client.uid_search("ALL") for client in clients))
        assert {answer.lines[0] for answer in found} == {
            b" ".join(b"%d" % uid for uid in range(1, 21))
        }
        await asyncio.gather(*(client.logout() for client in clients))

    asyncio.run(asyncio.wait_for(scenario(), 60))
