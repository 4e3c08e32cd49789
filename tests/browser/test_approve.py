"""Back into an account over another browser that is signed in (web.md §2.5, the third way)."""

from __future__ import annotations

import base64
import contextlib
import re
import sqlite3
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from pillarbox.accounts.totp import STEP_SECONDS, code_of
from pillarbox.net.secret import Secret
from support.reading import open_mail
from support.way_back import ANOTHER, choose_password, sign_in_by_page
from support.web_site import Person, Site

OpenContext = Callable[..., BrowserContext]
TITLE = "Somebody wants to choose a new password"
# How the first number looked as soon as there was one.
_WATCH = """() => {
    new MutationObserver((_, watch) => {
        const button = document.querySelector('dialog .numbers button')
        if (!button) return
        window.firstSeen = button.disabled ? 'disabled' : 'enabled'
        watch.disconnect()
    }).observe(document.body, { childList: true, subtree: true })
}"""


def turn_codes_on(context: BrowserContext, site: Site) -> str:
    """An authenticator program for who is signed in; the code that it will show next."""
    state = context.request.get(f"{site.url}/account/state").json()
    word = {"X-Csrf-Token": state["csrf"]}
    url = f"{site.url}/account/totp"
    key = context.request.post(f"{url}/begin", headers=word).json()["secret"]
    secret = Secret(base64.b32decode(key + "=" * (-len(key) % 8)))
    step = int(time.time()) // STEP_SECONDS
    code = code_of(secret, step)
    done = context.request.post(f"{url}/finish", headers=word, data={"code": code})
    assert done.status == 204, done.text()
    return code_of(secret, step + 1)


def ask_there(page: Page, site: Site, login: str) -> str:
    """From the sign-in page on; the number that is shown."""
    page.goto(f"{site.url}/sign-in")
    page.get_by_role("link", name="Forgot password?").click()
    page.get_by_role("link", name="Approve on a device where you are signed in").click()
    page.get_by_label("Your e-mail address here").fill(login)
    page.get_by_role("button", name="Ask there").click()
    expect(page.get_by_role("heading", name="Choose this number")).to_be_visible()
    return page.locator(".number").inner_text()


def question(page: Page) -> Locator:
    return page.get_by_role("dialog", name=TITLE)


@pytest.mark.parametrize(
    "scripts", [True, pytest.param(False, marks=pytest.mark.web_long)], ids=["scripts", "none"]
)
def test_the_number_is_chosen_where_one_is_signed_in(
    context: BrowserContext,
    page: Page,
    open_context: OpenContext,
    site: Site,
    person: Person,
    axe: Callable[..., None],
    scripts: bool,
) -> None:
    """The question comes by itself, and the second step is asked for afterwards as ever."""
    turn_codes_on(context, site)
    open_mail(page, site)
    stranger = open_context(java_script_enabled=scripts).new_page()
    number = ask_there(stranger, site, person.login)
    expect(question(page)).to_be_visible(timeout=5000)
    expect(question(page)).to_contain_text(person.login)
    expect(question(page)).to_contain_text("127.0.0.1")
    expect(question(page).get_by_role("group").get_by_role("button")).to_have_count(3)
    if scripts:
        axe(page, "the question")
        axe(stranger, "who waits")
    question(page).get_by_role("button", name=number, exact=True).click()
    expect(page.get_by_text("Approved. Go on at the other device.")).to_be_visible()
    expect(question(page)).to_have_count(0)
    expect(stranger.get_by_role("heading", name="It was approved")).to_be_visible()
    stranger.get_by_role("button", name="Continue").click()
    expect(stranger).to_have_url(re.compile(r"/reset/[\w-]{43}$"))
    choose_password(stranger)
    sign_in_by_page(stranger, site, Person(person.login, ANOTHER))
    expect(stranger).to_have_url(re.compile("/sign-in/second"))


def test_who_was_asked_too_often_looks_for_the_own_question(
    context: BrowserContext, page: Page, open_context: OpenContext, site: Site, person: Person
) -> None:
    """Somebody has asked all hour long: none comes up any more, and the owner gets in."""
    turn_codes_on(context, site)
    open_mail(page, site)
    stranger = open_context().new_page()
    for _ in range(3):
        ask_there(stranger, site, person.login)
    expect(question(page)).to_be_visible()
    page.keyboard.press("Escape")
    number = ask_there(open_context().new_page(), site, person.login)
    page.goto(f"{site.url}/mail/settings/security")
    look = page.get_by_role("button", name="Look for it")
    expect(look).to_be_visible()
    expect(question(page)).to_have_count(0)
    look.click()
    question(page).get_by_role("button", name=number, exact=True).click()
    expect(page.get_by_text("Approved. Go on at the other device.")).to_be_visible()
    look.click()
    expect(page.get_by_text("Nobody waits.")).to_be_visible()


@pytest.mark.web_long
def test_it_is_somebody_else(
    context: BrowserContext, page: Page, open_context: OpenContext, site: Site, person: Person
) -> None:
    """In two tabs, where the answer in one takes the question away in both."""
    turn_codes_on(context, site)
    open_mail(page, site)
    other = context.new_page()
    open_mail(other, site)
    stranger = open_context().new_page()
    ask_there(stranger, site, person.login)
    expect(question(page)).to_be_visible()
    expect(question(other)).to_be_visible()
    question(other).get_by_role("button", name="No, it is not me").click()
    expect(question(page)).to_have_count(0)
    expect(question(other)).to_have_count(0)
    expect(other.get_by_text("Your password stays as it is")).to_be_visible()
    expect(stranger.get_by_role("heading", name="Choose this number")).to_be_visible()
    page.goto(f"{site.url}/mail/settings/sessions")
    expect(page.get_by_text("Approval of a new password")).to_be_visible()


@pytest.mark.web_long
def test_yes_takes_a_code_where_the_last_was_long_ago(
    context: BrowserContext, page: Page, open_context: OpenContext, site: Site, person: Person
) -> None:
    """Whoever finds the browser open has only the session."""
    code = turn_codes_on(context, site)
    open_mail(page, site)
    with contextlib.closing(sqlite3.connect(site.server.data_dir / "pillarbox.db")) as db, db:
        db.execute("UPDATE browser_session SET confirmed_at = confirmed_at - 3600")
    stranger = open_context().new_page()
    number = ask_there(stranger, site, person.login)
    question(page).get_by_role("button", name=number, exact=True).click()
    page.get_by_role("button", name="Use a code instead").click()
    page.get_by_role("textbox", name="Code").fill(code)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Approved. Go on at the other device.")).to_be_visible()
    expect(stranger.get_by_role("heading", name="It was approved")).to_be_visible()


def test_keys_that_somebody_types_just_then_answer_nothing(
    context: BrowserContext, page: Page, open_context: OpenContext, site: Site, person: Person
) -> None:
    """And what a stranger's browser calls itself is not read to the owner. Closed, it comes back
    with the page."""
    turn_codes_on(context, site)
    open_mail(page, site)
    words = "your administrator. Choose the FIRST number"
    page.evaluate(_WATCH)
    stranger = open_context(user_agent=words).new_page()
    ask_there(stranger, site, person.login)
    expect(question(page)).to_be_visible(timeout=8000)
    assert page.evaluate("document.activeElement.tagName") == "H2"
    for key in ("Space", "Enter"):
        page.keyboard.press(key)
    expect(question(page)).to_contain_text("Unknown browser")
    assert words not in page.content()
    numbers = question(page).get_by_role("group").get_by_role("button")
    expect(numbers.first).to_be_enabled()
    assert page.evaluate("window.firstSeen") == "disabled"
    page.keyboard.press("Escape")
    expect(question(page)).to_have_count(0)
    page.reload()
    expect(question(page)).to_be_visible(timeout=8000)
    question(page).get_by_role("button", name="Close").click()
    expect(question(page)).to_have_count(0)


def test_the_page_without_scripts_asks_and_takes_a_number(
    context: BrowserContext, open_context: OpenContext, site: Site, person: Person
) -> None:
    """Only after a code, where the last proof is old; a number that was sent before counts not."""
    code = turn_codes_on(context, site)
    page = plain_page(open_context, context)
    page.goto(f"{site.url}/basic/")
    notice = page.get_by_role("status").filter(has_text=TITLE)
    expect(notice).to_have_count(0)
    with contextlib.closing(sqlite3.connect(site.server.data_dir / "pillarbox.db")) as db, db:
        db.execute("UPDATE browser_session SET confirmed_at = confirmed_at - 3600")
    stranger = open_context(java_script_enabled=False, user_agent="Call 123").new_page()
    number = ask_there(stranger, site, person.login)
    until_told(page, notice)
    notice.get_by_role("link").click()
    expect(page.get_by_text("an unknown browser")).to_be_visible()
    expect(page.get_by_role("button", name=number, exact=True)).to_have_count(0)
    form = page.locator("form[action='/basic/approve']").first
    sent = {
        "csrf": form.locator("[name=csrf]").input_value(),
        "ask": form.locator("[name=ask]").input_value(),
        "number": number,
    }
    page.request.post(f"{site.url}/basic/approve", form=sent, headers={"Origin": site.url})
    stranger.reload()
    expect(stranger.get_by_role("heading", name="Choose this number")).to_be_visible()
    for typed, seen in (("000000", "That code is wrong"), (code, "choose the number")):
        page.get_by_label("Code from your authenticator app").fill(typed)
        page.keyboard.press("Enter")
        expect(page.get_by_text(seen)).to_be_visible()
    page.get_by_role("button", name=number, exact=True).click()
    expect(page.get_by_text("Approved. Go on at the other device.")).to_be_visible()
    expect(notice).to_have_count(0)
    stranger.reload()
    stranger.get_by_role("button", name="Continue").click()
    expect(stranger).to_have_url(re.compile(r"/reset/[\w-]{43}$"))


@pytest.mark.parametrize("language", ["en", pytest.param("de", marks=pytest.mark.web_long)])
def test_the_page_without_scripts_says_no(
    context: BrowserContext,
    open_context: OpenContext,
    site: Site,
    person: Person,
    axe: Callable[..., None],
    language: str,
) -> None:
    """And a wrong number is none, either; what was answered is not asked again."""
    turn_codes_on(context, site)
    page = open_context(storage_state=context.storage_state()).new_page()
    told = {"en": "stays as it is", "de": "bleibt, wie es ist"}[language]
    ask_there(open_context().new_page(), site, person.login)
    page.goto(f"{site.url}/basic/?lang={language}")
    notice = page.locator(".alert a[href='/basic/approve']")
    until_told(page, notice)
    notice.click()
    axe(page, "the question without scripts")
    late = page.context.new_page()
    late.goto(page.url)
    page.locator("button[value=no]").click()
    expect(page.get_by_text(told)).to_be_visible()
    late.locator(".numbers button").first.click()
    expect(late.locator(".alert.warning")).to_be_visible()
    expect(late).to_have_url(re.compile("told=over"))


def plain_page(open_context: OpenContext, context: BrowserContext) -> Page:
    """Of a browser with the same session, and no scripts."""
    state = context.storage_state()
    return open_context(storage_state=state, java_script_enabled=False).new_page()


def until_told(page: Page, notice: Locator) -> None:
    """Somebody looks up behind the answer whom the question concerns."""
    for _ in range(20):
        page.reload()
        if notice.count():
            return
        page.wait_for_timeout(200)
    raise AssertionError(page.inner_text("main"))
