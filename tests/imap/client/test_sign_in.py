"""Greeting, TLS and signing in."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode

import pytest

from pillarbox.imap.client.connection import ImapCaller, ImapConnection
from pillarbox.imap.client.failure import ImapFailure
from pillarbox.net.outgoing.peer_tls import opportunistic_context, unverified
from pillarbox.net.secret import Secret
from pillarbox.sasl.client import Credentials
from pillarbox.sasl.errors import MalformedResponse
from support.fake_clock import FakeClock
from support.scripted_imap import HOST, PORT, ImapScript, connect, network_of

WHO = Credentials("alice@example.org", Secret("secret"))


def fails(script: ImapScript, *, who: Credentials = WHO, in_the_clear: bool = True) -> ImapFailure:
    """What opening and signing in raises."""

    async def run() -> ImapFailure:
        connection = None
        with pytest.raises(ImapFailure) as caught:
            connection = await connect(script, sign_in=False)
            await connection.authenticate(who, in_the_clear=in_the_clear)
        if connection is not None:
            assert not connection.is_usable
        return caught.value

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("greeting", "answer", "said"),
    [
        ("* BYE [UNAVAILABLE] Too many connections", "BYE", "Too many connections"),
        ("220 mx.example.net ESMTP", "", "speaks no IMAP"),
        ("* NO go away", "NO", "go away"),
        ("* 3 EXISTS", "", "no IMAP server"),
        ("A1 OK hello", "", "a command that was not given"),
        ("CLOSE", "", "closed the connection"),
        ("* OK " + "x" * 5_000_000, "", "too long"),
    ],
)
def test_greetings_that_are_none(greeting: str, answer: str, said: str) -> None:
    failure = fails(ImapScript(greeting=greeting))
    assert failure.answer == answer
    assert failure.stage == "greeting"
    assert said in failure.why
    assert failure.ended or greeting.startswith("* NO")


def test_a_silent_server() -> None:
    async def run() -> None:
        clock = FakeClock()
        opening = asyncio.create_task(connect(ImapScript(greeting=""), clock))
        for _ in range(10):
            await clock.advance(10)
        with pytest.raises(ImapFailure, match="within 60 seconds"):
            await opening

    asyncio.run(run())


def test_preauth_and_capabilities() -> None:
    async def run() -> None:
        script = ImapScript(
            greeting="* PREAUTH hello",
            answers={"CAPABILITY": "* CAPABILITY imap4rev1 starttls\r\n$ OK"},
        )
        connection = await connect(script, sign_in=False)
        assert connection.is_preauthenticated
        assert connection.capabilities == {"IMAP4REV1", "STARTTLS"}
        # What was agreed on before TLS cannot be agreed on anew: it stays in the clear, or ends.
        with pytest.raises(ImapFailure) as caught:
            await connection.start_tls(unverified(opportunistic_context(), "x"))
        assert caught.value.tls_trouble == "starttls-not-supported"
        assert not connection.is_usable

    asyncio.run(run())


def test_octets_behind_the_go_ahead_for_tls() -> None:
    async def run() -> None:
        script = ImapScript(
            greeting="* OK [CAPABILITY IMAP4rev1 STARTTLS] x",
            answers={"STARTTLS": "$ OK go\r\n* OK [CAPABILITY IMAP4rev1] injected"},
        )
        connection = await connect(script, sign_in=False)
        with pytest.raises(ImapFailure, match="in the clear where TLS begins"):
            await connection.start_tls(unverified(opportunistic_context(), "x"))
        assert script.seen == ["STARTTLS"]

    asyncio.run(run())


def test_starttls_refused() -> None:
    async def run() -> None:
        script = ImapScript(
            greeting="* OK [CAPABILITY IMAP4rev1 STARTTLS] x",
            answers={"STARTTLS": "$ BAD not today"},
        )
        connection = await connect(script, sign_in=False)
        with pytest.raises(ImapFailure, match="not today"):
            await connection.start_tls(unverified(opportunistic_context(), "x"))
        assert not connection.is_usable

    asyncio.run(run())


PLAIN = b64encode(b"\0alice@example.org\0secret").decode()


@pytest.mark.parametrize(
    ("offers", "answers", "seen"),
    [
        ("AUTH=PLAIN SASL-IR", {}, [f"AUTHENTICATE PLAIN {PLAIN}"]),
        ("AUTH=PLAIN", {"AUTHENTICATE": "+ "}, ["AUTHENTICATE PLAIN", PLAIN]),
        ("", {}, ['LOGIN "alice@example.org" "secret"']),
        (
            "AUTH=LOGIN",
            {
                "AUTHENTICATE": "+ VXNlcm5hbWU6",
                b64encode(b"alice@example.org").decode(): "+ UGFzc3dvcmQ6",
            },
            [
                "AUTHENTICATE LOGIN",
                b64encode(b"alice@example.org").decode(),
                b64encode(b"secret").decode(),
            ],
        ),
    ],
)
def test_ways_to_sign_in(offers: str, answers: dict[str, str], seen: list[str]) -> None:
    async def run() -> None:
        script = ImapScript(
            greeting=f"* OK [CAPABILITY IMAP4rev1 {offers}] x",
            answers={"CAPABILITY": "* CAPABILITY IMAP4rev1 IDLE\r\n$ OK", **answers},
        )
        connection = await connect(script, sign_in=False)
        await connection.authenticate(WHO, in_the_clear=True)
        assert script.seen == [*seen, "CAPABILITY"]  # they are others now
        assert "IDLE" in connection.capabilities

    asyncio.run(run())


def test_capabilities_that_come_along_are_not_asked_for() -> None:
    async def run() -> None:
        script = ImapScript(answers={"AUTHENTICATE": "$ OK [CAPABILITY IMAP4rev1 MOVE] in"})
        connection = await connect(script)
        assert connection.capabilities == {"IMAP4REV1", "MOVE"}
        assert len(script.seen) == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    ("literals", "wanted"),
    [
        ("LITERAL+", ['LOGIN {9+}\r\nanna\xc3\xab "s"', "CAPABILITY"]),
        ("", ['LOGIN {9}\r\nanna\xc3\xab "s"', "CAPABILITY"]),
    ],
)
def test_a_name_that_has_to_be_a_literal(literals: str, wanted: list[str]) -> None:
    async def run() -> None:
        script = ImapScript(greeting=f"* OK [CAPABILITY IMAP4rev1 {literals}] x")
        connection = await connect(script, sign_in=False)
        await connection.authenticate(Credentials("annaë", Secret("s")), in_the_clear=True)
        said = [one.replace("{6", "{9") for one in script.seen]
        assert said == wanted
        assert len(script.bursts) == (3 if not literals else 2)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("script", "in_the_clear", "stage", "name", "seen"),
    [
        (
            ImapScript(answers={"AUTHENTICATE": "$ NO [AUTHENTICATIONFAILED] wrong"}),
            True, "auth", "AUTHENTICATIONFAILED", 1,
        ),
        (ImapScript(answers={"AUTHENTICATE": "* BYE [CONTACTADMIN] x\r\nCLOSE"}),
         True, "auth", "CONTACTADMIN", 1),
        (ImapScript(), False, "mechanism", "", 0),  # nothing but plain text, and no TLS
        (ImapScript(greeting="* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] x"),
         True, "mechanism", "", 0),
        (ImapScript(answers={"AUTHENTICATE": "+ more", "*": "$ BAD cancelled"}),
         True, "mechanism", "", 2),  # PLAIN has no more to say
        (ImapScript(answers={"AUTHENTICATE": "CLOSE"}), True, "auth", "", 1),
    ],
)  # fmt: skip
def test_signing_in_fails(
    script: ImapScript, in_the_clear: bool, stage: str, name: str, seen: int
) -> None:
    script.seen.clear()
    failure = fails(script, in_the_clear=in_the_clear)
    assert (failure.stage, failure.code_name) == (stage, name)
    assert len(script.seen) == seen
    assert "secret" not in str(failure) + repr(failure)


def test_a_nul_in_a_password_is_not_sent() -> None:
    script = ImapScript(greeting="* OK [CAPABILITY IMAP4rev1] x")
    failure = fails(script, who=Credentials("alice", Secret(b"a\0b")))
    assert failure.stage == "mechanism"
    assert script.seen == []


class Endless:
    """A mechanism of its own making."""

    name = "X-ENDLESS"
    is_done = True

    def __init__(self, first: bytes | None, answers: int = 10**6) -> None:
        self._first = first
        self._answers = answers

    def first(self) -> bytes | None:
        return self._first

    def respond(self, challenge: bytes) -> bytes:
        self._answers -= 1
        if self._answers < 0:
            raise MalformedResponse("Too much is asked for.")
        return challenge + b"!"


def test_any_mechanism() -> None:
    async def run() -> None:
        answers = {"AUTHENTICATE": "+ " + b64encode(b"who").decode(), "*": "$ BAD x"}
        script = ImapScript(answers=answers)
        connection = await connect(script, sign_in=False)
        await connection.authenticate(Endless(b""))
        assert script.seen[0] == "AUTHENTICATE X-ENDLESS ="
        assert b64decode(script.seen[1]) == b"who!"

        endless = ImapScript(answers={"": "+ eA=="})
        connection = await connect(endless, sign_in=False)
        with pytest.raises(ImapFailure, match="more and more"):
            await connection.authenticate(Endless(None))
        assert len(endless.seen) <= 11

        stops = ImapScript(answers=answers)
        connection = await connect(stops, sign_in=False)
        with pytest.raises(ImapFailure, match="Too much"):
            await connection.authenticate(Endless(None, answers=0))
        assert stops.seen == ["AUTHENTICATE X-ENDLESS", "*"]

    asyncio.run(run())


def test_nobody_answers_and_nobody_is_there() -> None:
    async def run() -> None:
        caller = ImapCaller(clock=FakeClock(), connector=network_of(ImapScript()).connector())
        with pytest.raises(ImapFailure) as caught:
            await ImapConnection.open(caller, HOST, PORT + 1)
        assert caught.value.stage == "connect"

    asyncio.run(run())
