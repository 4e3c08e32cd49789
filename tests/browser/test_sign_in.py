"""The sign-in pages in a browser: small screens, both themes, no script, and passkeys."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from playwright.sync_api import Error as PlaywrightError

from pillarbox.node.administration import Opened
from support.even_time import MOST_SECONDS, TRIES, in_turns
from support.virtual_passkey import add_authenticator, make_passkey
from support.web_site import Person, Site, running_site

OpenContext = Callable[..., BrowserContext]
LCP_MS = 800
STRANGERS_PAGES = (
    "/sign-in",
    "/forgot",
    "/forgot/code",
    "/addresses",
    "/admin-help",
    "/devices",
    "/sign-up",
    "/reset/gone",
    "/invite/gone",
)
SIZES = {"phone": (320, 640), "tablet": (768, 900), "desk": (1280, 900)}


def fill(page: Page, site: Site, email: str, password: str) -> None:
    page.goto(f"{site.url}/sign-in")
    page.locator("#email").fill(email)
    page.locator("#password").fill(password)
    page.locator("#sign-in button.full").first.click()


@pytest.mark.parametrize(
    "typed",
    [
        "  {local}@example.org  ",
        "{upper}@EXAMPLE.ORG",
        "{local}.also@example.org",  # an alias
        "{local}",
        "{local}@example.org.",
        "mailto:{local}@example.org",
        "Alice Example <{local}@example.org>",
    ],
)
def test_sign_1_ways_to_write_an_address(
    open_context: OpenContext, site: Site, person: Person, typed: str
) -> None:
    local = person.login.partition("@")[0]

    async def work(opened: Opened) -> None:
        await opened.admin.add_alias(f"{local}.also@example.org", [person.login])

    site.server.administer(work)
    page = open_context().new_page()
    fill(page, site, typed.format(local=local, upper=local.upper()), person.password)
    expect(page).to_have_url(f"{site.url}/mail/")
    assert page.context.request.get(f"{site.url}/account/state").json()["login"] == person.login


@pytest.fixture
def patient_site(tmp_path: Path) -> Iterator[Site]:
    """One that lets everybody try as often as they like, with hashes that cost something."""
    throttle = {
        "free_failures": 1000,
        "free_network_failures": 10_000,
        "free_account_failures": 10_000,
    }
    settings = {"auth": {"argon2_memory_kib": 1024, "throttle": throttle}}
    with running_site(tmp_path, settings=settings) as running:
        yield running


def test_sign_1_an_international_domain(patient_site: Site, open_context: OpenContext) -> None:
    """As people write it, and as machines do."""
    patient_site.server.add_account("bob@bücher.example", patient_site.alice.password)
    for typed in ("bob@bücher.example", "bob@xn--bcher-kva.example", "BOB@BÜCHER.example."):
        page = open_context().new_page()
        fill(page, patient_site, typed, patient_site.alice.password)
        expect(page).to_have_url(f"{patient_site.url}/mail/")


# One attempt as the page's form makes it: what it took in ms, and the answer without what is new
# in each page.
_ATTEMPT = """async ([email, password]) => {
    const form = new FormData(document.querySelector('#sign-in'))
    form.set('email', email)
    form.set('password', password)
    const began = performance.now()
    const answer = await fetch('/sign-in', {method: 'POST', body: new URLSearchParams(form)})
    const text = await answer.text()
    const took = performance.now() - began
    const fresh = /(value|nonce)="[^"]*"/g
    return {took, told: answer.status + text.replaceAll(fresh, '')}
}"""


@pytest.mark.web_long
def test_sign_2_wrong_name_and_wrong_password_are_alike(
    patient_site: Site, open_context: OpenContext
) -> None:
    """The same bytes in the same time, over 200 tries of each, in turns."""
    page = open_context().new_page()
    page.goto(f"{patient_site.url}/sign-in")
    names = {"password": patient_site.alice.login, "name": "ghost@example.org"}
    told: set[str] = set()
    for _ in range(3):  # what tells them apart does it every time; a busy machine does not
        took: dict[str, list[float]] = {kind: [] for kind in names}
        for number, kind in enumerate(in_turns(list(names), TRIES)):
            seen = page.evaluate(_ATTEMPT, [names[kind], f"wrong {number}"])
            took[kind].append(seen["took"] / 1000)
            told.add(seen["told"])
        name, password = (statistics.median(of) for of in took.values())
        if abs(name - password) < MOST_SECONDS:
            break
    assert abs(name - password) < MOST_SECONDS, (name, password)
    assert len(told) == 1
    assert "Address or password is wrong." in told.pop()


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


@pytest.mark.parametrize(
    ("theme", "width"), [("light", 320), pytest.param("dark", 1280, marks=pytest.mark.web_long)]
)
def test_sign_4_axe_finds_nothing_at_all(
    open_context: OpenContext, site: Site, theme: str, width: int
) -> None:
    """Not even what is minor, on every page that a stranger can open."""
    page = open_context(viewport={"width": width, "height": 800}, color_scheme=theme).new_page()
    for path in STRANGERS_PAGES:
        page.goto(f"{site.url}{path}")
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert not found, (path, [(one["id"], one["nodes"][0]["html"]) for one in found])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


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


def test_a_passkey_is_made_and_opens_the_mail(page: Page, site: Site, person: Person) -> None:
    add_authenticator(page)
    make_passkey(page, site)
    page.context.clear_cookies()
    page.goto(f"{site.url}/sign-in")
    with contextlib.suppress(PlaywrightError):  # or the device answered in the field by itself
        page.get_by_role("button", name="Sign in with a passkey").click(timeout=2000)
    expect(page).to_have_url(f"{site.url}/mail/")
    told = page.context.request.get(f"{site.url}/account/sessions").json()
    assert sum(one["current"] for one in told) == 1


LCP = """() => new Promise((done) => new PerformanceObserver((list) =>
    done(list.getEntries().at(-1).startTime))
    .observe({type: 'largest-contentful-paint', buffered: true}))"""
FAST_4G = {
    "offline": False,
    "latency": 165,
    "downloadThroughput": 9_000_000 / 8,
    "uploadThroughput": 1_500_000 / 8,
}


def test_sign_4_painted_soon(open_context: OpenContext, site: Site) -> None:
    """LCP on a telephone's network: 165 ms there and back, 9 Mbit/s, a slow processor.

    The best of a few first visits: what else this machine does only adds.
    """
    painted = []
    for _ in range(5):
        page = open_context().new_page()
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", FAST_4G)
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        page.goto(f"{site.url}/sign-in")
        painted.append(page.evaluate(LCP))
        page.context.close()
        if painted[-1] < LCP_MS:
            break
    assert min(painted) < LCP_MS, painted
