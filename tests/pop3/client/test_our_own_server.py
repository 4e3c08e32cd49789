"""Our POP3 client with our own server: STLS, TLS, SCRAM, pipelining, text that is not ASCII."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pillarbox.clock import SystemClock
from pillarbox.net.outgoing.peer_tls import verified, verifying_context
from pillarbox.net.secret import Secret
from pillarbox.pop3.client.connection import Pop3Connection
from pillarbox.pop3.client.conversation import Pop3Caller
from pillarbox.pop3.client.failure import Pop3Failure
from pillarbox.sasl.client import Credentials
from support.people import ALICE_PASSWORD
from support.pop3_bench import Pop3Bench, pop3_bench

ALICE = Credentials("alice@example.org", Secret(ALICE_PASSWORD))
MESSAGES = [
    b"Subject: Gr\xc3\xbc\xc3\x9fe\r\n\r\n.\r\n..\r\n.a\r\n",
    b"Subject: no end\r\n\r\nlast line",
    b"Subject: bare\r\n\r\na\n.\nb\r\n",
    b"Subject: large\r\n\r\n" + b".x\r\n" * 60_000,
]


class Body:
    def __init__(self) -> None:
        self.octets = b""

    def write(self, chunk: bytes) -> None:
        self.octets += chunk


async def reach(bench: Pop3Bench, folder: Path, *, implicit: bool) -> Pop3Connection:
    verifier = verified(verifying_context(folder / "cert.pem"), "localhost")
    caller = Pop3Caller(clock=SystemClock())
    if implicit:
        return await Pop3Connection.open(caller, "127.0.0.1", bench.tls_port, implicit_tls=verifier)
    connection = await Pop3Connection.open(caller, "127.0.0.1", bench.port)
    await connection.start_tls(verifier)
    return connection


def run(folder: Path, check: Callable[[Pop3Bench], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        async with pop3_bench(folder) as bench:
            await check(bench)

    asyncio.run(all_of_it())


@pytest.mark.parametrize("implicit", [True, False])
def test_all_comes_as_it_is_kept(tmp_path: Path, implicit: bool) -> None:
    async def check(bench: Pop3Bench) -> None:
        for message in MESSAGES:
            await bench.deliver(message)
        connection = await reach(bench, tmp_path, implicit=implicit)
        assert any(name.startswith("SCRAM") for name in connection.capabilities.sasl)
        await connection.authenticate(ALICE)
        numbers = list(await connection.sizes())
        assert len(set((await connection.unique_ids() or {}).values())) == 4
        sinks: dict[int, Body] = {}
        async for found in connection.retrieve(numbers, lambda n: sinks.setdefault(n, Body())):
            assert found.status.ok
        for number, message in zip(numbers, MESSAGES, strict=True):
            ended = message if message.endswith(b"\r\n") else message + b"\r\n"
            assert sinks[number].octets == ended
        assert await connection.delete(numbers[:2]) == numbers[:2]
        assert (await connection.quit()).ok
        again = await reach(bench, tmp_path, implicit=implicit)
        await again.authenticate(ALICE)
        assert len(await again.sizes()) == 2
        again.close()

    run(tmp_path, check)


def test_a_wrong_password_and_a_maildrop_in_use(tmp_path: Path) -> None:
    async def check(bench: Pop3Bench) -> None:
        connection = await reach(bench, tmp_path, implicit=True)
        with pytest.raises(Pop3Failure) as caught:
            await connection.authenticate(Credentials("alice@example.org", Secret("wrong")))
        assert caught.value.status is not None and caught.value.status.code == "AUTH"
        first = await reach(bench, tmp_path, implicit=True)
        await first.authenticate(ALICE)
        second = await reach(bench, tmp_path, implicit=True)
        with pytest.raises(Pop3Failure) as caught:
            await second.authenticate(ALICE)
        assert caught.value.status is not None and caught.value.status.code == "IN-USE"
        first.close()

    run(tmp_path, check)
