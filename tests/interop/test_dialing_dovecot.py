"""Our way to other servers, and Dovecot at its end: POP3 and IMAP, by password and by token.

Tokens are Dovecot's own OAuth 2: it asks a local authorization server whether they are good.
"""

from __future__ import annotations

import asyncio
import imaplib
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pillarbox.clock import SystemClock
from pillarbox.config.store import StoreSettings
from pillarbox.dns.resolver import Resolver
from pillarbox.flow.collect.dial import Dialer
from pillarbox.flow.collect.settings import OAuthGrant, ServerSpec, ServerTls, SignIn
from pillarbox.flow.collect.source import Arrived, AtSource, SourceFailure
from pillarbox.flow.collect.sources.pop3 import INBOX, Pop3Source
from pillarbox.imap.client.connection import ImapCaller, ImapConnection
from pillarbox.imap.client.failure import ImapFailure
from pillarbox.net.address_policy import AddressPolicy
from pillarbox.net.outgoing.peer_tls import verified, verifying_context
from pillarbox.net.secret import Secret
from pillarbox.sasl.client import Credentials
from pillarbox.sasl.client_oauth import XOAuth2Client
from pillarbox.store.blobs.disk import RealDisk
from pillarbox.store.blobs.spool import Spool
from support.authorization_server import AuthorizationServer, serving
from support.certificate import write_certificate
from support.fake_resolver import FakeResolver
from support.mailing import sample
from support.reference_dovecot import DovecotSettings, add_user, missing_dovecot, running_dovecot
from support.server import HOST, PASSWORD, free_ports

pytestmark = pytest.mark.interop
ALICE = "alice@example.org"
_OAUTH = """
auth_mechanisms = $auth_mechanisms oauthbearer xoauth2
passdb {{
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = {folder}/oauth2.conf
}}
"""
_INTROSPECTION = """
introspection_mode = post
introspection_url = http://127.0.0.1:{port}/introspect
username_attribute = username
active_attribute = active
active_value = true
"""


@dataclass(frozen=True)
class Running:
    """Where it is."""

    settings: DovecotSettings
    certificate: Path
    tokens_port: int

    def dialer(self) -> Dialer:
        resolver: Resolver = FakeResolver({})
        policy = AddressPolicy(private=True, ports=())
        return Dialer(resolver, SystemClock(), policy=policy, authorities=self.certificate)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Running]:
    """Runs for this file only."""
    if why := missing_dovecot():
        pytest.skip(why)
    with tempfile.TemporaryDirectory(prefix="dialing-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # Dovecot's processes run as other users
        *ports, tokens_port = free_ports(6)
        home = folder / "dovecot"
        for user in (ALICE, "bob@example.org"):
            add_user(home, user, "{PLAIN}" + PASSWORD)
        (home / "oauth2.conf").write_text(_INTROSPECTION.format(port=tokens_port))
        settings = DovecotSettings(*ports, fsync="never", more=_OAUTH.format(folder=home))
        certificate = write_certificate(folder)
        with running_dovecot(home, settings, certificate):
            yield Running(settings, certificate[0], tokens_port)


def by_password(login: str = ALICE, password: str = PASSWORD) -> SignIn:
    return SignIn(login, Secret(password))


def by_token(token: str) -> SignIn:
    return SignIn(
        ALICE,
        OAuthGrant(
            provider="",
            client_id="pillarbox",
            token_endpoint="https://login.example.org/token",
            refresh_token=Secret("unused"),
            access_token=Secret(token),
        ),
    )


def servers(dovecot: Running, protocol: str) -> list[ServerSpec]:
    ports = dovecot.settings
    plain, secure = (ports.pop3, ports.pop3s) if protocol == "pop3" else (ports.imap, ports.imaps)
    ways: list[tuple[int, ServerTls]] = [
        (plain, "starttls"), (plain, "none"), (secure, "implicit"),
    ]  # fmt: skip
    return [ServerSpec("localhost", port, tls) for port, tls in ways]


def fill(dovecot: Running, login: str, messages: list[bytes]) -> None:
    with imaplib.IMAP4(HOST, dovecot.settings.imap) as client:
        client.login(login, PASSWORD)
        for message in messages:
            assert client.append("INBOX", None, None, message)[0] == "OK"  # type: ignore[arg-type]


def held(dovecot: Running, login: str) -> int:
    """By a client that we did not write."""
    with imaplib.IMAP4(HOST, dovecot.settings.imap) as client:
        client.login(login, PASSWORD)
        return int(client.select("INBOX")[1][0] or b"0")


@pytest.mark.parametrize("way", [0, 1, 2])
@pytest.mark.parametrize("protocol", ["pop3", "imap"])
def test_by_password(dovecot: Running, protocol: str, way: int) -> None:
    async def work() -> None:
        server = servers(dovecot, protocol)[way]
        if protocol == "pop3":
            pop3 = await dovecot.dialer().pop3(server, by_password())
            assert pop3.capabilities.pipelining and pop3.capabilities.uidl
            assert (await pop3.quit()).ok
        else:
            imap = await dovecot.dialer().imap(server, by_password())
            assert "UIDPLUS" in imap.capabilities
            await imap.logout()

    asyncio.run(work())


@pytest.mark.parametrize("protocol", ["pop3", "imap"])
def test_a_wrong_password(dovecot: Running, protocol: str) -> None:
    async def work() -> None:
        server = servers(dovecot, protocol)[2]
        dialer = dovecot.dialer()
        dial: Callable[..., Awaitable[object]] = getattr(dialer, protocol)
        with pytest.raises(SourceFailure) as caught:
            await dial(server, by_password(password="wrong-password"))
        assert caught.value.trouble == "sign-in"

    asyncio.run(work())


def test_a_certificate_for_another_name(dovecot: Running) -> None:
    async def work() -> None:
        resolver = FakeResolver({"pop.example.org": {"A": ["127.0.0.1"]}})
        policy = AddressPolicy(private=True, ports=())
        dialer = Dialer(resolver, SystemClock(), policy=policy, authorities=dovecot.certificate)
        server = ServerSpec("pop.example.org", dovecot.settings.pop3s)
        with pytest.raises(SourceFailure) as caught:
            await dialer.pop3(server, by_password())
        assert caught.value.trouble == "certificate"
        dialer = Dialer(resolver, SystemClock(), policy=policy)
        with pytest.raises(SourceFailure, match="signed itself"):
            await dialer.pop3(ServerSpec("localhost", dovecot.settings.pop3s), by_password())

    asyncio.run(work())


@pytest.mark.parametrize("protocol", ["pop3", "imap"])
def test_by_token(dovecot: Running, protocol: str, tmp_path: Path) -> None:
    """A good one is let in, another is not: both as Dovecot sees it."""

    async def work() -> None:
        token = f"good-{protocol}-" + "t" * 900  # Dovecot remembers the good ones
        tokens = AuthorizationServer(login=ALICE, access_tokens={token})
        async with serving(tokens, tmp_path, None, dovecot.tokens_port):
            dialer = dovecot.dialer()
            server = servers(dovecot, protocol)[2]
            dial: Callable[..., Awaitable[object]] = getattr(dialer, protocol)
            connection = await dial(server, by_token(token))
            connection.close()  # type: ignore[attr-defined]
            with pytest.raises(SourceFailure) as caught:
                await dial(server, by_token("bad-token"))
            assert caught.value.trouble == "consent"
        assert tokens.requests[0]["token"] == token

    asyncio.run(work())


def test_xoauth2(dovecot: Running, tmp_path: Path) -> None:
    async def work() -> None:
        tokens = AuthorizationServer(login=ALICE, access_tokens={"for-xoauth2"})
        context = verifying_context(dovecot.certificate)
        caller = ImapCaller(clock=SystemClock())
        async with serving(tokens, tmp_path, None, dovecot.tokens_port):
            for token, good in (("for-xoauth2", True), ("another", False)):
                secret = Secret(token)
                mechanism = XOAuth2Client(Credentials(ALICE, Secret(b""), token=secret), secret)
                connection = await ImapConnection.open(
                    caller,
                    HOST,
                    dovecot.settings.imaps,
                    implicit_tls=verified(context, "localhost"),
                )
                if good:
                    await connection.authenticate(mechanism)
                    await connection.logout()
                else:
                    with pytest.raises(ImapFailure):
                        await connection.authenticate(mechanism)

    asyncio.run(work())


def test_a_maildrop_is_read_and_emptied_of_what_is_safe(dovecot: Running, tmp_path: Path) -> None:
    login = "bob@example.org"
    messages = [sample(number) for number in range(150)]
    fill(dovecot, login, messages)

    async def work() -> None:
        dialer, server = dovecot.dialer(), servers(dovecot, "pop3")[2]
        source = Pop3Source(lambda: dialer.pop3(server, by_password(login)), SystemClock())
        opened = await source.open(INBOX)
        keys = [one.key for one in opened.messages]
        assert len(set(keys)) == 150
        found: dict[str, bytes] = {}
        async for one in source.fetch(
            opened.messages, lambda: Spool(tmp_path, RealDisk(), StoreSettings(), 10**6)
        ):
            assert isinstance(one, Arrived)
            with one.spool as spool:
                found[one.message.key] = bytes(spool.octets()[:])
        assert [found[key] for key in keys] == messages
        assert await source.settle(keys[:100], AtSource("delete")) == keys[:100]
        assert [one.key for one in (await source.open(INBOX)).messages] == keys[100:]
        await source.close()

    asyncio.run(work())
    assert held(dovecot, login) == 50


def test_nothing_goes_without_quit(dovecot: Running) -> None:
    login = "bob@example.org"
    before = held(dovecot, login)

    async def work() -> None:
        connection = await dovecot.dialer().pop3(servers(dovecot, "pop3")[0], by_password(login))
        numbers = list(await connection.sizes())
        assert await connection.delete(numbers) == numbers
        connection.close()

    asyncio.run(work())
    assert held(dovecot, login) == before
