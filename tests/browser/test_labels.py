"""Labels are made, given, found, renamed and removed by hand (web.md §1: labels and folders)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from support.web_site import Person, Site
from support.writing import until


def _keywords(site: Site, person: Person) -> list[bytes]:
    """The flags of every message of the inbox, as a mail program sees them."""
    with site.imap(person) as client:
        client.select("INBOX", readonly=True)
        _, data = client.fetch("1:*", "(FLAGS)")
        return [bytes(one) for one in data]


def _make(page: Page, name: str, colour: str) -> None:
    """By the dialog that is open."""
    dialog = page.get_by_role("dialog", name="New label")
    dialog.get_by_role("textbox", name="Name of the label").fill(name)
    dialog.get_by_role("radio", name=colour).check()
    dialog.get_by_role("button", name="Create").click()
    expect(dialog).to_have_count(0)


def test_a_label_is_made_while_it_is_given(
    page: Page, site: Site, person: Person, axe: Callable[..., None], picture: Callable[..., Path]
) -> None:
    """By the key in the reader; row, sidebar, search, a reload and IMAP know it."""
    site.send(person, b"From: carol@example.net\r\nSubject: Two seats\r\n\r\nTwo of them.\r\n")
    page.goto(f"{site.url}/mail/")
    row = page.locator("[role=row][data-id]", has_text="Two seats")
    row.click()
    expect(page.get_by_role("button", name="Reply", exact=True).first).to_be_visible()
    page.keyboard.press("l")
    picker = page.get_by_role("dialog", name="Which label?")
    picker.get_by_role("combobox").fill("Trip to Málaga")
    expect(picker.get_by_role("option", name="Make label “Trip to Málaga”")).to_be_visible()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="New label")
    expect(dialog.get_by_role("textbox")).to_have_value("Trip to Málaga")
    axe(page, "new label")
    picture(page, "label-new")
    _make(page, "Trip to Málaga", "Teal")
    expect(row.get_by_text("Trip to Málaga")).to_be_visible()
    side = page.get_by_role("navigation").get_by_role("link", name="Trip to Málaga")
    expect(side).to_be_visible()
    flags = until(lambda: _keywords(site, person), lambda all_: b"trip_to_malaga" in b"".join(all_))
    assert sum(b"trip_to_malaga" in one for one in flags) == 1
    page.reload()
    side.click()
    expect(page.locator("[role=row][data-id]")).to_have_count(1)
    page.goto(f"{site.url}/mail/search?q=label%3A%22trip+to+m%C3%A1laga%22")
    expect(page.locator("[role=row][data-id]")).to_have_count(1)
    picture(page, "label-found")
    # Given again it is taken away.
    page.locator("[role=row][data-id]").first.click()
    page.keyboard.press("l")
    page.get_by_role("option", name="Trip to Málaga").click()
    until(lambda: _keywords(site, person), lambda all_: b"trip_to_malaga" not in b"".join(all_))


def test_labels_are_kept_in_the_settings(
    page: Page, site: Site, person: Person, axe: Callable[..., None], picture: Callable[..., Path]
) -> None:
    """Made, given to several, renamed without touching a message, and removed from all of them."""
    page.goto(f"{site.url}/mail/settings/folders")
    page.get_by_role("button", name="New label").click()
    _make(page, "Travel", "Green")
    page.get_by_role("button", name="New label").click()
    again = page.get_by_role("dialog", name="New label")
    again.get_by_role("textbox").fill("travel")
    again.get_by_role("button", name="Create").click()
    expect(again.get_by_role("alert")).to_contain_text("of that name already")
    page.keyboard.press("Escape")
    axe(page, "labels in the settings")

    page.goto(f"{site.url}/mail/")
    for n in range(3):
        page.locator("[role=row][data-id] [data-tick]").nth(n).click()
    page.get_by_role("button", name="Label…").click()
    page.get_by_role("option", name="Travel").click()
    until(lambda: _keywords(site, person), lambda all_: sum(b"travel" in one for one in all_) >= 3)

    page.goto(f"{site.url}/mail/settings/folders")
    page.get_by_role("button", name="Edit Travel").click()
    dialog = page.get_by_role("dialog", name="Change label")
    dialog.get_by_role("textbox").fill("Journeys")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Edit Journeys")).to_be_visible()
    picture(page, "labels-settings")
    page.reload()
    page.get_by_role("button", name="Remove Journeys").click()
    page.get_by_role("button", name="Delete label").click()
    expect(page.get_by_role("button", name="Edit Journeys")).to_have_count(0)
    until(lambda: _keywords(site, person), lambda all_: b"travel" not in b"".join(all_))
