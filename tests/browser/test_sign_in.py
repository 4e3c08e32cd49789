"""The sign-in pages in a browser: small screens, both themes, no script, and passkeys."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import Error as PlaywrightError

from support.web_site import Person, Site

OpenContext = Callable[..., BrowserContext]
SIZES = {"phone": (320, 640), "tablet": (768, 900), "desk": (1280, 900)}


def fill(page: Page, site: Site, email: str, password: str) -> None:
    page.goto(f"{site.url}/sign-in")
    page.locator("#email").fill(email)
    page.locator("#password").fill(password)
    page.locator("#sign-in button.full").first.click()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_sign_4_usable_at_any_size(
    open_context: OpenContext,
    site: Site,
    axe: Callable[..., None],
    picture: Callable[..., Path],
    theme: str,
    size: str,
) -> None:
    width, height = SIZES[size]
    context = open_context(viewport={"width": width, "height": height}, color_scheme=theme)
    page = context.new_page()
    page.goto(f"{site.url}/sign-in")
    expect(page.locator("#email")).to_be_focused()
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for control in page.locator("main button:visible, main input:visible, main a:visible").all():
        box = control.bounding_box()
        assert box is not None and (box["height"] >= 24), control
    picture(page, f"sign-in-{size}-{theme}", full_page=True)
    fill(page, site, "nobody@example.org", "wrong")
    expect(page.get_by_role("alert")).to_contain_text("Address or password is wrong.")
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture(page, f"sign-in-wrong-{size}-{theme}", full_page=True)


@pytest.mark.parametrize("language", ["de", "es", "zh"])
def test_sign_4_at_twice_the_size_in_other_languages(
    open_context: OpenContext, site: Site, picture: Callable[..., Path], language: str
) -> None:
    """200 % of a window of 640: what is laid out has 320."""
    context = open_context(
        viewport={"width": 320, "height": 480}, device_scale_factor=2, locale=language
    )
    page = context.new_page()
    page.goto(f"{site.url}/sign-in")
    assert page.locator("html").get_attribute("lang") == language
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture(page, f"sign-in-{language}", full_page=True)
    page.get_by_role("link", name="English").click()
    assert page.locator("html").get_attribute("lang") == "en"
    page.goto(f"{site.url}/sign-in")
    assert page.locator("html").get_attribute("lang") == "en"


def test_without_script(open_context: OpenContext, site: Site, person: Person) -> None:
    page = open_context(java_script_enabled=False).new_page()
    fill(page, site, person.login, "wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("#email")).to_have_value(person.login)
    page.locator("#password").fill(person.password)
    page.locator("#sign-in button.full").first.click()
    expect(page).to_have_url(f"{site.url}/mail/")


def test_showing_the_password(open_context: OpenContext, site: Site) -> None:
    page = open_context().new_page()
    page.goto(f"{site.url}/sign-in")
    page.locator("#password").fill("secret")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#password")).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide").click()
    expect(page.locator("#password")).to_have_attribute("type", "password")


def add_authenticator(page: Page) -> None:
    """A device of the browser's own, for tests."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable", {"enableUI": False})
    options: dict[str, Any] = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


MAKE = """async (csrf) => {
  const send = (path, value) => fetch(path, {method: 'POST', body: JSON.stringify(value ?? {}),
    headers: {'Content-Type': 'application/json', 'X-Csrf-Token': csrf}});
  const options = await (await send('/account/passkeys/begin')).json();
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const made = await navigator.credentials.create({publicKey});
  const done = await send('/account/passkeys/finish', {credential: made.toJSON(), name: 'laptop'});
  return done.status;
}"""


def test_a_passkey_is_made_and_opens_the_mail(page: Page, site: Site, person: Person) -> None:
    page.goto(f"{site.url}/account/state")
    csrf = json.loads(page.locator("body").inner_text())["csrf"]
    page.goto(f"{site.url}/devices")  # any page of ours
    add_authenticator(page)
    assert page.evaluate(MAKE, csrf) == 200
    page.context.clear_cookies()
    page.goto(f"{site.url}/sign-in")
    with contextlib.suppress(PlaywrightError):  # or the device answered in the field by itself
        page.get_by_role("button", name="Sign in with a passkey").click(timeout=2000)
    expect(page).to_have_url(f"{site.url}/mail/")
    told = page.context.request.get(f"{site.url}/account/sessions").json()
    assert sum(one["current"] for one in told) == 1


def test_sign_4_painted_soon(open_context: OpenContext, site: Site, browser: Browser) -> None:
    """LCP on a telephone's network: 165 ms there and back, 9 Mbit/s, a slow processor."""
    page = open_context().new_page()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 165,
            "downloadThroughput": 9_000_000 / 8,
            "uploadThroughput": 1_500_000 / 8,
        },
    )
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(f"{site.url}/sign-in")
    painted = page.evaluate(
        """() => new Promise((done) => new PerformanceObserver((list) =>
          done(list.getEntries().at(-1).startTime))
          .observe({type: 'largest-contentful-paint', buffered: true}))"""
    )
    assert painted < 800, painted
