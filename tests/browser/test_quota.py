"""QUOTA: a mailbox that is nearly or quite full (web.md §2.6), by every protocol at once."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from support.jmap_client import MAIL, Answer, JmapClient, basic
from support.quotas import counts, fill_up, limit_of, refuses, set_quota, used
from support.reading import ROWS, open_mail
from support.web_site import Person, Site
from support.writing import Composer, letters_of, until

pytestmark = pytest.mark.timed

METER_SECONDS = 2.0
METER = ".meter .numbers"
FULL = (
    "Your storage is full. New mail is being held back and retried by senders for up to 5 days."
    " You can still read, send and delete."
)
NEARLY = (
    "Your storage is nearly full. When it is, new mail is held back and retried by senders for up"
    " to 5 days. You can still read, send and delete."
)
USING = ("urn:ietf:params:jmap:core", MAIL, "urn:ietf:params:jmap:quota")


@pytest.fixture
def site(tidy_site: Site) -> Site:
    return tidy_site


@pytest.fixture
def full(site: Site, person: Person) -> Person:
    """Somebody without room for another octet."""
    fill_up(site, person)
    return person


def notice(page: Page) -> Locator:
    """The bar over everything."""
    return page.get_by_role("status").filter(has_text="storage is")


def tick(page: Page, number: int) -> None:
    page.locator(ROWS).nth(number).locator("[data-tick]").click()


def press(page: Page, button: str) -> None:
    """In the bar over what is selected."""
    page.locator(".bar").get_by_role("button", name=button, exact=True).click()


def test_quota_1_by_the_web(page: Page, site: Site, full: Person) -> None:
    """Deleting, moving, marking and emptying the trash work; and then mail comes again."""
    assert refuses(site, full)
    open_mail(page, site)
    expect(notice(page)).to_contain_text(FULL)
    for number in range(6):  # more than the letter that says how full it is
        tick(page, number)
    press(page, "Delete")
    until(lambda: counts(page)["trash"], lambda now: now > 0, 5)
    tick(page, 0)
    press(page, "Archive")
    until(lambda: counts(page)["archive"], lambda now: now > 0, 5)
    tick(page, 0)
    page.locator(".bar").get_by_role("button", name=re.compile("^Mark")).click()
    page.get_by_role("menuitem", name=re.compile("star", re.IGNORECASE)).click()
    assert refuses(site, full)
    page.goto(f"{site.url}/mail/trash")
    page.get_by_role("button", name="Empty Trash").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Delete")).click()
    until(lambda: counts(page)["trash"], lambda now: now == 0, 10)
    until(lambda: used(site, full), lambda now: now < limit_of(site, full) - 100, 10)
    assert not refuses(site, full)


@pytest.mark.web_long
def test_quota_1_a_draft_is_kept_when_all_is_full(page: Page, site: Site, full: Person) -> None:
    """5 MB are in reserve for what one is writing just then."""
    composer = Composer.open(page, site)
    composer.address("bob@example.org", "In spite of all")
    composer.write("Written in a full mailbox.")
    composer.wait_saved()
    composer.write("And again. ")
    until(
        lambda: [
            str(one.get_body(("plain",)).get_content())
            for one in letters_of(site, full, "Drafts", "In spite of all")
        ],
        lambda texts: len(texts) == 1 and "And again" in texts[0],
    )
    assert used(site, full) > limit_of(site, full)
    with site.imap(full) as imap:
        large = b"Subject: Large\r\n\r\n" + b"x" * 70 + b"\r\n"
        assert imap.append("Drafts", r"(\Draft \Seen)", None, large)[0] == "OK"
        assert b"OVERQUOTA" in imap.append("INBOX", None, None, large)[1][0]
        too_much = large + b"y" * 70 + b"\r\n" * 2_600_000
        assert b"OVERQUOTA" in imap.append("Drafts", r"(\Draft)", None, too_much)[1][0]


def test_quota_1_by_imap(site: Site, full: Person) -> None:
    """Also as programs without MOVE do it: a copy in the trash, a flag, EXPUNGE."""
    with site.imap(full) as imap:
        assert b"OVERQUOTA" in imap.append("INBOX", None, None, b"Subject: x\r\n\r\nx\r\n")[1][0]
        _, [there] = imap.select()
        assert imap.store("1:3", "+FLAGS", r"(\Flagged \Seen)")[0] == "OK"
        assert imap._simple_command("MOVE", "1:2", "Archive")[0] == "OK"
        assert imap._simple_command("MOVE", "1:2", "Trash")[0] == "OK"
        assert imap.copy("1:5", "Trash")[0] == "OK"
        assert imap.store("1:5", "+FLAGS", r"(\Deleted)")[0] == "OK"
        assert imap.expunge()[0] == "OK"
        imap.select("Archive")
        assert int(imap.select("Trash")[1][0]) == 7
        assert imap.store("1:*", "+FLAGS", r"(\Deleted)")[0] == "OK"
        assert imap.close()[0] == "OK"
        warned = len(imap.search(None, "ALL")[1]) if imap.select()[0] == "OK" else 0
        assert int(there) - 9 <= int(imap.select()[1][0]) <= int(there) - 9 + warned
    assert used(site, full) < limit_of(site, full)
    assert not refuses(site, full)


def test_quota_1_by_pop3(site: Site, full: Person) -> None:
    with site.pop3(full) as pop3:
        for number in range(1, 7):
            assert pop3.dele(number).startswith(b"+OK")
    assert not refuses(site, full)


def jmap_client(site: Site, person: Person) -> JmapClient:
    return JmapClient(
        site.server.https, site.server.certificate, basic(person.login, person.password)
    )


def ask(client: JmapClient, method: str, **arguments: Any) -> dict[str, Any]:
    account = client.session()["primaryAccounts"][MAIL]
    answer: Answer = client.call([method, {"accountId": account, **arguments}, "0"], using=USING)
    found: dict[str, Any] = answer.json["methodResponses"][0][1]
    return found


def test_quota_1_by_jmap(site: Site, full: Person) -> None:
    with jmap_client(site, full) as client:
        boxes = {one["role"]: one["id"] for one in ask(client, "Mailbox/get", ids=None)["list"]}
        inbox, trash, archive = (boxes[role] for role in ("inbox", "trash", "archive"))
        ids = ask(client, "Email/query", filter={"inMailbox": inbox}, limit=12)["ids"]
        changes = {
            ids[0]: {"mailboxIds": {trash: True}},
            ids[1]: {f"mailboxIds/{inbox}": None, f"mailboxIds/{archive}": True},
            ids[2]: {"keywords/$seen": True, "keywords/$flagged": True},
        }
        told = ask(client, "Email/set", update=changes, destroy=ids[3:10])
        assert set(told["updated"]) == set(changes)
        assert told["destroyed"] == ids[3:10]
        assert ask(client, "Email/set", destroy=ids[:1])["destroyed"] == ids[:1]
    assert not refuses(site, full)


def imap_usage(site: Site, person: Person) -> tuple[int, int]:
    """Used and limit in units of 1024 octets."""
    with site.imap(person) as imap:
        _, [_, [line]] = imap.getquotaroot("INBOX")
        found = re.search(rb"STORAGE (\d+) (\d+)", line)
        assert found, line
        return int(found[1]), int(found[2])


def expect_percent(page: Page, percent: int) -> None:
    """On the meter, in time."""
    page.wait_for_function(
        """([selector, wanted]) => new RegExp(`\\\\b${wanted}\\\\s?%`)
            .test(document.querySelector(selector)?.textContent ?? '')""",
        arg=[METER, percent],
        timeout=METER_SECONDS * 1000,
    )


def by_smtp(site: Site, person: Person) -> None:
    body = "\r\n".join(["A line of what takes some room. " * 2] * 400)
    site.send(person, f"Subject: Large\r\n\r\n{body}\r\n".encode())


def by_imap_append(site: Site, person: Person) -> None:
    with site.imap(person) as imap:
        body = b"Subject: Appended\r\n\r\n" + b"0123456789abcdef\r\n" * 2000
        assert imap.append("Archive", None, None, body)[0] == "OK"


def by_imap_expunge(site: Site, person: Person) -> None:
    with site.imap(person) as imap:
        imap.select("Archive")
        imap.store("1:*", "+FLAGS", r"(\Deleted)")
        assert imap.expunge()[0] == "OK"


def by_pop3(site: Site, person: Person) -> None:
    with site.pop3(person) as pop3:
        pop3.dele(pop3.stat()[0])


def by_jmap(site: Site, person: Person) -> None:
    with jmap_client(site, person) as client:
        ids = ask(client, "Email/query", limit=20)["ids"]
        assert ask(client, "Email/set", destroy=ids)["destroyed"] == ids


def by_cli(site: Site, person: Person) -> None:
    """The limit itself."""
    command = [sys.executable, "-m", "pillarbox.cli", "account", "quota", person.login]
    given = ["--octets", str(used(site, person) * 2), "--config", str(site.server.config)]
    subprocess.run([*command, *given], check=True, capture_output=True)


def test_quota_2_the_meter_follows_every_protocol(page: Page, site: Site, person: Person) -> None:
    """Within two seconds, and IMAP, JMAP and the page say the same."""
    # Far below 80 %, where a letter of warning would come between two looks.
    set_quota(site, person, used(site, person) * 6)
    open_mail(page, site)
    for change in (by_smtp, by_imap_append, by_imap_expunge, by_pop3, by_jmap, by_cli):
        change(site, person)
        octets, limit = used(site, person), limit_of(site, person)
        expect_percent(page, round(100 * octets / limit))
        assert imap_usage(site, person) == (-(-octets // 1024), -(-limit // 1024))
        with jmap_client(site, person) as client:
            quotas = ask(client, "Quota/get", ids=None)["list"]
        [quota] = [one for one in quotas if one["resourceType"] == "octets"]
        assert (quota["used"], quota["hardLimit"]) == (octets, limit)


@pytest.mark.mail(300)  # the warning's own letter shall not matter
@pytest.mark.parametrize(
    ("percent", "level"),
    [
        pytest.param(50, "", marks=pytest.mark.web_long),
        pytest.param(82, "amber", marks=pytest.mark.web_long),
        (96, "red"),
    ],
)
def test_quota_2_the_meter_warns(
    page: Page, site: Site, person: Person, percent: int, level: str
) -> None:
    fill_up(site, person, percent)
    open_mail(page, site)
    if percent > 80:
        until(lambda: warnings_of(site, person), lambda found: len(found) == 1, 5)
    expect_percent(page, round(100 * used(site, person) / limit_of(site, person)))
    meter = page.locator(".meter")
    expect(meter).to_have_class(re.compile(rf"\b{level}\b" if level else r"^(?!.*(amber|red))"))
    expect(notice(page)).to_have_count(1 if percent >= 95 else 0)
    if percent < 95:
        return
    expect(notice(page)).to_contain_text(NEARLY)
    page.goto(f"{site.url}/mail/settings/storage")
    expect(page.locator(".quota .warning")).to_have_text(NEARLY)


@pytest.mark.mail(300)
def test_quota_2_the_banner_says_what_happens(page: Page, site: Site, person: Person) -> None:
    """Put away when it is nearly full, it comes again when it is, with other words."""
    fill_up(site, person, 96)
    open_mail(page, site)
    expect(notice(page)).to_contain_text(NEARLY)
    notice(page).get_by_role("button", name="Close").click()
    expect(notice(page)).to_have_count(0)
    until(lambda: warnings_of(site, person), lambda found: len(found) == 1, 5)
    fill_up(site, person)
    expect(notice(page)).to_contain_text(FULL)
    expect(page.get_by_text(re.compile("nearly|almost", re.IGNORECASE))).to_have_count(0)
    notice(page).get_by_role("button", name="Free some space").click()
    expect(page.locator(".quota .warning")).to_have_text(FULL)


def warnings_of(site: Site, person: Person) -> list[str]:
    with site.imap(person) as imap:
        imap.select("INBOX", readonly=True)
        _, [found] = imap.search(None, "SUBJECT", '"Your mailbox is"')
        subjects = []
        for number in found.split():
            _, data = imap.fetch(number.decode(), "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            subjects.append(data[0][1].decode().split(": ", 1)[1].strip())
        return subjects


@pytest.mark.web_long
@pytest.mark.mail(300)
def test_quota_4_one_letter_for_each_crossing(site: Site, person: Person) -> None:
    """At 80, 95 and 100 %, none twice, again after there was room; and the administrator's list
    tells who is full."""
    told: list[str] = []
    for percent in (81, 82, 96, 97, 101, 102):
        fill_up(site, person, percent)
        level = max(one for one in (80, 95, 100) if percent >= one)
        if (said := f"Your mailbox is {level} % full") not in told:
            told.append(said)
        until(lambda: warnings_of(site, person), lambda found: found == told, 20)
    time.sleep(2.5)  # two rounds more
    assert warnings_of(site, person) == told
    fill_up(site, person, 50)
    time.sleep(2.5)
    fill_up(site, person, 85)
    until(lambda: warnings_of(site, person), lambda found: found == [*told, told[0]], 20)
    fill_up(site, person, 100)
    command = [sys.executable, "-m", "pillarbox.cli", "account", "list"]
    done = subprocess.run(
        [*command, "--config", str(site.server.config)], capture_output=True, text=True, check=True
    )
    [line] = [one for one in done.stdout.splitlines() if person.login in one]
    [there, most] = re.findall(r"([\d.]+) KiB", line)
    assert float(there) >= float(most), line
