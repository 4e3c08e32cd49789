"""What pages tell of what was done, and of what could not be had for a while."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from pillarbox.message.digest import digest
from pillarbox.node.administration import Opened
from pillarbox.store import Transaction
from pillarbox.store.sql import accounts, messages
from support.browsing import sign_in
from support.reading import body, open_mail, row
from support.web_site import Person, Site


def test_muting_says_what_it_means(page: Page, site: Site, person: Person) -> None:
    """By its words, by the row, and by the button that takes it back."""
    page.goto(f"{site.url}/mail/inbox")
    page.get_by_role("row").nth(1).click()
    page.get_by_role("button", name="Mute", exact=True).click()
    expect(page.get_by_text("answers go to the Archive")).to_be_visible()
    expect(page.locator("[role=row][aria-label*='Muted']")).to_have_count(1)
    page.get_by_role("button", name="Unmute", exact=True).click()
    expect(page.get_by_text("No longer muted")).to_be_visible()
    expect(page.locator("[role=row][aria-label*='Muted']")).to_have_count(0)


def test_files_that_could_not_be_listed_are_asked_for_again(
    page: Page, context: BrowserContext, site: Site, person: Person
) -> None:
    """By itself, once there is a connection."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "bob@example.org", person.login, "With a plan"
    made.set_content("See the plan.")
    made.add_attachment(b"A plan", "text", "plain", filename="plan.txt")
    site.send(person, made.as_bytes(policy=SMTP), sender="bob@example.org")
    page.goto(f"{site.url}/mail/inbox")
    row = page.get_by_text("With a plan").first
    row.wait_for()
    page.wait_for_timeout(500)
    context.set_offline(True)
    row.click()
    expect(page.get_by_text("could not be listed")).to_be_visible(timeout=20_000)
    context.set_offline(False)
    expect(page.get_by_text("plan.txt")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("could not be listed")).to_have_count(0)


def test_equal_attempts_to_sign_in_are_counted(
    page: Page,
    open_context: Callable[..., BrowserContext],
    site: Site,
    person: Person,
) -> None:
    """Of an hour: one line, which says how many they were."""
    sign_in(open_context(), site, person)
    page.goto(f"{site.url}/mail/settings/sessions")
    expect(page.get_by_text("times since")).to_be_visible()


def test_a_domain_of_two_scripts_is_told_by_its_real_name(
    page: Page, open_context: Callable[..., BrowserContext], site: Site, person: Person
) -> None:
    """One Cyrillic letter among Latin ones: in the sender, and in a link that says it; here and
    without scripts."""
    domain, real = "p\u0430ypal.example", "xn--pypal-4ve.example"
    head = f"From: bob@{domain}\r\nTo: {person.login}\r\nSubject: Not from there\r\n"
    kind = "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    text = f'<p>See <a href="https://{real}/in">{domain}</a></p>'
    with site.imap(person) as client:
        client.append("INBOX", None, None, f"{head}{kind}{text}".encode())
    open_mail(page, site)
    row(page, "Not from there").click()
    expect(page.get_by_role("article").get_by_text(f"bob@{domain} ({real})").first).to_be_visible()
    expect(page.get_by_text("1 link goes elsewhere than it says")).to_be_visible()
    body(page).get_by_role("link").click()
    expect(page.get_by_role("dialog")).to_contain_text(real)
    plain = open_context(storage_state=page.context.storage_state(), java_script_enabled=False)
    other = plain.new_page()
    other.goto(f"{site.url}/basic/")
    other.get_by_role("link", name="Not from there").click()
    expect(other.get_by_text(f"bob@{domain} ({real})")).to_be_visible()


def test_a_message_that_was_darkened_is_so_for_its_sender(
    open_context: Callable[..., BrowserContext], site: Site, person: Person
) -> None:
    """The next one and after a reload, and no other sender's; light again in the same way."""
    made = "<table style='background:#fff;color:#222'><tr><td>harbour</td></tr></table>"
    with site.imap(person) as client:
        for who, subject in (("bob", "First"), ("bob", "Second"), ("carol", "Third")):
            head = f"From: {who}@example.org\r\nTo: {person.login}\r\nSubject: {subject}\r\n"
            kind = "MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n"
            client.append("INBOX", None, None, f"{head}{kind}{made}".encode())
    context = open_context(color_scheme="dark")
    sign_in(context, site, person)
    page = context.new_page()
    open_mail(page, site)
    darken = page.get_by_role("button", name="Darken this message")
    lighten = page.get_by_role("button", name="Show on white again")
    row(page, "First").click()
    with page.expect_response("**/account/preferences"):
        darken.click()
    expect(lighten).to_be_visible()
    row(page, "Third").click()
    expect(darken).to_be_visible()
    page.reload()
    row(page, "Second").click()
    expect(lighten).to_be_visible()
    filtered = "one => getComputedStyle(one).filter"
    assert "invert" in body(page).locator("html").evaluate(filtered)
    lighten.click()
    expect(darken).to_be_visible()
    assert body(page).locator("html").evaluate(filtered) == "none"


@pytest.mark.parametrize(
    ("found", "said", "why"),
    [
        ("dmarc=pass header.from=bank.example", "Sender verified", "really comes from bank"),
        ("dmarc=fail header.from=bank.example", "Sender doubtful", "Be careful with links"),
        ("none", "", ""),
        ("", "", ""),  # was not judged; its own header says what it likes
    ],
)
def test_what_the_server_found_out_about_a_sender(
    page: Page, site: Site, person: Person, found: str, said: str, why: str
) -> None:
    """Beside the message, without keeping it waiting, and why when it is asked for."""
    field = "Authentication-Results: localhost; "
    head = f"From: bob@bank.example\r\nTo: {person.login}\r\nSubject: Your account\r\n\r\n"
    forged = f"{field}dmarc=pass header.from=bank.example\r\n{head}Hello harbour"
    deliver(site, person, forged.encode(), f"{field}{found}\r\n".encode() if found else b"")
    open_mail(page, site)
    row(page, "Your account").click()
    expect(body(page).locator("body")).to_contain_text("harbour")
    shield = page.get_by_role("article").locator(".trust details")
    expect(shield).to_have_count(1 if said else 0)
    if said:
        shield.get_by_text(said).click()
        expect(shield.get_by_text(why)).to_be_visible()
        expect(shield).to_contain_text("Address in From (DMARC)")


def deliver(site: Site, person: Person, octets: bytes, trace: bytes) -> None:
    """With what the server would have written above it."""

    async def work(opened: Opened) -> None:
        account = await opened.store.read(lambda db: accounts.find(db, person.login))
        assert account is not None
        with opened.store.spool() as spool:
            spool.write(octets)
            new = messages.NewMessage(
                account=account.id,
                mailbox=None,
                digest=digest(octets),
                blob=await spool.seal(),
                trace=trace,
            )

        async def append(tx: Transaction) -> None:
            await messages.append(tx, new)

        await opened.store.write(append)

    site.server.administer(work)
