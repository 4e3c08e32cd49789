"""Permission from an authorization server: published examples, and a real exchange on loopback."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pillarbox.clock import unix_seconds
from pillarbox.dns.addresses import find_addresses
from pillarbox.flow.collect.oauth import OAuth, Web
from pillarbox.flow.collect.oauth_messages import (
    Asked,
    DeviceAsked,
    Refused,
    Registration,
    Tokens,
    challenge_of,
    code_in,
    new_request,
    parse_device,
    parse_tokens,
)
from pillarbox.flow.collect.oauth_redirect import loopback_redirect
from pillarbox.flow.collect.presets import OAuthEndpoints
from pillarbox.flow.collect.settings import OAuthGrant, SignIn
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.net.address_policy import AddressPolicy
from pillarbox.net.https import client_context
from pillarbox.net.secret import Secret
from support.authority import new_authority
from support.authorization_server import AuthorizationServer, serving
from support.fake_clock import FakeClock
from support.fake_resolver import FakeResolver

HOST = "login.example.org"
ROOT = new_authority()
ENDPOINTS = OAuthEndpoints(
    authorization="https://login.example.org/authorize",
    token="https://login.example.org/token",
    device="https://login.example.org/device",
    scope="mail offline",
    more=(("prompt", "consent"),),
)
US = Registration(
    provider="", endpoints=ENDPOINTS, client_id="pillarbox", client_secret=Secret("client-secret")
)


class Rig:
    def __init__(self, server: AuthorizationServer, port: int) -> None:
        self.server = server
        self.clock = FakeClock()
        base = f"https://{HOST}:{port}"
        endpoints = OAuthEndpoints(
            authorization=f"{base}/authorize",
            token=f"{base}/token",
            device=f"{base}/device",
            scope="mail offline",
        )
        self.us = Registration(
            provider="",
            endpoints=endpoints,
            client_id="pillarbox",
            client_secret=Secret("client-secret"),
        )

        async def resolve(_: str) -> Sequence[str]:
            return ["127.0.0.1"]

        web = Web(
            address_policy=AddressPolicy(private=True, ports=()),
            resolve=resolve,
            context=client_context(ROOT.pem.decode()),
        )
        self.oauth = OAuth(self.clock, web=web)

    @property
    def now(self) -> int:
        return unix_seconds(self.clock.now())

    def browse(self, asked: Asked) -> str:
        """What a browser does, with a person who signs in: where it is sent."""
        fields = {key: values[0] for key, values in parse_qs(urlsplit(asked.url).query).items()}
        return self.server.authorize(fields)

    async def grant(self) -> OAuthGrant:
        asked = self.oauth.begin(self.us, "http://127.0.0.1/", "alice@example.org")
        return await self.oauth.redeem(asked, self.browse(asked))


def run(folder: Path, server: AuthorizationServer, check: Callable[[Rig], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        async with serving(server, folder, ROOT.issue(HOST)) as port:
            await check(Rig(server, port))

    asyncio.run(all_of_it())


def test_pkce_as_published() -> None:
    """RFC 7636 Appendix B."""
    octets = bytes(
        [116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37,
         77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121]
    )  # fmt: skip
    verifier = base64.urlsafe_b64encode(octets).rstrip(b"=")
    assert verifier == b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(Secret(verifier)) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_token_response_as_published() -> None:
    """The example of RFC 6749 §5.1."""
    body = (
        b'{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example","expires_in":3600,'
        b'"refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","example_parameter":"example_value"}'
    )
    with pytest.raises(SourceFailure):
        parse_tokens(200, body)  # a token of another type is no use to SASL
    found = parse_tokens(200, body.replace(b'"example",', b'"Bearer",'))
    assert found == Tokens(
        Secret("2YotnFZFEjr1zCsicMWpAA"), Secret("tGzv3JOkF0XG5Qx2TlKWIA"), 3600, ""
    )
    assert parse_tokens(400, b'{"error":"invalid_request"}') == Refused("invalid_request", "")


def test_a_device_response_as_published() -> None:
    """The example of RFC 8628 §3.2."""
    found = parse_device(
        US,
        200,
        b'{"device_code":"GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS","user_code":"WDJB-MJHT",'
        b'"verification_uri":"https://example.com/device","verification_uri_complete":'
        b'"https://example.com/device?user_code=WDJB-MJHT","expires_in":1800,"interval":5}',
    )
    assert isinstance(found, DeviceAsked)
    assert found.device_code == Secret("GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS")
    assert (found.user_code, found.seconds, found.interval) == ("WDJB-MJHT", 1800, 5)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"access_token":7}', b'{"access_token":"a\\u0001b"}',
     b'{"access_token":""}', b'{"access_token":"a","token_type":"mac"}', b"\xff"],
)  # fmt: skip
def test_answers_that_are_nonsense(body: bytes) -> None:
    for status in (200, 400, 502):
        with pytest.raises(SourceFailure) as caught:
            parse_tokens(status, body)
        assert caught.value.trouble == "protocol"
    with pytest.raises(SourceFailure):
        parse_device(US, 200, body)


@pytest.mark.parametrize(
    ("told", "seconds"), [("3600", 3600), ("soon", 3600), (-5, 1), (10**30, 10 * 366 * 86_400)]
)
def test_how_long_a_token_lasts(told: Any, seconds: int) -> None:
    body = f'{{"access_token":"a","expires_in":{told if isinstance(told, int) else repr(told)}}}'
    found = parse_tokens(200, body.replace("'", '"').encode())
    assert isinstance(found, Tokens) and found.seconds == seconds


def test_a_request_has_all_that_it_needs() -> None:
    first, second = (new_request(US, "http://127.0.0.1:1234/", "alice") for _ in range(2))
    fields = parse_qs(urlsplit(first.url).query)
    assert fields["code_challenge"] == [challenge_of(first.verifier)]
    assert fields["code_challenge_method"] == ["S256"]
    assert fields["redirect_uri"] == ["http://127.0.0.1:1234/"]
    assert fields["scope"] == ["mail offline"]
    assert (fields["login_hint"], fields["prompt"]) == (["alice"], ["consent"])
    assert first.state != second.state
    assert first.verifier != second.verifier
    assert "client-secret" not in first.url + repr(first)


def test_whose_answer_it_is() -> None:
    asked = new_request(US, "http://127.0.0.1/")
    ours = f"state={asked.state}"
    assert code_in(f"http://127.0.0.1/?code=c%2Fd&{ours}", asked) == "c/d"
    assert code_in(f"code=c&{ours}", asked) == "c"
    assert code_in("  4/0AX-bare_code== ", asked) == "4/0AX-bare_code=="
    for answer in (
        "http://127.0.0.1/?code=c&state=other",
        "http://127.0.0.1/?code=c",
        f"http://127.0.0.1/?{ours}",
        f"http://127.0.0.1/?error=access_denied&{ours}",
        "http://127.0.0.1/?" + "code=a&" * 100,
        "",
        "a\nb",
    ):
        with pytest.raises(SourceFailure) as caught:
            code_in(answer, asked)
        assert caught.value.trouble == "consent"


def test_by_a_browser_that_comes_back(tmp_path: Path) -> None:
    server = AuthorizationServer()

    async def visit(url: str) -> bytes:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
        writer.write(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer.split(b"\r\n")[0]

    async def check(rig: Rig) -> None:
        async with loopback_redirect() as redirect:
            asked = rig.oauth.begin(rig.us, redirect.uri, "alice@example.org")
            waiting = asyncio.ensure_future(redirect.answer(asked, 10))
            await asyncio.sleep(0)
            for other in ("favicon.ico", "?code=evil&state=evil", "?state="):
                assert await visit(redirect.uri + other) == b"HTTP/1.1 404 Not Found"
            assert await visit(rig.browse(asked)) == b"HTTP/1.1 200 OK"
            grant = await rig.oauth.redeem(asked, await waiting)
        assert grant.access_token is not None
        assert grant.access_token.reveal().decode() in server.access_tokens
        assert grant.refresh_token.reveal().decode() in server.refresh_tokens
        assert grant.expires_at == rig.now + 3600
        assert rig.oauth.is_fresh(grant)
        assert "access-" not in repr(grant) and "refresh-" not in repr(grant)

    run(tmp_path, server, check)


def test_nobody_comes_back(tmp_path: Path) -> None:
    async def check(rig: Rig) -> None:
        async with loopback_redirect() as redirect:
            asked = rig.oauth.begin(rig.us, redirect.uri)
            with pytest.raises(SourceFailure, match="in time"):
                await redirect.answer(asked, 0.05)

    run(tmp_path, AuthorizationServer(), check)


def test_a_code_of_another_request_is_worth_nothing(tmp_path: Path) -> None:
    """PKCE: who pastes a stolen code has not its verifier."""

    async def check(rig: Rig) -> None:
        theirs = rig.oauth.begin(rig.us, "http://127.0.0.1/")
        code = parse_qs(urlsplit(rig.browse(theirs)).query)["code"][0]
        with pytest.raises(SourceFailure, match="PKCE"):
            await rig.oauth.redeem(rig.oauth.begin(rig.us, "http://127.0.0.1/"), code)

    run(tmp_path, AuthorizationServer(), check)


def test_a_person_who_says_no(tmp_path: Path) -> None:
    async def check(rig: Rig) -> None:
        with pytest.raises(SourceFailure, match="said no") as caught:
            await rig.grant()
        assert caught.value.trouble == "consent"

    run(tmp_path, AuthorizationServer(denies=True), check)


@pytest.mark.parametrize("rotates", [True, False])
def test_tokens_are_renewed(tmp_path: Path, rotates: bool) -> None:
    server = AuthorizationServer(rotates=rotates)

    async def check(rig: Rig) -> None:
        first = SignIn("alice@example.org", await rig.grant())
        assert await rig.oauth.fresh(first) is first
        await rig.clock.advance(3600 - 60)  # it ends in a minute
        second = await rig.oauth.fresh(first)
        assert first.grant is not None and second.grant is not None
        assert second.grant.access_token != first.grant.access_token
        assert (second.grant.refresh_token != first.grant.refresh_token) == rotates
        assert second.grant.expires_at == rig.now + 3600
        await rig.clock.advance(7200)
        assert await rig.oauth.fresh(second) is not second
        if rotates:
            with pytest.raises(SourceFailure) as caught:
                await rig.oauth.refresh(first.grant)
            assert caught.value.trouble == "consent"
            assert "Sign in again" in str(caught.value)

    run(tmp_path, server, check)


def test_a_password_needs_no_renewal(tmp_path: Path) -> None:
    async def check(rig: Rig) -> None:
        sign_in = SignIn("alice", Secret("pencil"))
        assert await rig.oauth.fresh(sign_in) is sign_in

    run(tmp_path, AuthorizationServer(), check)


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (400, {"error": "invalid_grant"}, "consent"),
        (401, {"error": "invalid_client"}, "consent"),
        (503, {"error": "temporarily_unavailable"}, "throttled"),
        (502, "Bad gateway", "protocol"),
        (200, {"access_token": "a", "token_type": "mac"}, "protocol"),
        (200, {"access_token": "a", "padding": "x" * 70_000}, "protocol"),
    ],
)
def test_when_renewal_fails(tmp_path: Path, status: int, body: Any, trouble: str) -> None:
    server = AuthorizationServer()

    async def check(rig: Rig) -> None:
        grant = await rig.grant()
        server.answers.append((status, body))
        with pytest.raises(SourceFailure) as caught:
            await rig.oauth.refresh(grant)
        assert caught.value.trouble == trouble
        assert "refresh-" not in str(caught.value)

    run(tmp_path, server, check)


def test_no_lasting_permission(tmp_path: Path) -> None:
    server = AuthorizationServer(answers=[(200, {"access_token": "a", "token_type": "Bearer"})])

    async def check(rig: Rig) -> None:
        with pytest.raises(SourceFailure, match="no lasting permission"):
            await rig.grant()

    run(tmp_path, server, check)


async def poll(rig: Rig, waiting: asyncio.Future[OAuthGrant]) -> list[float]:
    """Let the time pass that is waited for; each wait."""
    waits: list[float] = []
    while not waiting.done():
        if rig.clock.sleeping:
            waits.append(rig.clock.sleeping[0])
            await rig.clock.advance(rig.clock.sleeping[0])
        await asyncio.sleep(0.005)
    return waits


@pytest.mark.timed
def test_by_a_code_on_another_device(tmp_path: Path) -> None:
    """RFC 8628 §3.5: five seconds more at each slow_down."""
    server = AuthorizationServer(
        polls=["authorization_pending", "slow_down", "authorization_pending", "slow_down"]
    )

    async def check(rig: Rig) -> None:
        asked = await rig.oauth.begin_device(rig.us)
        assert asked.user_code == "WDJB-MJHT"
        waiting = asyncio.ensure_future(rig.oauth.await_device(asked))
        assert await poll(rig, waiting) == [5, 5, 10, 10, 15]
        grant = waiting.result()
        assert grant.refresh_token.reveal().decode() in server.refresh_tokens

    run(tmp_path, server, check)


@pytest.mark.timed
@pytest.mark.parametrize(
    ("polls", "words"),
    [
        (["authorization_pending", "access_denied"], "not allowed"),
        (["expired_token"], "not used in time"),
        (["authorization_pending"] * 1000, "not used in time"),
        (["slow_down"] * 1000, "not used in time"),
        (["invalid_request"], "client id"),
    ],
)
def test_a_device_that_is_not_let_in(tmp_path: Path, polls: list[str], words: str) -> None:
    async def check(rig: Rig) -> None:
        asked = await rig.oauth.begin_device(rig.us)
        asked = DeviceAsked(
            registration=asked.registration,
            device_code=asked.device_code,
            user_code=asked.user_code,
            verification_uri=asked.verification_uri,
            seconds=60,
            interval=5,
        )
        waiting = asyncio.ensure_future(rig.oauth.await_device(asked))
        assert sum(await poll(rig, waiting)) <= 60
        with pytest.raises(SourceFailure, match=words):
            waiting.result()

    run(tmp_path, AuthorizationServer(polls=polls), check)


def test_a_dns_that_does_not_answer(tmp_path: Path) -> None:
    async def check(rig: Rig) -> None:
        grant = await rig.grant()
        resolver = FakeResolver({}, fail={HOST: "timeout"})

        async def resolve(host: str) -> Sequence[str]:
            return await find_addresses(resolver, host)

        oauth = OAuth(rig.clock, web=Web(resolve=resolve))
        with pytest.raises(SourceFailure) as caught:
            await oauth.refresh(grant)
        assert caught.value.trouble == "unreachable"

    run(tmp_path, AuthorizationServer(), check)


def test_a_certificate_that_is_not_believed(tmp_path: Path) -> None:
    async def check(rig: Rig) -> None:
        grant = await rig.grant()
        stranger = OAuth(
            rig.clock,
            web=Web(
                address_policy=AddressPolicy(private=True, ports=()),
                resolve=rig.oauth._web.resolve,
                context=client_context(new_authority("Other").pem.decode()),
            ),
        )
        with pytest.raises(SourceFailure) as caught:
            await stranger.refresh(grant)
        assert caught.value.trouble == "certificate"

    run(tmp_path, AuthorizationServer(), check)
