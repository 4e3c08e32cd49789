"""The sign-in page: who gets in, and what everyone else is told."""

from __future__ import annotations

import re

import pytest

from pillarbox.net.secret import Secret
from pillarbox.store.sql import accounts
from support.browser_client import Browser, hidden_fields
from support.web_people import ALICE, PASSWORD, PeopleBox


@pytest.mark.parametrize(
    "typed",
    [
        "alice@example.org",
        "  alice@example.org \t",
        "ALICE@Example.ORG",
        "info@example.org",  # an alias
        "alice",
        "alice@example.org.",
        "mailto:alice@example.org",
        "MAILTO:alice@example.org?subject=x",
        "Alice Example <alice@example.org>",
        '"Example, Alice" <alice@example.org>',
        "alice @ example.org",
        "<alice@example.org>",
        "alice＠example.org",
    ],
)
async def test_sign_1_variants_of_an_address(box: PeopleBox, typed: str) -> None:
    await box.admin.add_alias("info@example.org", [ALICE])
    browser = Browser(box)
    answer = await browser.sign_in(typed, PASSWORD)
    assert (answer.status, answer.headers.get("location")) == (303, "/mail/"), answer.text
    found = await box.services.sessions.find(browser.cookies["__Host-pillarbox"])
    assert found is not None and found.login == ALICE


@pytest.mark.parametrize(
    "typed", ["bob@bücher.example", "bob@xn--bcher-kva.example", "BOB@BÜCHER.example."]
)
async def test_sign_1_international_domain(box: PeopleBox, typed: str) -> None:
    await box.admin.create_account("bob@bücher.example", Secret(PASSWORD), add_domain=True)
    assert (await Browser(box).sign_in(typed, PASSWORD)).status == 303
    assert (await Browser(box).sign_in("bob", PASSWORD)).status == 422  # two domains: which?


async def test_an_alias_of_several_people_is_nobodys_name(box: PeopleBox) -> None:
    await box.admin.create_account("bob@example.org", Secret("another-pass-word"))
    await box.admin.add_alias("all@example.org", [ALICE, "bob@example.org"])
    await box.admin.add_alias("@example.org", [ALICE])
    for typed in ("all@example.org", "nobody@example.org", "@example.org", "", "<>", "mailto:"):
        assert (await Browser(box).sign_in(typed, PASSWORD)).status == 422, typed


async def test_sign_2_everything_wrong_looks_the_same(box: PeopleBox) -> None:
    await box.admin.create_account("off@example.org", Secret(PASSWORD))
    await box.store.write(lambda tx: accounts.set_enabled(tx, 2, False))  # type: ignore[arg-type]
    told = set()
    for typed, password in [
        ("alice@example.org", "wrong"),
        ("ghost@example.org", PASSWORD),
        ("ghost@example.com", PASSWORD),
        ("off@example.org", PASSWORD),
        ("alice@example.org", "kq7m-x3vd-9hpt-w2ra-e6nc"),
        ("alice@example.org", "x" * 5000),
        ("alice@example.org", "\x00"),
        ("", ""),
    ]:
        answer = await Browser(box).sign_in(typed, password)
        text = answer.text.replace(f'value="{typed}"', 'value="…"')
        text = text.replace(" autofocus", "")
        csrf = hidden_fields(answer)["csrf"]
        headers = {k: v for k, v in answer.headers.items() if k != "content-length"}
        told.add((answer.status, text.replace(csrf, "…"), repr(headers)))
    assert len(told) == 1
    ((status, text, _),) = told
    assert status == 422
    assert "Address or password is wrong." in text and 'role="alert"' in text


async def test_an_app_password_has_a_screen_of_its_own_only_if_it_is_right(box: PeopleBox) -> None:
    _, password = await box.admin.add_app_password(ALICE, "phone")
    right = password.reveal().decode()
    answer = await Browser(box).sign_in(ALICE, right)
    assert answer.status == 422 and "That is an app password" in answer.text
    assert not any(name.endswith("pillarbox") for name in Browser(box).cookies)
    wrong = await Browser(box).sign_in("bob@example.org", right)
    assert wrong.status == 422 and "Address or password is wrong." in wrong.text


async def test_a_lock_out_tells_how_long_to_known_and_unknown_alike(box: PeopleBox) -> None:
    told = []
    for name in (ALICE, "ghost@example.org"):
        browser = Browser(box)
        for number in range(7):
            answer = await browser.sign_in(name, f"wrong {number}")
        assert answer.status == 429
        assert "Too many wrong attempts. Wait 1 s" in answer.text
        text = answer.text.replace(name, "…").replace(hidden_fields(answer)["csrf"], "…")
        told.append((answer.headers["retry-after"], text))
        right = await browser.sign_in(name, PASSWORD)
        assert right.status == 429
    assert told[0] == told[1]


async def test_the_cookie_is_for_this_host_and_out_of_reach(box: PeopleBox) -> None:
    answer = await Browser(box).sign_in(ALICE, PASSWORD)
    (cookie,) = [one for one in answer.set_cookies if one.startswith("__Host-pillarbox=")]
    assert cookie.split("; ")[1:] == ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"]
    answer = await Browser(box).sign_in(ALICE, PASSWORD, stay="1")
    (cookie,) = [one for one in answer.set_cookies if one.startswith("__Host-pillarbox=")]
    assert "Max-Age=2592000" in cookie and "Domain" not in cookie
    plain = Browser(box, scheme="http", peer="127.0.0.1")
    assert (await plain.sign_in(ALICE, PASSWORD)).status == 303
    assert set(plain.cookies) == {"pillarbox", "form"}


async def test_no_password_travels_over_an_open_line(box: PeopleBox) -> None:
    browser = Browser(box, scheme="http")
    answer = await browser.sign_in(ALICE, PASSWORD)
    assert answer.status == 403 and "pillarbox" not in browser.cookies
    answer = await browser.post_json("/sign-in", {"email": ALICE, "password": PASSWORD})
    assert answer.status == 403


async def test_a_cookie_that_was_planted_is_not_used_on(box: PeopleBox) -> None:
    """Session fixation: what the browser had before is worth nothing after."""
    planted = box.cookie.partition("=")[2]
    for before in (planted, "A" * 43):
        browser = Browser(box)
        browser.cookies["__Host-pillarbox"] = before
        await browser.go("/sign-in", accept="text/html")
        browser.cookies["__Host-form"] = "B" * 22
        page = await Browser(box).go("/sign-in")
        assert page.status == 200
        fresh = Browser(box)
        hidden = await fresh.hidden("/sign-in")
        fresh.cookies["__Host-pillarbox"] = before
        answer = await fresh.post("/sign-in", {**hidden, "email": ALICE, "password": PASSWORD})
        assert answer.status == 303
        assert fresh.cookies["__Host-pillarbox"] != before
        assert await box.services.sessions.find(before) is None


@pytest.mark.parametrize(
    ("asked", "went"),
    [
        ("/mail/inbox/M1", "/mail/inbox/M1"),
        ("/mail/?q=a%20b&x=1", "/mail/?q=a%20b&x=1"),
        ("", "/mail/"),
        ("https://evil.example/", "/mail/"),
        ("//evil.example/", "/mail/"),
        ("/\\evil.example/", "/mail/"),
        ("/\t/evil.example/", "/mail/"),
        ("\\\\evil.example", "/mail/"),
        ("/mail/\r\nSet-Cookie: a=b", "/mail/"),
        ("javascript:alert(1)", "/mail/"),
        ("/" + "x" * 5000, "/mail/"),
        ("mail/", "/mail/"),
    ],
)
async def test_next_leads_to_our_own_pages_only(box: PeopleBox, asked: str, went: str) -> None:
    answer = await Browser(box).sign_in(ALICE, PASSWORD, next=asked)
    assert answer.headers["location"] == went


async def test_login_csrf(box: PeopleBox) -> None:
    """Another site cannot sign a browser in: neither its page nor a subdomain knows the field."""
    mine, theirs = Browser(box), Browser(box)
    hidden = await theirs.hidden("/sign-in")
    fields = {"email": ALICE, "password": PASSWORD}
    assert (await mine.post("/sign-in", fields)).status == 403
    assert (await mine.post("/sign-in", {**fields, **hidden})).status == 403
    await mine.go("/sign-in")
    answer = await mine.post("/sign-in", {**fields, **hidden})
    assert answer.status == 403 and "This page was open for too long" in answer.text
    assert not any(cookie.startswith("__Host-pillarbox=") for cookie in answer.set_cookies)
    assert (await mine.sign_in(ALICE, PASSWORD)).status == 303
    foreign = await Browser(box).post_json(
        "/sign-in", fields, origin="https://evil.example", sec_fetch_site="cross-site"
    )
    assert foreign.status == 403


async def test_the_app_signs_in_by_json(box: PeopleBox) -> None:
    browser = Browser(box)
    answer = await browser.post_json("/sign-in", {"email": ALICE, "password": "wrong"})
    assert answer.status == 401 and "www-authenticate" not in answer.headers
    answer = await browser.post_json(
        "/sign-in", {"email": ALICE, "password": PASSWORD, "stay": True}
    )
    assert answer.status == 200
    session = await box.services.sessions.find(browser.cookies["__Host-pillarbox"])
    assert session is not None and session.stays
    assert f'"csrf":"{session.csrf}"' in answer.text
    for broken in ("[1]", '"x"', "{"):
        answer = await browser.go(
            "/sign-in", "POST", broken.encode(), content_type="application/json"
        )
        assert answer.status == 401


async def test_signing_out_ends_the_session(box: PeopleBox) -> None:
    browser = Browser(box)
    await browser.sign_in(ALICE, PASSWORD)
    cookie = browser.cookies["__Host-pillarbox"]
    session = await box.services.sessions.find(cookie)
    assert session is not None
    assert (await browser.go("/")).headers["location"] == "/mail/"
    assert (await browser.go("/sign-in")).headers["location"] == "/mail/"
    assert (await browser.post("/sign-out", {"csrf": "x"})).status == 403
    assert await box.services.sessions.find(cookie) is not None
    answer = await browser.post("/sign-out", {"csrf": session.csrf})
    assert answer.headers["location"] == "/sign-in"
    assert "__Host-pillarbox" not in browser.cookies
    browser.cookies["__Host-pillarbox"] = cookie  # replayed
    assert (await browser.go("/")).headers["location"] == "/sign-in"
    assert await box.services.sessions.find(cookie) is None


async def test_the_page_is_small_strict_and_whole_without_script(box: PeopleBox) -> None:
    browser = Browser(box)
    page = await browser.go("/sign-in")
    size = len(page.body)
    for path in set(re.findall(r'(?:href|src)="(/assets/[^"]+)"', page.text)):
        asset = await browser.go(path)
        assert asset.status == 200 and "immutable" in asset.headers["cache-control"], path
        size += len(asset.body)
    assert size <= 25 * 1024
    assert (await browser.go("/assets/pages.css")).headers["cache-control"] == "no-cache"
    assert (
        "style=" not in page.text
        and "<script>" not in page.text
        and " on" not in re.sub(r">[^<]*<", "><", page.text)
    )
    policy = page.headers["content-security-policy"]
    for part in (
        "default-src 'none'",
        "script-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("accepted", "asked", "language"),
    [
        ("", "", "en"),
        ("de-AT,de;q=0.9,en;q=0.5", "", "de"),
        ("fr,es;q=0.4,en;q=0.3", "", "es"),
        ("zh-Hant-TW", "", "zh"),
        ("fr, ja;q=0.9", "", "en"),
        ("de;q=0, en;q=0.1", "", "en"),
        ("de", "es", "es"),
        ("de", "xx", "de"),
        ("nonsense;;;,,,", "", "en"),
        ("de;q=x", "", "en"),
    ],
)
async def test_the_language(box: PeopleBox, accepted: str, asked: str, language: str) -> None:
    browser = Browser(box)
    path = f"/sign-in?lang={asked}" if asked else "/sign-in"
    page = await browser.go(path, accept_language=accepted)
    assert f'<html lang="{language}">' in page.text
    assert page.headers["content-language"] == language
    if asked == language:
        again = await browser.go("/sign-in", accept_language=accepted)
        assert f'<html lang="{language}">' in again.text


async def test_a_form_that_is_too_long_or_no_form(box: PeopleBox) -> None:
    browser = Browser(box)
    assert (await browser.post("/sign-in", {"email": "x" * 20_000})).status == 413
    for body in (b"\xff\xfe", b"&" * 100, b"a=1&" * 1000):
        answer = await browser.go("/sign-in", "POST", body)
        assert answer.status == 403
