"""Mail from a file in the settings: sent with progress, brought, taken back (web.md §2.7)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from support.store_box import letter
from support.web_site import Person, Site, running_site

WAIT = 40_000  # milliseconds, for work of several processes


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("files")
    collect = {"round_seconds": 0.5, "progress_seconds": 0.5}
    with running_site(folder, settings={"collect": collect}) as running:
        yield running


def letters(*paths: str) -> FilePayload:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path in paths:
            archive.writestr(path, letter(path))
    return {"name": "letters.zip", "mimeType": "application/zip", "buffer": made.getvalue()}


def row(page: Page) -> Locator:
    return page.get_by_test_id("connected")


def open_page(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/mail/settings/import")
    expect(page.get_by_role("heading", name="Bring mail from a file")).to_be_visible()


def bring(page: Page, payload: FilePayload) -> None:
    page.get_by_label("File", exact=True).set_input_files(payload)
    page.get_by_role("button", name="Bring this file").click()


def uploads(site: Site) -> list[str]:
    return [one.name for one in (site.server.data_dir / "uploaded").rglob("*") if one.is_file()]


def test_from_a_file_and_back(
    page: Page, site: Site, person: Person, axe: Callable[..., None]
) -> None:
    open_page(page, site)
    axe(page, "before")
    bring(page, letters("Trips/a.eml", "Trips/b.eml", "Bills/c.eml"))
    expect(row(page)).to_contain_text("letters.zip", timeout=WAIT)
    expect(row(page)).to_contain_text("All is here", timeout=WAIT)
    expect(row(page)).to_contain_text("3 messages")
    expect(row(page).get_by_role("button", name="Fetch from")).to_have_count(0)
    axe(page, "brought")
    with site.imap(person) as client:
        assert client.select("Trips", readonly=True)[1] == [b"2"]
    assert uploads(site) == []
    page.get_by_role("button", name="Take back what").click()
    page.get_by_role("dialog").get_by_role("button", name="Take back").click()
    expect(row(page)).to_contain_text("Taken back: 3 messages removed", timeout=WAIT)
    with site.imap(person) as client:
        assert client.select("Trips", readonly=True)[0] == "NO"


@pytest.mark.web_long
def test_everything_into_one_folder_with_a_label(page: Page, site: Site, person: Person) -> None:
    open_page(page, site)
    page.get_by_label("Into which folder?").last.select_option("INBOX")
    page.get_by_label("Label on what it brings").last.fill("old")
    bring(page, letters("Trips/a.eml", "Bills/c.eml"))
    expect(row(page)).to_contain_text("All is here", timeout=WAIT)
    with site.imap(person) as client:
        client.select("INBOX")
        assert len(client.uid("SEARCH", "KEYWORD", "old")[1][0].split()) == 2


def test_what_is_no_mail_is_told(page: Page, site: Site, axe: Callable[..., None]) -> None:
    open_page(page, site)
    bring(page, {"name": "holiday.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xff" * 99})
    expect(page.get_by_role("alert")).to_contain_text("No mail can be read", timeout=WAIT)
    axe(page, "no mail")
    expect(row(page)).to_have_count(0)
    assert uploads(site) == []


@pytest.mark.web_long
def test_how_far_it_is_and_cancelling(page: Page, site: Site) -> None:
    """The line is slow, so that there is something to see."""
    open_page(page, site)
    slow = page.context.new_cdp_session(page)
    slow.send("Network.enable")
    slow.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000},
    )
    many = {"name": "many.mbox", "mimeType": "application/mbox", "buffer": b"x" * 4_000_000}
    bring(page, many)  # type: ignore[arg-type]
    bar = page.get_by_role("progressbar", name="Being sent")
    expect(bar).to_be_visible()
    page.wait_for_function(
        "() => { const bar = document.querySelector('progress'); return bar && bar.value > 100000 }"
    )
    page.get_by_role("button", name="Cancel").click()
    expect(bar).to_have_count(0)
    expect(page.get_by_role("button", name="Bring this file")).to_be_enabled()
    page.wait_for_function("() => fetch('/account/remotes').then((one) => one.ok)")
    expect(row(page)).to_have_count(0)
    for _ in range(100):
        if not uploads(site):
            break
        page.wait_for_timeout(100)
    assert uploads(site) == []
