"""STARTTLS, implicit TLS and signing in, in memory and over loopback, with our own door."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from pillarbox.clock import SystemClock
from pillarbox.net.listener import Listener, Security
from pillarbox.net.outgoing.peer_tls import (
    PeerNotTrusted,
    PeerVerifier,
    opportunistic_context,
    unverified,
    verified,
    verifying_context,
)
from pillarbox.net.secret import Secret
from pillarbox.sasl.client import Credentials
from pillarbox.smtp.client.connection import Caller, SmtpConnection
from pillarbox.smtp.client.failure import ClientFailure
from pillarbox.smtp.client.transaction import HeldMessage, OutgoingRecipient, OutgoingTransaction
from support.fake_clock import FakeClock
from support.listening import tls_contexts
from support.memory_network import MemoryNetwork
from support.scripted_smtp import Script
from support.smtp_bench import LISTENERS, PASSWORD, Bench, open_bench

SUBMISSIONS = Listener("submissions", "submission", Security.IMPLICIT)
TEXT = b"From: alice@example.org\r\nSubject: Hello\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
MESSAGE = OutgoingTransaction(
    reverse_path="alice@example.org",
    recipients=(OutgoingRecipient("bob@example.org"),),
    message=HeldMessage(TEXT),
    body="8BITMIME",
)


class World:
    """One Pillarbox and a way to it: in memory at 127.0.0.1, or by sockets."""

    def __init__(self, bench: Bench, folder: Path, caller: Caller, ports: dict[str, int]) -> None:
        self.bench = bench
        self.authority = folder / "cert.pem"
        self.caller = caller
        self.ports = ports

    async def open(self, role: str, verifier: PeerVerifier | None = None) -> SmtpConnection:
        return await SmtpConnection.open(
            self.caller, "127.0.0.1", self.ports[role], implicit_tls=verifier
        )


@contextlib.asynccontextmanager
async def world(folder: Path, memory: bool) -> AsyncIterator[World]:
    contexts = tls_contexts(folder)
    async with open_bench(folder, tls=contexts) as bench, contextlib.AsyncExitStack() as stack:
        network = MemoryNetwork()
        ports: dict[str, int] = {}
        for number, role in enumerate(("mx", "submission")):
            listener = LISTENERS[role]
            if memory:
                ports[role] = 25 + number
                network.listen(
                    "127.0.0.1", 25 + number, lambda one=listener: bench.server.connection(one)
                )
                continue
            server = await asyncio.get_running_loop().create_server(
                lambda one=listener: bench.server.connection(one), "127.0.0.1", 0
            )
            await stack.enter_async_context(server)
            ports[role] = server.sockets[0].getsockname()[1]
        if not memory:
            server = await asyncio.get_running_loop().create_server(
                lambda: bench.server.connection(SUBMISSIONS),
                "127.0.0.1",
                0,
                ssl=contexts.server_context(),
            )
            await stack.enter_async_context(server)
            ports["submissions"] = server.sockets[0].getsockname()[1]
        caller = Caller(ehlo_name="client.example.org", clock=SystemClock())
        if memory:
            caller = Caller(
                ehlo_name="client.example.org",
                clock=SystemClock(),
                connector=network.connector("127.0.0.2"),
            )
        yield World(bench, folder, caller, ports)


Work = Callable[[World], Awaitable[None]]
EVERY_WAY = pytest.mark.parametrize("way", ["memory", "asyncio", "uvloop"])


def play(folder: Path, way: str, work: Work) -> None:
    async def run() -> None:
        async with world(folder, way == "memory") as found:
            await asyncio.wait_for(work(found), 60)

    if way == "uvloop":
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())
    else:
        asyncio.run(run())


@EVERY_WAY
def test_starttls_sign_in_and_send(tmp_path: Path, way: str) -> None:
    async def work(here: World) -> None:
        connection = await here.open("submission")
        assert connection.capabilities.starttls
        verifier = verified(verifying_context(here.authority), "localhost")
        facts = await connection.start_tls(verifier)
        assert facts.version == "TLSv1.3"
        assert facts.verified_name == "localhost"
        assert [ssl.DER_cert_to_PEM_cert(one).strip() for one in facts.chain] == [
            here.authority.read_text().strip()
        ]
        assert not connection.capabilities.starttls
        assert "SCRAM-SHA-256-PLUS" in connection.capabilities.auth
        await connection.authenticate(Credentials("alice@example.org", Secret(PASSWORD)))
        for _ in range(3):
            outcome = await connection.send(MESSAGE)
            assert [one.kind for one in outcome.replies] == ["relayed"]
        await connection.quit()
        found = await here.bench.octets("bob@example.org")
        assert len(found) == 3
        assert all("Grüße\r\n".encode() in one for one in found)

    play(tmp_path, way, work)


def test_implicit_tls(tmp_path: Path) -> None:
    async def work(here: World) -> None:
        verifier = unverified(opportunistic_context(), "localhost")
        connection = await here.open("submissions", verifier)
        assert connection.tls is not None
        assert connection.tls.verified_name == ""
        with pytest.raises(ClientFailure) as caught:
            await connection.authenticate(Credentials("alice@example.org", Secret("wrong")))
        assert caught.value.stage == "auth"
        assert not caught.value.temporary
        assert not connection.is_usable

    play(tmp_path, "asyncio", work)


def _refuses(chain: tuple[bytes, ...]) -> str:
    assert len(chain) == 1
    raise PeerNotTrusted


@EVERY_WAY
@pytest.mark.parametrize(
    ("trouble", "name", "trusted"),
    [
        ("certificate-host-mismatch", "mx.example.net", True),
        ("certificate-not-trusted", "localhost", False),
        ("validation-failure", "localhost", None),
    ],
)
def test_certificates_that_are_not_believed(
    tmp_path: Path, way: str, trouble: str, name: str, trusted: bool | None
) -> None:
    async def work(here: World) -> None:
        connection = await here.open("mx")
        if trusted is None:  # DANE: the caller looks at the chain
            verifier = PeerVerifier(opportunistic_context(), name, _refuses)
        else:
            verifier = verified(verifying_context(here.authority if trusted else None), name)
        with pytest.raises(ClientFailure) as caught:
            await connection.start_tls(verifier)
        assert caught.value.tls_trouble == trouble
        assert caught.value.temporary
        assert not connection.is_usable

    play(tmp_path, way, work)


def scripted(script: Script, work: Callable[[SmtpConnection], Awaitable[object]]) -> ClientFailure:
    async def run() -> None:
        clock = FakeClock()
        network = MemoryNetwork(clock)
        network.listen("192.0.2.1", 25, script.connection)
        caller = Caller(ehlo_name="mx.example.org", clock=clock, connector=network.connector())
        await asyncio.wait_for(work(await SmtpConnection.open(caller, "192.0.2.1", 25)), 60)

    with pytest.raises(ClientFailure) as caught:
        asyncio.run(run())
    return caught.value


async def _start_tls(connection: SmtpConnection) -> None:
    await connection.start_tls(unverified(opportunistic_context(), "mx.example.net"))


@pytest.mark.parametrize(
    ("answer", "stage", "temporary"),
    [
        ("220 go\n250 injected", "tls", True),  # CVE-2011-0411, the other way round
        ("220 go\n250-half", "tls", True),
        ("454 4.7.0 not now", "starttls", True),
        ("501 5.5.4 no", "starttls", False),
        ("220 go\nCLOSE", "tls", True),
    ],
)
def test_starttls_that_comes_to_nothing(answer: str, stage: str, temporary: bool) -> None:
    failure = scripted(Script(offers=["STARTTLS"], answers={"STARTTLS": answer}), _start_tls)
    assert failure.stage == stage
    assert failure.temporary is temporary


def test_starttls_that_is_not_offered() -> None:
    failure = scripted(Script(offers=[]), _start_tls)
    assert failure.tls_trouble == "starttls-not-supported"


async def _sign_in(connection: SmtpConnection) -> None:
    credentials = Credentials("alice", Secret("pencil"))
    await connection.authenticate(credentials, in_the_clear=True)


@pytest.mark.parametrize(
    ("mechanism", "answers", "temporary"),
    [
        ("PLAIN", {"AUTH": "535 5.7.8 no"}, False),
        ("PLAIN", {"AUTH": "454 4.7.0 not now"}, True),
        ("PLAIN", {"AUTH": "334 "}, False),
        ("LOGIN", {"AUTH": "334 ???"}, False),
        ("SCRAM-SHA-256", {"AUTH": "235 2.7.0 come in"}, False),  # without proof of its own
        ("SCRAM-SHA-256", {"AUTH": "334 cj14"}, False),
        ("CRAM-MD5", {}, True),
    ],
)
def test_sign_ins_that_fail(mechanism: str, answers: dict[str, str], temporary: bool) -> None:
    failure = scripted(Script(offers=[f"AUTH {mechanism}"], answers=answers), _sign_in)
    assert failure.stage == "auth"
    assert failure.temporary is temporary


def test_a_password_does_not_travel_in_the_clear() -> None:
    async def work(connection: SmtpConnection) -> None:
        await connection.authenticate(Credentials("alice", Secret("pencil")))

    script = Script(offers=["AUTH PLAIN LOGIN"])
    assert "no way to sign in" in scripted(script, work).why
    assert script.seen == ["EHLO mx.example.org"]


def test_login_and_plain_with_a_script() -> None:
    script = Script(
        offers=["AUTH LOGIN"],
        answers={"AUTH": "334 VXNlcm5hbWU6", "YWxpY2U=": "334 UGFzc3dvcmQ6", "cGVuY2ls": "235 in"},
    )

    async def work(connection: SmtpConnection) -> None:
        await _sign_in(connection)
        raise ClientFailure("end", "all went well")

    assert scripted(script, work).why == "all went well"
    assert script.seen[1:] == ["AUTH LOGIN", "YWxpY2U=", "cGVuY2ls"]


TOKEN = Credentials("alice", Secret(b""), token=Secret("token"))


@pytest.mark.parametrize(
    ("offers", "answers", "why", "seen"),
    [
        (
            "AUTH PLAIN XOAUTH2",
            {"AUTH": "235 in"},
            "all went well",
            ["AUTH XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciB0b2tlbgEB"],
        ),
        (
            "AUTH OAUTHBEARER XOAUTH2",
            {"AUTH": "334 eyJzdGF0dXMiOiI0MDEifQ==", "AQ==": "535 5.7.8 token has ended"},
            "refused: 535 5.7.8",
            ["AUTH OAUTHBEARER bixhPWFsaWNlLAFhdXRoPUJlYXJlciB0b2tlbgEB", "AQ=="],
        ),
        ("AUTH PLAIN LOGIN", {}, "no way to sign in", []),
    ],
)
def test_signing_in_with_a_token(
    offers: str, answers: dict[str, str], why: str, seen: list[str]
) -> None:
    script = Script(offers=[offers], answers=answers)

    async def work(connection: SmtpConnection) -> None:
        await connection.authenticate(TOKEN, in_the_clear=True)
        raise ClientFailure("end", "all went well")

    assert why in scripted(script, work).why
    assert script.seen[1:] == seen


def test_a_token_with_a_line_break_goes_nowhere() -> None:
    async def work(connection: SmtpConnection) -> None:
        token = Secret("a\r\nQUIT")
        await connection.authenticate(
            Credentials("alice", Secret(b""), token=token), in_the_clear=True
        )

    script = Script(offers=["AUTH XOAUTH2"])
    assert "control character" in scripted(script, work).why
    assert script.seen == ["EHLO mx.example.org"]
