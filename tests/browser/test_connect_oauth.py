"""Another provider connected in its own pages, and back (web.md §2.7): no password comes here."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from support.authority import new_authority
from support.authorization_server import AuthorizationServer, serving
from support.lying_servers import LOGIN, Liar, lying_imap
from support.store_box import letter
from support.web_site import Site, running_site

ROOT = new_authority()
THERE = "127.0.0.1"
WAIT = 40_000  # milliseconds, for work of several processes


@pytest.fixture(scope="module")
def liar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Liar]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*ROOT.issue(THERE).write(tmp_path_factory.mktemp("liar")))
    with lying_imap(context) as server:
        server.lies.capabilities = "IMAP4rev1 UIDPLUS SASL-IR AUTH=OAUTHBEARER"
        server.fill([letter(f"Letter {number}") for number in range(3)])
        yield server


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AuthorizationServer, int]]:
    """In a thread, since the test waits in this one."""
    server, folder = AuthorizationServer(), tmp_path_factory.mktemp("provider")
    ready, port = threading.Event(), [0]
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    async def serve() -> None:
        async with serving(server, folder, ROOT.issue(THERE)) as found:
            port[0] = found
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    yield server, port[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def site(
    provider: tuple[AuthorizationServer, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """It is registered at the provider."""
    folder: Path = tmp_path_factory.mktemp("oauth")
    trusted = folder / "trusted.pem"
    trusted.write_bytes(ROOT.pem)
    server, port = provider
    ours = {
        "provider": "example",
        "client_id": server.client_id,
        "client_secret": server.client_secret,
        "authorization_url": f"https://{THERE}:{port}/authorize",
        "token_url": f"https://{THERE}:{port}/token",
        "scope": "mail",
        "hosts": [THERE],
    }
    collect = {"allow_private": True, "authorities": str(trusted), "round_seconds": 0.5}
    no_names = {"try_seconds": 0.2, "tries": 1, "total_seconds": 0.5}
    settings = {"collect": {**collect, "oauth": [ours]}, "dns": no_names}
    with running_site(folder / "site", settings=settings) as running:
        yield running


def ask(page: Page, site: Site, port: int) -> None:
    """As far as the provider's page, which says yes or no at once."""
    page.goto(f"{site.url}/mail/settings/import")
    page.get_by_label("E-mail address there").fill(LOGIN)
    page.get_by_role("button", name="Find its server").click()
    page.get_by_label("Server", exact=True).fill(THERE, timeout=WAIT)
    page.get_by_label("Port").fill(str(port))
    page.get_by_role("button", name="Sign in at").click()


def test_there_and_back(page: Page, site: Site, liar: Liar, axe: Callable[..., None]) -> None:
    ask(page, site, liar.port)
    expect(page.get_by_role("heading", name=f"Signed in: {LOGIN}")).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("3 messages would come")).to_be_visible(timeout=WAIT)
    assert "connected" not in page.url and "code" not in page.url
    axe(page, "signed in there")
    row = page.get_by_test_id("connected")
    expect(row).to_contain_text("Paused")
    page.get_by_label("Name for it here").first.fill("Old mail")
    page.get_by_role("button", name="Add and begin").click()
    expect(row).to_contain_text("All is here", timeout=WAIT)
    expect(row).to_contain_text("Old mail")
    expect(row).to_contain_text("3 messages")
    expect(page.get_by_role("heading", name="Signed in:")).to_have_count(0)


def test_who_says_no(
    page: Page, site: Site, liar: Liar, provider: tuple[AuthorizationServer, int]
) -> None:
    provider[0].denies = True
    try:
        ask(page, site, liar.port)
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("does not give the permission", timeout=WAIT)
    finally:
        provider[0].denies = False
    expect(page.get_by_test_id("connected")).to_have_count(0)
