"""From a name and a sign-in to a connection: addresses judged, TLS verified, troubles in words."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pillarbox.clock import SystemClock
from pillarbox.flow.collect.dial import Dialer, credentials_of, is_own_address
from pillarbox.flow.collect.settings import OAuthGrant, ServerSpec, ServerTls, SignIn
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.net.address_policy import AddressPolicy
from pillarbox.net.outgoing.connector import TcpConnector
from pillarbox.net.secret import Secret
from pillarbox.pop3.client.connection import Pop3Connection
from pillarbox.smtp.client.connection import Caller
from support.authority import Issued, new_authority
from support.fake_resolver import FakeResolver
from support.scripted_pop3 import Drop
from support.scripted_smtp import Script

HOST = "pop.example.org"
ROOT = new_authority()
ALICE = SignIn("alice@example.org", Secret("pencil-sharpener"))
PRIVATE = AddressPolicy(private=True, ports=())
PUBLIC = AddressPolicy(private=False, ports=())
PAST = datetime(2021, 1, 1, tzinfo=UTC)


class Counting(TcpConnector):
    """Real sockets, counted; `to` says where they really go."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def connect(self, address: str, port: int, *args: Any, **more: Any) -> None:
        self.asked.append(address)
        if not address.startswith("127."):
            raise ConnectionRefusedError(111, "Connection refused")
        await super().connect(address, port, *args, **more)


@asynccontextmanager
async def serving(drop: Drop, folder: Path, issued: Issued | None) -> AsyncIterator[int]:
    """TLS from the start with that certificate; without one in the clear."""
    context = None
    if issued is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*issued.write(folder))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(drop.connection, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@dataclass
class How:
    """One try: what is there, and what is asked for."""

    drop: Drop = field(default_factory=lambda: Drop([], offers=("USER", "SASL PLAIN")))
    issued: Issued | None = None
    addresses: tuple[str, ...] = ("127.0.0.1",)
    tls: ServerTls = "implicit"
    host: str = HOST
    policy: AddressPolicy = PRIVATE
    resolver: FakeResolver | None = None
    sign_in: SignIn = ALICE
    connector: Counting = field(default_factory=Counting)

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        return {
            HOST: {
                "A": [one for one in self.addresses if ":" not in one],
                "AAAA": [one for one in self.addresses if ":" in one],
            }
        }


def dial(folder: Path, **what: Any) -> Drop:
    """Dial, sign in, leave; the server that was spoken with."""
    how = How(**what)

    async def all_of_it() -> None:
        (folder / "root.pem").write_bytes(ROOT.pem)
        async with serving(how.drop, folder, how.issued) as port:
            dialer = Dialer(
                how.resolver or FakeResolver(how.records),
                SystemClock(),
                policy=how.policy,
                authorities=folder / "root.pem",
                connector=how.connector,
            )
            connection = await dialer.pop3(ServerSpec(how.host, port, how.tls), how.sign_in)
            assert isinstance(connection, Pop3Connection)
            assert (connection.tls is None) == (how.issued is None)
            await connection.quit()

    asyncio.run(all_of_it())
    return how.drop


def failure(folder: Path, **how: Any) -> SourceFailure:
    with pytest.raises(SourceFailure) as caught:
        dial(folder, **how)
    assert str(caught.value).endswith((".", ")."))
    assert "pencil-sharpener" not in str(caught.value)
    return caught.value


def test_a_name_a_certificate_and_a_password(tmp_path: Path) -> None:
    seen = dial(tmp_path, issued=ROOT.issue(HOST)).seen
    assert any(line.startswith("AUTH PLAIN ") for line in seen)


def test_localhost_is_not_asked_of_the_dns(tmp_path: Path) -> None:
    resolver = FakeResolver({})
    dial(tmp_path, issued=ROOT.issue("localhost"), host="localhost", resolver=resolver)
    assert not resolver.asked


def test_an_address_in_place_of_a_name(tmp_path: Path) -> None:
    dial(tmp_path, issued=ROOT.issue("127.0.0.1"), host="127.0.0.1")


def test_the_next_address_is_tried(tmp_path: Path) -> None:
    connector = Counting()
    dial(
        tmp_path,
        issued=ROOT.issue(HOST),
        addresses=("2001:db8::1", "127.0.0.1"),
        connector=connector,
    )
    assert connector.asked == ["2001:db8::1", "127.0.0.1"]


@pytest.mark.parametrize(
    ("issued", "words"),
    [
        (ROOT.issue("imap.example.org"), "not made for pop.example.org"),
        (ROOT.issue(HOST, end=PAST), "has expired"),
        (new_authority("Another").issue(HOST), "authority that is not known"),
        (new_authority(HOST), "signed itself"),
    ],
)
def test_certificates(tmp_path: Path, issued: Issued, words: str) -> None:
    drop = Drop([])
    found = failure(tmp_path, drop=drop, issued=issued)
    assert found.trouble == "certificate"
    assert words in str(found)
    assert not drop.seen, "nothing was said to it"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1",
     "fe80::1", "fd00::1", "2002:a00:1::1", "0.0.0.0", "100.64.0.1", "224.0.0.1"],
)  # fmt: skip
@pytest.mark.parametrize("by_name", [True, False])
def test_private_addresses_are_not_gone_to(tmp_path: Path, address: str, by_name: bool) -> None:
    connector = Counting()
    found = failure(
        tmp_path,
        addresses=(address,),
        host=HOST if by_name else address,
        policy=PUBLIC,
        connector=connector,
    )
    assert found.trouble == "address"
    assert not connector.asked


def test_of_mixed_addresses_only_the_public_ones(tmp_path: Path) -> None:
    connector = Counting()
    found = failure(
        tmp_path,
        addresses=("10.0.0.1", "198.51.101.7", "127.0.0.1"),
        policy=PUBLIC,
        connector=connector,
    )
    assert found.trouble == "unreachable"
    assert connector.asked == ["198.51.101.7"]


def test_our_own_address_counts_as_private(tmp_path: Path) -> None:
    assert is_own_address("127.0.0.1")
    assert not is_own_address("198.51.101.7")
    assert not is_own_address("no address")

    async def all_of_it() -> None:
        dialer = Dialer(
            FakeResolver({HOST: {"A": ["198.51.101.7"]}}),
            SystemClock(),
            policy=PUBLIC,
            is_own=lambda address: address == "198.51.101.7",
        )
        with pytest.raises(SourceFailure, match="own"):
            await dialer.addresses(ServerSpec(HOST, 995))

    asyncio.run(all_of_it())


@pytest.mark.parametrize(
    ("resolver", "host", "trouble", "words"),
    [
        (FakeResolver({}), HOST, "address", "no server named pop.example.org"),
        (FakeResolver({}, fail={HOST: "timeout"}), HOST, "unreachable", "could not be found out"),
        (FakeResolver({}), "pop..example.org", "address", "no name of a server"),
        (FakeResolver({}), "x" * 70 + ".org", "address", "no name of a server"),
    ],
)
def test_names(tmp_path: Path, resolver: FakeResolver, host: str, trouble: str, words: str) -> None:
    found = failure(tmp_path, resolver=resolver, host=host)
    assert found.trouble == trouble
    assert words in str(found)


def test_nobody_there(tmp_path: Path) -> None:
    found = failure(tmp_path, addresses=("198.51.101.7",))
    assert found.trouble == "unreachable"
    assert "Check the server's name and port" in str(found)


def test_without_tls_only_to_this_computer_and_only_when_allowed(tmp_path: Path) -> None:
    assert any("AUTH PLAIN" in line for line in dial(tmp_path, tls="none").seen)
    connector = Counting()
    found = failure(tmp_path, tls="none", addresses=("198.51.101.7",), connector=connector)
    assert found.trouble == "tls"
    found = failure(tmp_path, tls="none", policy=PUBLIC, connector=connector)
    assert found.trouble == "address"
    assert not connector.asked


@pytest.mark.parametrize(
    "drop",
    [
        Drop([], offers=("USER",)),
        Drop([], offers=None, answers={"STLS": "-ERR what?"}),
        Drop([], answers={"STLS": "-ERR not now"}),
    ],
)
def test_a_server_without_tls_gets_no_password(tmp_path: Path, drop: Drop) -> None:
    found = failure(tmp_path, drop=drop, tls="starttls")
    assert found.trouble == "tls"
    assert "does not offer TLS" in str(found)
    assert not any(line.startswith(("USER", "PASS", "AUTH")) for line in drop.seen)


def test_octets_behind_the_go_ahead_of_stls_end_it(tmp_path: Path) -> None:
    drop = Drop([], answers={"STLS": "+OK\n+OK injected"})
    assert failure(tmp_path, drop=drop, tls="starttls").trouble == "tls"
    assert drop.seen == ["CAPA", "STLS"]


def test_tls_where_there_is_none(tmp_path: Path) -> None:
    found = failure(tmp_path, tls="implicit")
    assert found.trouble == "tls"


def test_in_the_clear_where_tls_is_expected(tmp_path: Path) -> None:
    found = failure(tmp_path, drop=Drop([], greeting="220 mx ESMTP"), tls="none")
    assert found.trouble == "protocol"


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        ("-ERR [AUTH] Username and password not accepted.", "sign-in"),
        ("-ERR wrong", "sign-in"),
        ("-ERR [AUTH] Application-specific password required: https://e.org", "second-factor"),
        ("-ERR [IN-USE] Do you have another POP session running?", "throttled"),
        ("-ERR pencil-sharpener is not your password", "sign-in"),
        ("CLOSE", "cut"),
    ],
)  # fmt: skip
def test_what_a_server_says_to_a_password(tmp_path: Path, answer: str, trouble: str) -> None:
    drop = Drop([], offers=("USER",), answers={"PASS": answer})
    assert failure(tmp_path, drop=drop, issued=ROOT.issue(HOST)).trouble == trouble


@pytest.mark.parametrize("password", ["pencil-sharpener", 'pencil-"sharp\\ener"'])
@pytest.mark.parametrize("cut", [0, 4])
def test_a_server_that_repeats_what_it_was_sent(tmp_path: Path, password: str, cut: int) -> None:
    """What it says is shown, and written down; the password is not, in whatever form it went."""
    sent = base64.b64encode(f"\0alice@example.org\0{password}".encode()).decode()
    sent = sent[: len(sent) - cut]
    quoted = password.replace("\\", "\\\\").replace('"', '\\"')
    answer = (
        f'-ERR Unknown: AUTH PLAIN {sent}, PASS {password}, LOGIN alice "{quoted}", help yourself'
    )
    drop = Drop([], offers=("SASL PLAIN",), answers={"AUTH": answer})
    who = SignIn("alice@example.org", Secret(password))
    told = str(failure(tmp_path, drop=drop, issued=ROOT.issue(HOST), sign_in=who))
    assert "Unknown: AUTH PLAIN …, PASS …, LOGIN alice" in told
    assert sent not in told
    assert password not in told
    assert quoted not in told
    assert "help yourself" in told


def test_a_server_that_wants_time_between_visits(tmp_path: Path) -> None:
    drop = Drop(
        [], offers=("USER", "LOGIN-DELAY 777"), answers={"PASS": "-ERR [LOGIN-DELAY] too soon"}
    )
    found = failure(tmp_path, drop=drop, issued=ROOT.issue(HOST))
    assert (found.trouble, found.retry_after) == ("throttled", 777)


def grant(token: str | None) -> SignIn:
    access = Secret(token) if token is not None else None
    return SignIn(
        "alice@example.org",
        OAuthGrant(
            provider="gmail", client_id="us", refresh_token=Secret("refresh"), access_token=access
        ),
    )


def test_a_token(tmp_path: Path) -> None:
    drop = Drop([], offers=("SASL XOAUTH2 OAUTHBEARER", "USER"))
    seen = dial(tmp_path, drop=drop, issued=ROOT.issue(HOST), sign_in=grant("token")).seen
    assert any(line.startswith("AUTH OAUTHBEARER ") for line in seen)
    assert not any(line.startswith(("USER", "PASS")) for line in seen)


def test_a_token_that_is_not_taken_any_more(tmp_path: Path) -> None:
    drop = Drop(
        [], offers=("SASL XOAUTH2",), answers={"AUTH": "+ e30=", "": "-ERR [AUTH] Invalid."}
    )
    found = failure(tmp_path, drop=drop, issued=ROOT.issue(HOST), sign_in=grant("token"))
    assert found.trouble == "consent"
    assert "collect sign-in" in str(found)


@pytest.mark.parametrize("answer", ["235 in", "535 5.7.8 no"])
def test_submission(answer: str) -> None:
    """For mail that is sent through the other provider."""
    script = Script(offers=["AUTH PLAIN"], answers={"AUTH": answer})

    async def all_of_it() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(script.connection, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        dialer = Dialer(FakeResolver({}), SystemClock(), policy=PRIVATE)
        caller = Caller(ehlo_name="mx.example.org", clock=SystemClock())
        dialling = dialer.smtp(ServerSpec("localhost", port, "none"), ALICE, caller)
        if answer.startswith("235"):
            await (await dialling).quit()
        else:
            with pytest.raises(SourceFailure) as caught:
                await dialling
            assert caught.value.trouble == "sign-in"
        server.close()

    asyncio.run(all_of_it())
    assert any(line.startswith("AUTH PLAIN ") for line in script.seen)


def test_a_grant_without_a_token() -> None:
    with pytest.raises(SourceFailure) as caught:
        credentials_of(ServerSpec(HOST, 995), grant(None))
    assert caught.value.trouble == "consent"
