"""Files that no letter carries: sent as links, fetched without an account, withdrawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from support.browsing import sign_in, watch_faults
from support.web_site import Person, Site, running_site
from support.writing import Composer, until, wait_for_letters

OpenContext = Callable[..., BrowserContext]
LIMIT = 65_536  # octets of a file in a letter
COUNT_ABORTS = """() => {
  window.aborted = 0
  const { abort } = XMLHttpRequest.prototype
  XMLHttpRequest.prototype.abort = function () { window.aborted++; abort.call(this) }
}"""
LARGE = bytes(range(256)) * 1024


@pytest.fixture(scope="module")
def small_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server whose letters carry next to nothing, and whose links no gigabytes either."""
    settings = {
        "jmap": {"max_upload_octets": LIMIT},
        "web": {"links": {"max_octets": 1_000_000}},
    }
    with running_site(tmp_path_factory.mktemp("small"), settings=settings) as running:
        yield running


@pytest.fixture
def sender(small_site: Site) -> Person:
    """Somebody there, with some mail."""
    return small_site.new_person(3)


@pytest.fixture
def small_page(open_context: OpenContext, small_site: Site, sender: Person) -> Iterator[Page]:
    """Their window."""
    context = open_context()
    sign_in(context, small_site, sender)
    page = context.new_page()
    faults = watch_faults(page)
    yield page
    assert not faults, "\n".join(faults)


def file(name: str, octets: bytes = LARGE) -> dict[str, Any]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": octets}


def links_there(page: Page) -> list[dict[str, Any]]:
    found: dict[str, Any] = page.evaluate("fetch('/account/links').then((one) => one.json())")
    return list(found["list"])


def test_a_file_too_large_for_a_letter_goes_as_a_link_and_is_withdrawn(
    small_page: Page,
    small_site: Site,
    sender: Person,
    open_context: OpenContext,
    axe: Callable[..., None],
    picture: Callable[[Page, str], Path],
    tmp_path: Path,
) -> None:
    friend = small_site.new_person(0)
    composer = Composer.open(small_page, small_site)
    composer.address(friend.login, "The film")
    composer.write("Here it is.")
    composer.attach(file("film.mp4"))
    row = composer.window.locator("li", has_text="film.mp4")
    expect(row).to_contain_text("too large for a letter")
    picture(small_page, "link-offer")
    axe(small_page, "the offer")
    row.get_by_role("combobox").select_option(label="for 7 days")
    row.get_by_role("button", name="Send as a link").click()
    expect(composer.letter).to_contain_text(re.compile(r"film\.mp4 \(262 kB, until .+\)"))
    expect(row).to_have_count(0)
    expect(composer.window.get_by_role("alert")).to_have_count(0)
    composer.send()
    [letter] = wait_for_letters(small_site, friend, "INBOX", "The film")
    text = letter.get_body(("plain",))
    assert text is not None
    words = str(text.get_content())
    assert words.index("Here it is.") < words.index("film.mp4")
    [url] = re.findall(rf"{re.escape(small_site.url)}/links/[\w-]{{43}}(?![\w-])", words)[:1]

    stranger = open_context(accept_downloads=True)
    page = stranger.new_page()
    faults = watch_faults(page)
    page.goto(url)
    expect(page.get_by_role("main")).to_contain_text("film.mp4")
    expect(page.get_by_role("main")).to_contain_text(sender.login)
    axe(page, "the file's page")
    picture(page, "link-page")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "film.mp4"
    download.value.save_as(tmp_path / "film.mp4")
    assert (tmp_path / "film.mp4").read_bytes() == LARGE
    assert stranger.cookies() == []

    small_page.goto(f"{small_site.url}/mail/settings/links")
    mine = small_page.locator("li", has_text="film.mp4")
    expect(mine).to_contain_text("1 download")
    axe(small_page, "the links of one's own")
    picture(small_page, "link-settings")
    mine.get_by_role("button", name="Withdraw the link of film.mp4").click()
    small_page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(mine).to_have_count(0)
    answer = page.goto(url)
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading")).to_have_text("This link leads nowhere")
    assert faults == []


def test_a_letter_waits_for_its_link_and_a_cancelled_one_leaves_nothing(
    small_page: Page, small_site: Site
) -> None:
    friend = small_site.new_person(0)
    composer = Composer.open(small_page, small_site)
    composer.address(friend.login, "Two files")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    small_page.route("**/account/links?*", hold)
    away = composer.window.get_by_role("button", name="Open in a window of its own")
    expect(away).to_be_visible()
    composer.attach(file("one.bin"), file("two.bin"))
    one = composer.window.locator("li", has_text="one.bin")
    two = composer.window.locator("li", has_text="two.bin")
    for row in (one, two):
        row.get_by_role("button", name="Send as a link").click()
        expect(row).to_contain_text("% of 262 kB")
    expect(away).to_have_count(0)  # files that wait for an answer do not go along
    two.get_by_role("button", name="Cancel sending two.bin").click()
    expect(two).to_have_count(0)
    composer.window.get_by_role("button", name="Send", exact=True).click()
    expect(composer.window.get_by_role("button", name=re.compile("Sends when"))).to_be_visible()
    [only] = held  # one behind the other, and the other one was cancelled
    only.continue_()
    [letter] = wait_for_letters(small_site, friend, "INBOX", "Two files")
    assert "/links/" in str(letter.get_body(("plain",)))
    assert [link["name"] for link in links_there(small_page)] == ["one.bin"]


@pytest.mark.web_long
def test_minimized_it_goes_on_and_with_its_letter_thrown_away_it_stops(
    small_page: Page, small_site: Site
) -> None:
    composer = Composer.open(small_page, small_site)
    composer.write("Nobody gets this.")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    small_page.route("**/account/links?*", hold)
    small_page.evaluate(COUNT_ABORTS)
    composer.attach(file("one.bin"))
    row = composer.window.locator("li", has_text="one.bin")
    row.get_by_role("button", name="Send as a link").click()
    expect(row).to_contain_text("% of 262 kB")
    composer.window.get_by_role("button", name="Minimize").click()
    expect(composer.window).to_have_count(0)
    small_page.locator("section.min .bar").click()
    expect(row).to_contain_text("% of 262 kB")
    composer.window.get_by_role("button", name="Delete this draft").click()
    expect(composer.window).to_have_count(0)
    until(lambda: small_page.evaluate("window.aborted"), lambda found: bool(found == 1))
    held[0].continue_()
    assert links_there(small_page) == []


@pytest.mark.web_long
def test_what_a_link_does_not_take_either_is_said_before_it_goes_up(
    small_page: Page, small_site: Site
) -> None:
    composer = Composer.open(small_page, small_site)
    composer.attach(file("huge.bin", b"x" * 1_000_001))
    row = composer.window.locator("li", has_text="huge.bin")
    expect(row).to_contain_text("a link takes 1 MB at most")
    expect(row.get_by_role("button", name="Send as a link")).to_have_count(0)
    row.get_by_role("button", name="Do not send huge.bin").click()
    expect(row).to_have_count(0)


@pytest.mark.web_long
def test_a_link_stands_above_the_quote_of_an_answer_as_text_too(
    small_page: Page, small_site: Site
) -> None:
    composer = Composer.open(small_page, small_site)
    composer.window.get_by_role("button", name="Plain text").click()
    text = composer.window.get_by_role("textbox", name="Message text")
    text.fill("Look.\n\nBob wrote:\n> Where is it?\n")
    composer.attach(file("plan.bin"))
    row = composer.window.locator("li", has_text="plan.bin")
    row.get_by_role("button", name="Send as a link").click()
    expect(text).to_have_value(
        re.compile(r"^Look\.\n\nplan\.bin \(262 kB, .*\):\nhttp\S+\n\nBob wrote:\n> Where")
    )
