"""Who may ask: passwords, app passwords, tokens; everybody else gets the same answer."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from pillarbox.accounts.app_passwords import encode_token
from pillarbox.accounts.scope import Scope
from pillarbox.net.secret import Secret
from pillarbox.node.administration import Opened
from support.jmap_client import JmapClient, basic

PASSWORD = "correct-horse-9"


def add_app_password(person: Any, *scopes: Scope) -> tuple[int, Secret]:
    async def work(opened: Opened) -> tuple[int, Secret]:
        return await opened.admin.add_app_password(person.login, "a", scopes=frozenset(scopes))

    found: tuple[int, Secret] = person.server.administer(work)
    return found


def status_of(person: Any, authorization: str, path: str = "/jmap/session") -> int:
    with person.client(authorization) as client:
        return int(client.ask("GET", path).status)


def test_the_accounts_password(person: Any) -> None:
    assert status_of(person, basic(person.login, PASSWORD)) == 200
    assert status_of(person, basic(person.login.upper(), PASSWORD)) == 200


def test_an_app_password_for_jmap_and_its_token(person: Any) -> None:
    number, password = add_app_password(person, Scope.JMAP)
    text = password.reveal().decode()
    token = encode_token(person.number, password)
    assert status_of(person, basic(person.login, text)) == 200
    assert status_of(person, f"Bearer {token}") == 200
    assert status_of(person, f"bearer {token}") == 200

    async def withdraw(opened: Opened) -> None:
        await opened.admin.remove_app_password(person.login, number)

    person.server.administer(withdraw)
    assert status_of(person, f"Bearer {token}") == 401
    assert status_of(person, basic(person.login, text)) == 401


def test_an_app_password_for_other_protocols_is_none_here(person: Any) -> None:
    _, password = add_app_password(person, Scope.IMAP, Scope.SMTP, Scope.POP3)
    assert status_of(person, basic(person.login, password.reveal().decode())) == 401
    assert status_of(person, f"Bearer {encode_token(person.number, password)}") == 401


def test_anothers_token(person: Any, server: Any) -> None:
    """The number says whose it is; the password must be that account's."""
    _, password = add_app_password(person, Scope.JMAP)
    assert status_of(person, f"Bearer {encode_token(person.number + 1, password)}") == 401
    assert status_of(person, f"Bearer {encode_token(10**17, password)}") == 401


WRONG = {
    "nothing": "",
    "a wrong password": basic("user159@example.org", "wrong"),
    "a name that nobody has": basic("nobody@example.org", PASSWORD),
    "a name at another domain": basic("user159@example.com", PASSWORD),
    "no password": basic("user159@example.org", ""),
    "no colon": "Basic " + base64.b64encode(b"user159@example.org").decode(),
    "no base64": "Basic ???",
    "no UTF-8": "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
    "a NUL": basic("user159@example.org\0", PASSWORD + "\0"),
    "another scheme": "Digest username=user159",
    "a scheme alone": "Basic",
    "a password as token": f"Bearer {PASSWORD}",
    "a token of the main password": f"Bearer A160.{PASSWORD}",
    "a token that was made up": "Bearer A160.abcd-efgh-jkmn-pqrs-tuvw",
    "a token of nobody": "Bearer A0.abcd-efgh-jkmn-pqrs-tuvw",
    "too long": "Basic " + "A" * 9000,
}


@pytest.mark.parametrize("kind", WRONG)
def test_everybody_else_gets_the_same_answer(person: Any, kind: str) -> None:
    for path in ("/jmap/session", "/jmap/eventsource?types=*&closeafter=no&ping=0"):
        with person.client(WRONG[kind]) as client:
            found = client.ask("GET", path)
            assert found.status == 401
            challenge = found.headers["www-authenticate"]
            assert challenge.startswith("Basic ")
            assert "Bearer" in challenge
            if kind not in ("nothing", "too long"):
                told = "The user name or the password is wrong."
                assert found.json["detail"] == told


def test_credentials_given_twice(person: Any) -> None:
    with person.client() as client:
        client.connection.putrequest("GET", "/jmap/session")
        for login in (person.login, "user158@example.org"):
            client.connection.putheader("Authorization", basic(login, PASSWORD))
        client.connection.endheaders()
        assert client.connection.getresponse().status == 401


def test_a_cookie_is_nothing(person: Any) -> None:
    """What a browser sends by itself opens no door, so no other site's page can use it."""
    with person.client("") as client:
        found = client.ask("GET", "/jmap/session", Cookie="session=1", X_Api_Key=PASSWORD)
        assert found.status == 401
        assert "set-cookie" not in found.headers


def test_guessing_is_slowed_and_the_answer_says_when_to_come_again(person: Any) -> None:
    statuses = []
    for number in range(12):
        with person.client(basic("user157@example.org", f"wrong {number}")) as client:
            found = client.ask("GET", "/jmap/session")
            statuses.append(found.status)
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert found.headers["retry-after"] == "10"
    assert status_of(person, basic(person.login, PASSWORD)) == 200  # others are not held up


def test_another_persons_account_is_as_one_that_nobody_has(person: Any) -> None:
    with person.client() as client:
        answers = []
        for account in ("A1", "A999999", "1", "", "%2e%2e"):
            if account == person.id:
                continue
            found = client.ask("GET", f"/jmap/download/{account}/B1/x?type=text/plain")
            answers.append((found.status, found.body))
        assert {status for status, _ in answers} == {404}
        assert client.ask("POST", "/jmap/upload/A999/", b"x").status == 404


def test_a_disabled_account_is_shut_out(person: Any) -> None:
    from pillarbox.store.sql import accounts

    assert status_of(person, basic(person.login, PASSWORD)) == 200

    async def disable(opened: Opened) -> None:
        await opened.store.write(lambda tx: accounts.set_enabled(tx, person.number, False))

    person.server.administer(disable)
    assert status_of(person, basic(person.login, PASSWORD)) == 401


def test_no_password_over_plain_http_from_elsewhere() -> None:
    """Unit of the rule; the tests' sockets are all on this computer."""
    import asyncio

    from starlette.requests import Request

    from pillarbox.errors import NotAllowed
    from pillarbox.jmap.http.sign_in import SignIn
    from support.fake_clock import FakeClock

    scope = {
        "type": "http",
        "headers": [(b"authorization", basic("a@example.org", "x").encode())],
        "pillarbox.secure": False,
        "pillarbox.peer": "192.0.2.1",
    }
    sign_in = SignIn(None, None, None, FakeClock())  # type: ignore[arg-type]
    with pytest.raises(NotAllowed, match="https"):
        asyncio.run(sign_in.identify(Request(scope)))


def test_the_log_names_nobody_who_failed(person: Any) -> None:
    with person.client(basic("secret-name@example.org", "secret-password")) as client:
        assert client.ask("GET", "/jmap/session").status == 401
    log = person.server.log.read_text()
    assert '"door":"jmap"' in log
    assert "secret-name" not in log
    assert "secret-password" not in log
    assert isinstance(client, JmapClient)
