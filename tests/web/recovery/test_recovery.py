"""Ways back into an account: the same answer for everybody, links that are good once, codes."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from pillarbox.accounts.recovery import network_of, token_digest
from pillarbox.net.secret import Secret
from pillarbox.store.sql import (
    accounts,
    browser_sessions,
    invitations,
    recovery,
)
from pillarbox.store.sql.invitations import Invitation
from pillarbox.web.pages.languages import LANGUAGES, texts_of
from support.asgi import Answered, ask
from support.recovery_box import FAR, GOOD, RecoveryBox, bare
from support.web_bench import HOST


@pytest.fixture
def box(tmp_path: Path) -> RecoveryBox:
    return RecoveryBox(tmp_path)


async def test_everybody_gets_the_same_answer(box: RecoveryBox) -> None:
    await box.has_address()
    await box.store.write(lambda tx: accounts.create(tx, "plain@example.org", ""))
    await box.store.write(lambda tx: accounts.create(tx, "off@example.org", ""))
    off = await box.store.read(lambda db: accounts.find(db, "off@example.org"))
    await box.store.write(lambda tx: accounts.set_enabled(tx, off.id, False))
    answers = [
        bare(await box.post("/forgot", email=one))
        for one in (
            "alice@example.org",
            "nobody@example.org",
            "off@example.org",
            "plain@example.org",
            "\x00",
        )
    ]
    assert answers[0][0] == 200
    assert all(answer == answers[0] for answer in answers)
    ((to, text),) = await box.sent()
    assert (to, "alice@example.org" in text) == (FAR, True)


async def test_a_link_is_good_once_and_signs_everybody_out(box: RecoveryBox) -> None:
    await box.has_address()
    await box.admin.add_app_password("alice@example.org", "phone")
    await box.post("/forgot", email=" Alice@Example.org ")
    path = await box.link()
    looked = await box.page(path)
    assert (looked.status, looked.headers["referrer-policy"]) == (200, "no-referrer")
    assert b"alice@example.org" in looked.body
    for wrong, sentence in (
        ({"password": "short", "again": "short"}, "weak_short"),
        ({"password": "password1234", "again": "password1234"}, "weak_common"),
        ({"password": "alice@example.org", "again": "alice@example.org"}, "weak_common"),
        ({"password": GOOD, "again": "another"}, "not_equal"),
    ):
        answer = await box.post(path, **wrong)
        assert answer.status == 422
        assert texts_of("recovery", "en")[sentence].encode() in answer.body
    done = await box.post(path, password=GOOD, again=GOOD)
    assert done.status == 200
    assert "pillarbox=" not in done.headers.get("set-cookie", "")  # nobody is signed in by it
    assert await box.opens(GOOD)
    assert await box.store.read(lambda db: browser_sessions.all_sessions(db, box.alice.id)) == []
    assert len(await box.admin.app_passwords("alice@example.org")) == 1
    assert (await box.post(path, password=GOOD, again=GOOD)).status == 404
    assert [to for to, text in await box.sent(2) if "was changed" in text] == [FAR]


async def test_app_passwords_end_if_asked(box: RecoveryBox) -> None:
    await box.has_address()
    await box.admin.add_app_password("alice@example.org", "phone")
    await box.post("/forgot", email="alice@example.org")
    await box.post(await box.link(), password=GOOD, again=GOOD, apps="on")
    assert await box.admin.app_passwords("alice@example.org") == []


async def test_only_the_newest_link_and_only_for_its_time(box: RecoveryBox) -> None:
    await box.has_address()
    await box.post("/forgot", email="alice@example.org")
    first = await box.link()
    gone = await box.page("/reset/" + "A" * 43)
    await box.post("/forgot", email="alice@example.org")
    await box.sent(2)
    second = await box.link()
    for path in (first, second[:-1], second + "x", "/reset/x"):
        answer = await box.page(path)
        assert bare(answer) == bare(gone)
    assert (await box.page(second)).status == 200
    await box.clock.advance(31 * 60)
    assert bare(await box.page(second)) == bare(gone)


async def test_a_changed_address_waits_and_the_former_one_takes_it_back(box: RecoveryBox) -> None:
    now = int(box.clock.now().timestamp())
    undo = Secret("u" * 43)
    await box.has_address(since=now, former="former@example.net", undo=token_digest(undo))
    await box.post("/forgot", email="alice@example.org")
    assert await box.sent(0) == []
    path = f"/recovery/undo/{'u' * 43}"
    assert (await box.page(path)).status == 200
    assert (await box.post(path)).status == 200
    state = await box.recovering.state(box.alice.id)
    assert state.address == "former@example.net"
    assert await box.store.read(lambda db: browser_sessions.all_sessions(db, box.alice.id)) == []
    assert (await box.post(path)).status == 404


async def test_limits_are_silent(box: RecoveryBox) -> None:
    await box.has_address()
    for number in range(5):
        answer = await box.post("/forgot", f"198.51.{number}.1", email="alice@example.org")
        assert answer.status == 200
    assert len(await box.sent(3)) == 3  # for an account in an hour
    for number in range(30):
        answer = await box.post("/addresses", f"203.0.113.{number}", email=FAR)
        assert answer.status == 200
    assert len(await box.sent(13)) == 13  # of a network in an hour
    await box.clock.advance(3601)
    await box.post("/forgot", "203.0.113.1", email="alice@example.org")
    assert len(await box.sent(14)) == 14


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("local", "local"),
    ],
)
def test_neighbours_share_a_limit(peer: str, network: str) -> None:
    assert network_of(peer) == network


async def test_codes_on_paper(box: RecoveryBox) -> None:
    codes = [code.reveal().decode() for code in await box.recovering.new_codes(box.alice.id)]
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"\d+-[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}", code) for code in codes)
    typed = codes[2].upper().replace("-", " ")
    answer = await box.post("/forgot/code", email="alice@example.org", code=typed)
    assert answer.status == 303
    assert (await box.page(answer.headers["location"])).status == 200
    again = await box.post("/forgot/code", email="alice@example.org", code=typed)
    nobody = await box.post("/forgot/code", email="nobody@example.org", code=codes[3])
    other = await box.post("/forgot/code", email="alice@example.org", code="4-aaaa-bbbb-cccc")
    assert again.status == 401
    assert bare(again) == bare(nobody) == bare(other)
    assert (await box.recovering.state(box.alice.id)).codes_left == 9
    assert await box.recovering.use_code(box.alice.id, Secret(codes[4]))
    assert not await box.recovering.use_code(box.alice.id, Secret(codes[4]))
    for number in range(12):
        answer = await box.post(
            "/forgot/code", f"198.51.{number}.1", email="alice@example.org", code="1-x"
        )
    assert answer.status == 429


async def test_asking_the_administrator(box: RecoveryBox) -> None:
    for email in ("alice@example.org", "nobody@example.org"):
        assert (await box.post("/admin-help", email=email)).status == 200
    for _ in range(500):
        requests = await box.store.read(recovery.help_requests)
        if requests and not await box.store.read(recovery.has_wish):
            break
        await asyncio.sleep(0.01)
    assert [one.login for one in requests] == ["alice@example.org"]


async def _api(box: RecoveryBox, method: str, path: str = "", body: bytes = b"") -> Answered:
    return await ask(
        box.application,
        f"/account/recovery{path}",
        method=method,
        host=HOST,
        body=body,
        cookie=box.cookie,
        x_csrf_token=box.session.csrf,
        origin=f"https://{HOST}",
        accept="application/json",
        content_type="application/json",
    )


async def test_an_address_is_proved_and_the_former_one_told(box: RecoveryBox) -> None:
    await box.has_address(address="first@example.net")
    answer = await _api(box, "POST", "/address", b'{"address": " Alice.Private@Example.net"}')
    assert answer.status == 200, answer.body
    ((to, text),) = await box.sent()
    code = re.search(r"    (\d{8})", text)
    assert (to, code is not None) == ("alice.private@example.net", True)
    assert (await _api(box, "POST", "/address/verify", b'{"code": "1"}')).status == 422
    state = await box.recovering.state(box.alice.id)
    assert (state.address, state.pending) == ("first@example.net", FAR)
    right = b'{"code": "%s"}' % code[1].encode()
    assert (await _api(box, "POST", "/address/verify", right)).status == 200
    assert b'"a\xe2\x80\xa6@example.net"' in (await _api(box, "GET")).body
    former, told = (await box.sent(2))[1]
    assert former == "first@example.net"
    assert "/recovery/undo/" in told


async def test_own_addresses_open_nothing(box: RecoveryBox) -> None:
    answer = await _api(box, "POST", "/address", b'{"address": "bob@example.org"}')
    assert answer.status == 422
    assert b"on this server" in answer.body


async def test_what_guards_the_account_asks_for_the_password_again(box: RecoveryBox) -> None:
    await box.clock.advance(11 * 60)
    for method, path in (("POST", "/address"), ("POST", "/codes"), ("DELETE", "/address")):
        assert (await _api(box, method, path, b'{"address": "x@example.net"}')).status == 403
    box.session = type("Session", (), {"csrf": "wrong"})()  # type: ignore[assignment]
    assert (await _api(box, "POST", "/address/verify", b'{"code": "1"}')).status == 403


async def test_an_invitation_makes_one_account(box: RecoveryBox) -> None:
    token = Secret("i" * 43)
    end = int(box.clock.now().timestamp()) + 3600
    given = Invitation("@example.org", 1000, end)
    await box.store.write(lambda tx: invitations.add(tx, token_digest(token), given))
    path = "/invite/" + "i" * 43
    fields = {"name": "Eve", "password": GOOD, "again": GOOD}
    assert (await box.post(path, local="alice", **fields)).status == 409
    assert (await box.post(path, local="a b", **fields)).status == 422
    joined = await box.post(path, local="Eve", domain="example.net", **fields)
    assert (joined.status, b"Sign in as Eve@example.org" in joined.body) == (200, True)
    made = await box.store.read(lambda db: accounts.find(db, "eve@example.org"))
    assert (made.name, made.quota_octets) == ("Eve", 1000)
    assert (await box.post(path, local="mallory", **fields)).status == 404
    assert (await box.page("/sign-up")).status == 404  # closed unless the settings open it


@pytest.mark.parametrize("language", LANGUAGES)
async def test_all_languages_have_all_texts(box: RecoveryBox, language: str) -> None:
    english, other = texts_of("recovery", "en"), texts_of("recovery", language)
    assert set(english) == set(other)
    for key, text in english.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", other[key])), key
    answer = await box.page(f"/forgot?lang={language}")
    assert other["forgot_title"].encode() in answer.body
