"""A permission from another provider: asked for and brought back by one browser, once; sealed."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from pillarbox.config.collect import CollectSettings, OAuthProviderSettings
from pillarbox.errors import NotAllowed
from pillarbox.flow.collect.oauth_offered import Offers
from pillarbox.flow.collect.settings import (
    BadRemote,
    OAuthGrant,
    RemoteSettings,
    SendAs,
    ServerSpec,
    SignIn,
)
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.net.secret import Secret
from support.account_app import App, entered
from support.asgi import Answered
from support.authority import new_authority
from support.authorization_server import AuthorizationServer, serving
from support.connecting import ConnectBox
from support.lying_servers import LOGIN, Liar, lying_imap
from support.store_box import letter
from support.web_people import PASSWORD

ROOT = new_authority()
THERE = "127.0.0.1"
BACK = "/account/remotes/oauth"


class Rig:
    """Alice, another provider, and its sign-in page."""

    def __init__(self, box: ConnectBox, app: App, server: AuthorizationServer, liar: Liar) -> None:
        self.box, self.app, self.server, self.liar = box, app, server, liar

    def wish(self, **more: Any) -> dict[str, Any]:
        return {"kind": "imap", "host": THERE, "port": self.liar.port, "login": LOGIN, **more}

    async def url(self) -> str:
        return str((await self.app.done("POST", "remotes/oauth", self.wish()))["url"])

    def consent(self, url: str) -> str:
        """What the browser does there: the address to which it is sent back."""
        fields = {name: one[0] for name, one in parse_qs(urlsplit(url).query).items()}
        return self.server.authorize(fields)

    async def come_back(self, address: str, app: App | None = None) -> Answered:
        parts = urlsplit(address)
        headers = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
        path = f"{parts.path}?{parts.query}"
        return await (app or self.app).go(path, sec_fetch_dest="document", **headers)


def place(answer: Answered) -> str:
    return str(answer.headers["location"])


@asynccontextmanager
async def rigged(folder: Path) -> AsyncIterator[Rig]:
    server = AuthorizationServer()
    issued = ROOT.issue(THERE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*issued.write(folder))
    (folder / "trusted.pem").write_bytes(ROOT.pem)
    async with serving(server, folder, issued) as port:
        ours = OAuthProviderSettings(
            provider="example",
            client_id=server.client_id,
            client_secret=server.client_secret,
            authorization_url=f"https://{THERE}:{port}/authorize",
            token_url=f"https://{THERE}:{port}/token",
            scope="mail",
            hosts=(THERE,),
        )

        class Box(ConnectBox):
            collect = CollectSettings(
                allow_private=True,
                authorities=str(folder / "trusted.pem"),
                oauth=(ours,),
                looks_per_minute=1000,
            )

        with lying_imap(context) as liar:
            liar.lies.capabilities = "IMAP4rev1 UIDPLUS SASL-IR AUTH=OAUTHBEARER"
            liar.fill([letter("One"), letter("Two")])
            async with Box(folder / "box") as box:
                yield Rig(box, await entered(box), server, liar)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "box").mkdir()
    return tmp_path


async def test_there_and_back_and_on(folder: Path) -> None:
    async with rigged(folder) as rig:
        app = rig.app
        told = await app.done("POST", "remotes/find", {"address": "x@nothing.example"})
        assert told["oauthHosts"] == [THERE]
        answer = await rig.come_back(rig.consent(await rig.url()))
        assert answer.status == 303
        (one,) = await app.get("remotes")
        assert place(answer) == f"/mail/settings/import?connected={one['id']}"
        assert (one["state"], one["run"], one["login"]) == ("paused", None, LOGIN)
        looked = await app.done("POST", f"remotes/{one['id']}/look")
        assert (looked["toCome"], looked["isWhole"]) == (2, True)
        assert rig.liar.proofs[0].startswith(b"OAUTHBEARER ")
        await app.done("PUT", f"remotes/{one['id']}", {"keyword": "old", "label": "Old"})
        (one,) = await app.get("remotes")
        assert (one["state"], one["label"], one["once"]) == ("active", "Old", True)
        await rig.box.fetch(one["id"])
        assert (await app.get("remotes"))[0]["brought"] == 2
        tokens = [*rig.server.access_tokens, *rig.server.refresh_tokens]
        assert tokens
        for file in (one for one in rig.box.folder.rglob("*") if one.is_file()):
            octets = file.read_bytes()
            assert not any(token.encode() in octets for token in tokens), file


async def test_again_renews_the_permission(folder: Path) -> None:
    async with rigged(folder) as rig:
        await rig.come_back(rig.consent(await rig.url()))
        (one,) = await rig.app.get("remotes")
        await rig.app.done("PUT", f"remotes/{one['id']}", {"once": False})
        rig.server.refresh_tokens.clear()
        await rig.box.clock.advance(2 * 3600)
        with pytest.raises(Exception, match="withdrawn"):
            await rig.box.fetch(one["id"])
        assert (await rig.app.get("remotes"))[0]["trouble"] == "consent"
        await rig.app.enter()
        await rig.come_back(rig.consent(await rig.url()))
        await rig.box.fetch(one["id"])
        (one,) = await rig.app.get("remotes")
        assert (one["trouble"], one["brought"]) == ("", 2)


async def test_a_state_is_for_one_session_once_and_for_a_while(folder: Path) -> None:
    async with rigged(folder) as rig:
        await rig.box.admin.create_account("bob@example.org", Secret(PASSWORD))
        bob, again = App(rig.box), App(rig.box)
        await bob.enter(email="bob@example.org")
        await again.enter()
        address = rig.consent(await rig.url())
        for app in (bob, again):
            assert "refused=consent" in place(await rig.come_back(address, app))
            assert await app.get("remotes") == []
        query = parse_qs(urlsplit(address).query)
        forged = {"code": query["code"][0], "state": query["state"][0][:-4] + "AAAA"}
        for fields in (forged, {"code": "x"}, {"code": "x", "state": ""}, {}):
            found = await rig.come_back(f"http://x{BACK}?{urlencode(fields)}")
            assert "refused=consent" in place(found), fields
        assert not any("code" in one for one in rig.server.requests)
        assert "connected=" in place(await rig.come_back(address))
        assert "refused=consent" in place(await rig.come_back(address))
        late = rig.consent(await rig.url())
        await rig.box.clock.advance(601)
        assert "refused=consent" in place(await rig.come_back(late))
        nobody = App(rig.box)
        assert place(await rig.come_back(late, nobody)).startswith("/sign-in")


async def test_who_intercepts_the_code_has_nothing(folder: Path) -> None:
    """The verifier is not in what the browser sees (RFC 7636 §1)."""
    async with rigged(folder) as rig:
        url = await rig.url()
        rig.consent(url)
        fields = parse_qs(urlsplit(url).query)
        state, code = fields["state"][0], next(iter(rig.server.codes))
        stolen = {
            "grant_type": "authorization_code",
            "client_id": rig.server.client_id,
            "client_secret": rig.server.client_secret,
            "redirect_uri": fields["redirect_uri"][0],
            "code": code,
            "code_verifier": state,
        }
        assert rig.server.token(stolen)[0] == 400
        other = parse_qs(urlsplit(await rig.url()).query)
        assert other["code_challenge"] != fields["code_challenge"]


async def test_who_says_no_is_told_so(folder: Path) -> None:
    async with rigged(folder) as rig:
        rig.server.denies = True
        assert "refused=consent" in place(await rig.come_back(rig.consent(await rig.url())))
        rig.server.denies = False
        rig.server.answers.append((503, {"error": "temporarily_unavailable"}))
        assert "refused=throttled" in place(await rig.come_back(rig.consent(await rig.url())))
        rig.server.answers.append((200, "nonsense"))
        assert "refused=protocol" in place(await rig.come_back(rig.consent(await rig.url())))
        assert await rig.app.get("remotes") == []


async def test_only_where_it_is_registered(folder: Path) -> None:
    async with rigged(folder) as rig:
        for more in ({"host": "imap.gmail.com"}, {"tls": "none"}, {"login": "x" * 300}):
            answer = await rig.app.call("POST", "remotes/oauth", rig.wish(**more))
            assert answer.status == 422, more
        assert (await rig.app.call("POST", "remotes/oauth", {"kind": "imap"})).status == 400
        headers = {"sec_fetch_site": "cross-site"}
        foreign = await rig.app.call("POST", "remotes/oauth", rig.wish(), **headers)
        assert foreign.status == 403
        subresource = await rig.app.call("GET", "remotes/oauth?state=x", **headers)
        assert subresource.status == 403
        await rig.box.clock.advance(11 * 60)
        stale = await rig.app.call("POST", "remotes/oauth", rig.wish())
        assert json.loads(stale.body)["reason"] == "confirm"


async def test_no_other_providers_server_is_shown_the_permission(folder: Path) -> None:
    async with rigged(folder) as rig:
        app = rig.app
        await rig.come_back(rig.consent(await rig.url()))
        (one,) = await app.get("remotes")
        path, address = f"remotes/{one['id']}", "old@example.net"
        elsewhere = {"address": address, "host": "smtp.evil.example", "port": 465}
        refused = await app.call("PUT", path, {"sendAs": elsewhere})
        assert refused.status == 422 and "not shown" in refused.text
        assert (await app.get("remotes"))[0]["sendsAs"] == []
        await app.done("PUT", path, {"sendAs": {**elsewhere, "host": THERE}})
        assert (await app.get("remotes"))[0]["sendsAs"] == [address]
        await app.done("DELETE", path)
        own = rig.wish(password="of old", sendAs=elsewhere)  # a password is its owner's to give
        await app.done("POST", "remotes", own)
        answer = await rig.come_back(rig.consent(await rig.url()))
        assert "refused=consent" in place(answer)


@pytest.mark.parametrize("octets", [None, b"", b"no certificate"])
async def test_authorities_that_cannot_be_read_stop_nothing_else(
    folder: Path, octets: bytes | None
) -> None:
    pem = folder / "trusted.pem"
    if octets is not None:
        pem.write_bytes(octets)

    class Box(ConnectBox):
        collect = CollectSettings(allow_private=True, authorities=str(pem))

    async with Box(folder / "box") as box:
        assert await (await entered(box)).get("remotes") == []
        grant = OAuthGrant(provider="gmail", client_id="us", refresh_token=Secret(b"x"))
        with pytest.raises(SourceFailure, match="trusted authorities"):
            await box.parts.refresh(SignIn(LOGIN, grant))


async def test_another_persons_is_neither_looked_at_nor_changed(folder: Path) -> None:
    async with rigged(folder) as rig:
        await rig.come_back(rig.consent(await rig.url()))
        (one,) = await rig.app.get("remotes")
        await rig.box.admin.create_account("bob@example.org", Secret(PASSWORD))
        bob = App(rig.box)
        await bob.enter(email="bob@example.org")
        assert (await bob.call("POST", f"remotes/{one['id']}/look")).status == 404
        assert (await bob.call("PUT", f"remotes/{one['id']}", {})).status == 404


def offered(**more: Any) -> Offers:
    one = OAuthProviderSettings(client_id="us", **{"provider": "gmail", **more})
    return Offers((one,), Path("/nowhere"))


def test_a_providers_own_servers_and_no_others() -> None:
    found = offered(client_secret="s").find("IMAP.gmail.com.")
    assert found is not None and found.provider == "gmail"
    assert found.client_secret is not None and found.client_secret.reveal() == b"s"
    for host in ("imap.gmail.com.evil.example", "gmail.com", "", "outlook.office365.com"):
        assert offered().find(host) is None


def test_the_providers_own_server_for_sending() -> None:
    server = ServerSpec("imap.gmail.com", 993)
    for host, fits in (("SMTP.gmail.com", True), ("smtp.office365.com", False)):
        send_as = SendAs(addresses=("a@example.net",), server=ServerSpec(host, 465))
        settings = RemoteSettings(kind="imap", server=server, login="a", label="a", send_as=send_as)
        with nullcontext() if fits else pytest.raises(BadRemote):
            offered().check_sending(settings)


def test_a_tenant_of_its_own() -> None:
    tenant = "https://login.microsoftonline.com/harbour/oauth2/v2.0/"
    found = offered(
        provider="outlook",
        authorization_url=tenant + "authorize",
        token_url=tenant + "token",
    ).find("outlook.office365.com")
    assert found is not None and found.provider == ""
    assert found.endpoints.token == tenant + "token"
    assert "IMAP.AccessAsUser.All" in found.endpoints.scope


def test_half_an_own_provider_is_none() -> None:
    assert offered(provider="example", hosts=("imap.example.net",)).hosts() == []
    with pytest.raises(NotAllowed):
        offered(client_secret_file="missing").find("imap.gmail.com")
