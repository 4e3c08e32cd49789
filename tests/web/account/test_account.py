"""/account/: what guards it, and what people can do there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pillarbox.accounts import totp
from pillarbox.accounts.scope import Scope
from pillarbox.clock import unix_seconds
from pillarbox.errors import AppPasswordNeeded, AuthenticationFailed
from pillarbox.net.secret import Secret
from pillarbox.store.sql import accounts
from support.account_app import App, entered
from support.asgi import Answered
from support.browser_client import Browser
from support.soft_passkey import SoftPasskey, unb64
from support.web_people import ALICE, PASSWORD, PeopleBox

CHANGES = [
    ("POST", "confirm", {"password": PASSWORD}),
    ("POST", "password", {"new": "seven brown umbrellas"}),
    ("POST", "app-passwords", {"name": "phone"}),
    ("DELETE", "app-passwords/1", None),
    ("DELETE", "sessions/1", None),
    ("POST", "sessions/end-others", None),
    ("POST", "totp/begin", None),
    ("POST", "totp/finish", {"code": "000000"}),
    ("DELETE", "totp", None),
    ("POST", "passkeys/begin", None),
    ("POST", "passkeys/ask", None),
    ("POST", "passkeys/finish", {"credential": {}}),
    ("DELETE", "passkeys/1", None),
    ("PUT", "preferences", {}),
    ("PUT", "two-step", {"on": True}),
    ("POST", "checklist", {"done": True}),
]
READS = ["state", "app-passwords", "sessions", "sign-ins", "passkeys", "preferences"]


async def test_nothing_without_a_session(box: PeopleBox) -> None:
    app = App(box)
    for method, path, value in [*CHANGES, *(("GET", path, None) for path in READS)]:
        answer = await app.call(method, path, value)
        assert answer.status == 401, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert "www-authenticate" not in answer.headers
    page = await app.go("/account/state", accept="text/html")
    assert (page.status, page.headers["location"]) == (303, "/sign-in?next=/account/state")


async def test_nothing_for_pages_of_others(box: PeopleBox) -> None:
    app = await entered(box)
    for method, path, value in CHANGES:
        for headers in (
            {"x_csrf_token": ""},
            {"x_csrf_token": "x"},
            {"sec_fetch_site": "cross-site"},
            {"sec_fetch_site": "same-site"},
            {"origin": "https://evil.example"},
        ):
            assert (await app.call(method, path, value, **headers)).status == 403, (path, headers)
    for path in READS:
        assert (await app.call("GET", path, sec_fetch_site="cross-site")).status == 403
    assert len(await app.get("sessions")) == 2


async def test_what_guards_the_account_asks_for_the_password_again(box: PeopleBox) -> None:
    app = await entered(box)
    await box.clock.advance(11 * 60)
    assert (await app.get("state"))["fresh"] is False
    guarded = [
        "password",
        "app-passwords",
        "totp/begin",
        "totp/finish",
        "totp",
        "passkeys/begin",
        "passkeys/finish",
        "passkeys/1",
        "two-step",
    ]
    for method, path, value in CHANGES:
        if path in guarded:
            answer = await app.call(method, path, value)
            assert answer.status == 403 and json.loads(answer.body)["reason"] == "confirm", path
    wrong = await app.call("POST", "confirm", {"password": "wrong"})
    assert wrong.status == 422 and json.loads(wrong.body)["reason"] == "wrong"
    assert (await app.call("POST", "confirm", {})).status == 400
    before = app.cookies["__Host-pillarbox"]
    await app.done("POST", "confirm", {"password": PASSWORD})
    assert app.cookies["__Host-pillarbox"] != before
    assert (await app.get("state"))["fresh"] is True
    await box.clock.advance(61)
    app.cookies["__Host-pillarbox"] = before  # stolen before the confirmation: worth nothing now
    assert (await app.call("GET", "state")).status == 401


async def test_confirming_cannot_be_guessed(box: PeopleBox) -> None:
    app = await entered(box)
    for number in range(7):
        answer = await app.call("POST", "confirm", {"password": f"wrong {number}"})
    assert answer.status == 429
    assert json.loads(answer.body)["retryAfter"] == int(answer.headers["retry-after"]) > 0


async def test_another_password(box: PeopleBox) -> None:
    app, other = await entered(box), await entered(box)
    short = await app.call("POST", "password", {"new": "short"})
    assert (short.status, json.loads(short.body)["reason"]) == (422, "short")
    common = await app.call("POST", "password", {"new": "alice@example.org"})
    assert (common.status, json.loads(common.body)["reason"]) == (422, "common")
    await box.admin.add_app_password(ALICE, "phone")
    await app.done("POST", "password", {"new": "seven brown umbrellas"})
    assert (await other.call("GET", "state")).status == 401
    assert len(await app.get("sessions")) == 1
    assert len(await app.get("app-passwords")) == 1
    assert (await Browser(box).sign_in(ALICE, PASSWORD)).status == 422
    assert (await Browser(box).sign_in(ALICE, "seven brown umbrellas")).status == 303
    await app.done("POST", "password", {"new": "eight grey umbrellas", "appPasswords": True})
    assert await app.get("app-passwords") == []


async def test_app_passwords(box: PeopleBox) -> None:
    app = await entered(box)
    made = await app.done("POST", "app-passwords", {"name": "my\x00 phone ", "scopes": ["imap"]})
    check = box.authenticator.check_password
    password = Secret(made["password"])
    found = await check(ALICE, password, scope=Scope.IMAP, peer="192.0.2.9")
    assert found.credential == f"app:{made['id']}"
    with pytest.raises(AuthenticationFailed):
        await check(ALICE, password, scope=Scope.POP3, peer="192.0.2.9")
    (one,) = await app.get("app-passwords")
    assert one == {
        "id": made["id"],
        "name": "my phone",
        "scopes": ["imap"],
        "createdAt": "2026-11-01T12:00:00Z",
        "expiresAt": None,
        "lastUsedAt": "2026-11-01T12:00:00Z",
    }
    for wrong in (
        {"name": ""},
        {"name": "x", "scopes": []},
        {"name": "x", "expiresAt": "2020-01-01T00:00:00Z"},
    ):
        assert (await app.call("POST", "app-passwords", wrong)).status == 422
    for broken in ({"name": "x", "scopes": ["web"]}, {"scopes": ["imap"]}, {"name": 1}, []):
        assert (await app.call("POST", "app-passwords", broken)).status == 400
    late = await app.done(
        "POST", "app-passwords", {"name": "x", "expiresAt": "2027-01-01T00:00:00Z"}
    )
    assert (await app.get("app-passwords"))[1]["expiresAt"] == "2027-01-01T00:00:00Z"
    await app.done("DELETE", f"app-passwords/{late['id']}")
    for gone in (late["id"], "x", "99999999999999999999", "-1"):
        assert (await app.call("DELETE", f"app-passwords/{gone}")).status == 404


async def test_sessions(box: PeopleBox) -> None:
    app, other = await entered(box), await entered(box)
    found = await app.get("sessions")
    assert len(found) == 3 and sum(one["current"] for one in found) == 1
    (mine,) = [one for one in found if one["current"]]
    assert mine["id"] == (await app.get("state"))["sessionId"]
    theirs = (await other.get("state"))["sessionId"]
    await app.done("DELETE", f"sessions/{theirs}")
    assert (await other.call("GET", "state")).status == 401
    await app.done("POST", "sessions/end-others")
    assert len(await app.get("sessions")) == 1
    await app.done("DELETE", f"sessions/{mine['id']}")
    assert "__Host-pillarbox" not in app.cookies


async def test_sessions_of_others_are_nobodys(box: PeopleBox) -> None:
    app = await entered(box)
    await box.admin.create_account("bob@example.org", Secret(PASSWORD))
    bob = App(box)
    await bob.post_json("/sign-in", {"email": "bob@example.org", "password": PASSWORD})
    number = (await bob.get("state"))["sessionId"]
    assert (await app.call("DELETE", f"sessions/{number}")).status == 404
    assert (await bob.call("GET", "state")).status == 200


async def test_history(box: PeopleBox) -> None:
    app = await entered(box)
    for _ in range(3):
        with pytest.raises(AuthenticationFailed):
            await box.authenticator.check_password(
                ALICE, Secret("wrong"), scope=Scope.IMAP, peer="203.0.113.7"
            )
    found = await app.get("sign-ins?limit=10")
    by_door = {one["door"]: one for one in found}
    assert by_door["web"]["outcome"] == "ok" and by_door["web"]["credential"] == "password"
    failed = by_door["imap"]
    assert (failed["peer"], failed["outcome"], failed["times"]) == ("203.0.113.7", "failed", 3)
    assert failed["credential"] is None
    assert len(await app.get("sign-ins?limit=1")) == 1
    assert len(await app.get("sign-ins?limit=nonsense")) == 2


async def test_preferences(box: PeopleBox) -> None:
    app = await entered(box)
    assert await app.get("preferences") == {}
    kept = {
        "theme": "dark",
        "undoSeconds": 10,
        "imagesAllowedFrom": ["a@example.org"],
        "language": "de",
    }
    await app.done("PUT", "preferences", kept)
    assert await app.get("preferences") == kept
    assert (await app.get("state"))["language"] == "de"
    for broken in ([], "x", 1, None):
        answer = await app.call("PUT", "preferences", broken)
        assert answer.status == 400, broken
    assert (await app.call("PUT", "preferences", {"a": "x" * 70_000})).status == 413
    assert await app.get("preferences") == kept
    assert (await app.get("state"))["checklistDone"] is False
    await app.done("POST", "checklist", {"done": True})
    assert (await app.get("state"))["checklistDone"] is True


async def turn_on_totp(app: App) -> Secret:
    begun = await app.done("POST", "totp/begin")
    assert begun["qr"].startswith("data:image/svg+xml")
    padded = begun["secret"] + "=" * (-len(begun["secret"]) % 8)
    import base64

    secret = Secret(base64.b32decode(padded))
    assert begun["secret"] in begun["uri"]
    wrong = await app.call("POST", "totp/finish", {"code": "000000"})
    assert wrong.status == 422
    await app.done("POST", "totp/finish", {"code": code_now(app.box, secret)})
    await app.box.clock.advance(60)
    return secret


def code_now(box: Any, secret: Secret) -> str:
    return totp.code_of(secret, unix_seconds(box.clock.now()) // 30)


async def test_a_second_step_by_page_and_by_app(box: PeopleBox) -> None:
    app = await entered(box)
    secret = await turn_on_totp(app)
    state = await app.get("state")
    assert state["totp"] and state["twoStep"]
    browser = Browser(box)
    answer = await browser.sign_in(ALICE, PASSWORD, next="/mail/x")
    assert answer.headers["location"] == "/sign-in/second"
    assert "__Host-pillarbox" not in browser.cookies
    page = await browser.go("/sign-in/second")
    assert "One more step" in page.text and ALICE in page.text
    hidden = await browser.hidden("/sign-in/second")
    wrong = await browser.post("/sign-in/second", {**hidden, "code": "000000"})
    assert wrong.status == 422 and "That code is wrong" in wrong.text
    right = await browser.post("/sign-in/second", {**hidden, "code": code_now(box, secret)})
    assert (right.status, right.headers["location"]) == (303, "/mail/x")
    assert "__Host-step" not in browser.cookies
    again = App(box)
    assert await again.enter() == {"second": True}
    replayed = await again.post_json("/sign-in/second", {"code": code_now(box, secret)})
    assert replayed.status == 401
    await box.clock.advance(30)
    entered_by_code = await again.post_json("/sign-in/second", {"code": code_now(box, secret)})
    assert entered_by_code.status == 200 and json.loads(entered_by_code.body)["csrf"]
    await app.done("POST", "confirm", {"password": PASSWORD})
    await app.done("DELETE", "totp")
    assert (await Browser(box).sign_in(ALICE, PASSWORD)).headers["location"] == "/mail/"


async def test_the_second_step_is_only_for_who_gave_the_password(box: PeopleBox) -> None:
    app = await entered(box)
    secret = await turn_on_totp(app)
    stranger = Browser(box)
    assert (await stranger.go("/sign-in/second")).headers["location"] == "/sign-in"
    answer = await stranger.post_json("/sign-in/second", {"code": code_now(box, secret)})
    assert answer.status == 401
    late = Browser(box)
    await late.sign_in(ALICE, PASSWORD)
    await box.clock.advance(601)
    answer = await late.post_json("/sign-in/second", {"code": code_now(box, secret)})
    assert answer.status == 401
    changed = Browser(box)
    await changed.sign_in(ALICE, PASSWORD)
    await box.clock.advance(1)
    await box.admin.set_password(ALICE, Secret("seven brown umbrellas"))
    answer = await changed.post_json("/sign-in/second", {"code": code_now(box, secret)})
    assert answer.status == 401
    forged = Browser(box)
    forged.cookies["__Host-step"] = "A" * 120
    answer = await forged.post_json("/sign-in/second", {"code": code_now(box, secret)})
    assert answer.status == 401


async def test_programs_need_app_passwords_then(box: PeopleBox) -> None:
    app = await entered(box)
    await turn_on_totp(app)
    made = await app.done("POST", "app-passwords", {"name": "phone"})
    check = box.authenticator.check_password
    for scope in Scope:
        with pytest.raises(AppPasswordNeeded):
            await check(ALICE, Secret(PASSWORD), scope=scope, peer="192.0.2.9")
        with pytest.raises(AuthenticationFailed) as caught:
            await check(ALICE, Secret("wrong"), scope=scope, peer="192.0.2.9")
        assert type(caught.value) is AuthenticationFailed
        await check(ALICE, Secret(made["password"]), scope=scope, peer="192.0.2.9")


async def add_passkey(app: App, **more: Any) -> SoftPasskey:
    key = SoftPasskey(**more)
    options = await app.done("POST", "passkeys/begin")
    assert options["rp"]["id"] == "mail.example.org" and len(unb64(options["user"]["id"])) == 32
    await app.done("POST", "passkeys/finish", {"credential": key.create(options), "name": "my key"})
    return key


async def passkey_options(browser: Browser, path: str) -> dict[str, Any]:
    hidden = await browser.hidden("/sign-in")
    answer = await browser.post_json(f"{path}/options", hidden)
    assert answer.status == 200, answer.text
    return dict(json.loads(answer.body))


async def answer_with(browser: Browser, path: str, credential: dict[str, Any]) -> Answered:
    hidden = await browser.hidden("/sign-in")
    return await browser.post_json(path, {**hidden, "credential": credential, "next": "/mail/y"})


async def test_a_passkey_instead_of_the_password(box: PeopleBox) -> None:
    app = await entered(box)
    key = await add_passkey(app)
    (shown,) = await app.get("passkeys")
    assert shown["name"] == "my key" and shown["lastUsedAt"] is None
    await turn_on_totp(app)  # which a verified passkey stands for, too
    browser = Browser(box)
    options = await passkey_options(browser, "/sign-in/passkey")
    assert options["allowCredentials"] == [] and options["userVerification"] == "required"
    made = key.get(options)
    answer = await answer_with(browser, "/sign-in/passkey", made)
    assert (answer.status, json.loads(answer.body)["next"]) == (200, "/mail/y")
    session = await box.services.sessions.find(browser.cookies["__Host-pillarbox"])
    assert session is not None and session.login == ALICE
    assert (await app.get("passkeys"))[0]["lastUsedAt"]
    replayed = await answer_with(Browser(box), "/sign-in/passkey", made)
    assert replayed.status == 401
    await app.done("DELETE", "passkeys/1")
    fresh = Browser(box)
    gone = key.get(await passkey_options(fresh, "/sign-in/passkey"))
    assert (await answer_with(fresh, "/sign-in/passkey", gone)).status == 401


async def test_passkeys_that_are_refused(box: PeopleBox) -> None:
    app = await entered(box)
    key = await add_passkey(app)
    browser = Browser(box)

    async def status(of: SoftPasskey, **changes: Any) -> int:
        options = {**await passkey_options(browser, "/sign-in/passkey"), **changes}
        return (await answer_with(browser, "/sign-in/passkey", of.get(options))).status

    assert await status(SoftPasskey()) == 401  # nobody's
    key.origin = "https://evil.example"
    assert await status(key) == 401
    key.origin = "https://mail.example.org"
    assert await status(key, rpId="evil.example") == 401
    assert await status(key, challenge="A" * 43) == 401
    key.verifies = False  # no password and no proof of its owner
    assert await status(key) == 401
    key.verifies = True
    making = await app.done("POST", "passkeys/begin")
    assert await status(key, challenge=making["challenge"]) == 401  # for another purpose
    old = await passkey_options(browser, "/sign-in/passkey")
    await box.clock.advance(601)
    assert (await answer_with(browser, "/sign-in/passkey", key.get(old))).status == 401
    key.count = 0  # a copy of the device, behind the original
    for broken in ({}, {"response": {}}, {"response": {"clientDataJSON": "e30"}}, {"rawId": 1}):
        assert (await answer_with(browser, "/sign-in/passkey", broken)).status == 401
    foreign = await browser.post_json("/sign-in/passkey/options", {"csrf": "x"})
    assert foreign.status == 403
    assert await status(key) == 200


async def test_a_copied_device_is_noticed(box: PeopleBox) -> None:
    app = await entered(box)
    key = await add_passkey(app)
    key.count = 10
    browser = Browser(box)
    options = await passkey_options(browser, "/sign-in/passkey")
    assert (await answer_with(browser, "/sign-in/passkey", key.get(options))).status == 200
    key.count = 3
    copy = Browser(box)
    options = await passkey_options(copy, "/sign-in/passkey")
    assert (await answer_with(copy, "/sign-in/passkey", key.get(options))).status == 401


async def test_a_passkey_behind_the_password_or_to_confirm(box: PeopleBox) -> None:
    app = await entered(box)
    key = await add_passkey(app, verifies=False)
    await app.done("PUT", "two-step", {"on": True})
    browser = Browser(box)
    assert (await browser.sign_in(ALICE, PASSWORD)).headers["location"] == "/sign-in/second"
    options = await passkey_options(browser, "/sign-in/second/passkey")
    assert len(options["allowCredentials"]) == 1
    assert options["allowCredentials"][0]["transports"] == ["usb", "internal"]
    answer = await answer_with(browser, "/sign-in/second/passkey", key.get(options))
    assert answer.status == 200
    stranger = Browser(box)
    hidden = await stranger.hidden("/sign-in")
    assert (await stranger.post_json("/sign-in/second/passkey/options", hidden)).status == 401
    await box.clock.advance(700)
    asked = await app.done("POST", "passkeys/ask")
    await app.done("POST", "confirm", {"credential": key.get(asked)})
    assert (await app.get("state"))["fresh"]
    await app.done("DELETE", "passkeys/1")
    assert (await app.get("state"))["twoStep"] is False  # else nobody could get in
    assert (await app.call("PUT", "two-step", {"on": True})).status == 403


async def test_a_passkey_of_another_account_is_no_second_step(box: PeopleBox) -> None:
    app = await entered(box)
    await turn_on_totp(app)
    await box.admin.create_account("bob@example.org", Secret(PASSWORD))
    bob = App(box)
    answer = await bob.post_json("/sign-in", {"email": "bob@example.org", "password": PASSWORD})
    bob.csrf = json.loads(answer.body)["csrf"]
    key = await add_passkey(bob)
    browser = Browser(box)
    await browser.sign_in(ALICE, PASSWORD)
    options = await passkey_options(browser, "/sign-in/second/passkey")
    assert (await answer_with(browser, "/sign-in/second/passkey", key.get(options))).status == 401


async def told_by_mail(box: PeopleBox) -> list[str]:
    """The texts of the letters in the inbox, in their order."""
    ids = [f"M{one.message}" for one in await box.placed()]
    properties = ["bodyValues", "textBody"]
    found = await box.call("Email/get", ids=ids, properties=properties, fetchTextBodyValues=True)
    texts = {one["id"]: next(iter(one["bodyValues"].values()))["value"] for one in found["list"]}
    return [texts[one] for one in ids]


async def test_its_owner_hears_of_changes(box: PeopleBox) -> None:
    """In case it was somebody else who made them."""
    app = await entered(box)
    assert not await box.placed()
    await turn_on_totp(app)
    await add_passkey(app)
    await app.done("DELETE", "totp")
    await app.done("POST", "app-passwords", {"name": "phone"})
    await app.done("POST", "password", {"new": "seven brown umbrellas"})
    said = await told_by_mail(box)
    for text, what in zip(
        said,
        ("were switched on", "passkey was added", "were switched off", "phone", "password was"),
        strict=True,
    ):
        assert what in text
        assert "192.0.2.1" in text and "https://mail.example.org/sign-in" in text


async def test_it_is_told_in_their_language_and_into_a_full_mailbox(box: PeopleBox) -> None:
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, 1))
    app = await entered(box)
    new = {"new": "seven brown umbrellas"}
    answer = await app.call("POST", "password", new, accept_language="de")
    assert answer.status == 204
    [said] = await told_by_mail(box)
    assert "Das Passwort wurde geändert" in said
