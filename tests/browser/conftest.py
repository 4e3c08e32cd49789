"""A browser, a server and people with mail.

A test takes `page` (signed in, as `person`) or opens windows of its own by `open_context`. Where a
browser is missing the tests are skipped, with a word. PILLARBOX_BROWSER=long (make test-web) runs
those marked `web_long` too, and gives `large_site` its 100,000 messages. Pictures go to the folder
that PILLARBOX_PICTURES names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from support.browsing import (
    CHROMIUM,
    IS_LONG,
    MANY,
    PATIENCE_SECONDS,
    running_browser,
    sign_in,
    watch_faults,
    wrong_for_axe,
)
from support.web_site import FEW, Person, Site, ready_mail, running_site

OpenContext = Callable[..., BrowserContext]
PATIENT = {"recovery": {"per_network_and_hour": 10_000}}  # all tests ask from one network


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is skipped here, and why."""
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        if not CHROMIUM.exists():
            item.add_marker(pytest.mark.skip(reason=f"{CHROMIUM} is missing (package chromium)"))
        elif item.get_closest_marker("web_long") and not IS_LONG:
            item.add_marker(pytest.mark.skip(reason="one of the long ones (make test-web)"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server for all tests; each has people of its own there."""
    with running_site(tmp_path_factory.mktemp("site"), settings=PATIENT) as running:
        yield running


@pytest.fixture(scope="session")
def tidy_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One that looks every second for what is full or old."""
    settings = {"server": {"maintain_seconds": 1}, **PATIENT}
    with running_site(tmp_path_factory.mktemp("tidy"), settings=settings) as running:
        yield running


@pytest.fixture(scope="session")
def mail_of_many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store where alice has MANY messages in her inbox, and folders; only to be copied."""
    cache = getattr(request.config, "cache", None)
    kept = cache.mkdir("mail") if cache is not None else tmp_path_factory.getbasetemp() / "mail"
    return ready_mail(kept, MANY)


@pytest.fixture(scope="module")
def large_site(mail_of_many: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server of the module's own where alice has MANY messages."""
    with running_site(tmp_path_factory.mktemp("large"), data=mail_of_many) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of a module, not of the session: while it lives no test of this process may run a loop."""
    with running_browser() as running:
        yield running


@pytest.fixture
def open_context(browser: Browser) -> Iterator[OpenContext]:
    """Opens windows that share nothing: `open_context(color_scheme="dark", locale="de-DE", …)`."""
    opened: list[BrowserContext] = []

    def open_one(**options: Any) -> BrowserContext:
        context = browser.new_context(ignore_https_errors=True, **options)
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def person(request: pytest.FixtureRequest, site: Site) -> Person:
    """Somebody with FEW messages; `@pytest.mark.mail(500)` for another number."""
    marker = request.node.get_closest_marker("mail")
    return site.new_person(marker.args[0] if marker else FEW)


@pytest.fixture
def context(
    request: pytest.FixtureRequest, open_context: OpenContext, site: Site, person: Person
) -> BrowserContext:
    """Signed in as `person`; `@pytest.mark.context(locale="de-DE")` for options."""
    marker = request.node.get_closest_marker("context")
    made = open_context(**(marker.kwargs if marker else {}))
    sign_in(made, site, person)
    return made


@pytest.fixture
def page(request: pytest.FixtureRequest, context: BrowserContext) -> Iterator[Page]:
    """A window, signed in and still empty. Errors in its scripts, and what a policy refused, fail
    the test unless it is marked `page_faults`."""
    made = context.new_page()
    faults = watch_faults(made)
    yield made
    if not request.node.get_closest_marker("page_faults"):
        assert not faults, "\n".join(faults)


@pytest.fixture
def axe() -> Callable[..., None]:
    """`axe(page)`: nothing serious or critical may be wrong for people who cannot see or point."""

    def check(page: Page, where: str = "") -> None:
        wrong = wrong_for_axe(page)
        assert not wrong, "\n".join([where, *wrong])

    return check


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[Page, str], Path]:
    """Takes a picture of a page."""
    folder = Path(os.environ.get("PILLARBOX_PICTURES", "") or tmp_path)

    def take(page: Page, name: str, **options: Any) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        page.screenshot(path=path, animations="disabled", **options)
        return path

    return take
