"""A session at a real server with two workers: what its cookie opens, and how it all ends."""

from __future__ import annotations

import imaplib
import json
import poplib
import smtplib
import ssl
import threading
import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest

from pillarbox.accounts.browser_sessions import BrowserSessions
from pillarbox.config.browser import BrowserSettings
from pillarbox.net.secret import Secret
from pillarbox.node.administration import Opened
from pillarbox.store.sql import second_factors
from pillarbox.testing import RunningServer, running_server
from support.jmap_client import Answer, JmapClient, basic, trusting
from support.machine import wall_bound

PASSWORD = "nineteen-harbour-lamps"
ANOTHER = "quite another harbour"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    accounts = {f"user{number}@example.org": PASSWORD for number in range(7)}
    with running_server(tmp_path_factory.mktemp("web"), workers=2, accounts=accounts) as running:
        yield running


class Page(JmapClient):
    """A browser's tab: the cookie, and the word that our own pages know."""

    def __init__(self, server: RunningServer, login: str) -> None:
        super().__init__(server.https, server.certificate)
        body = json.dumps({"email": login, "password": PASSWORD, "stay": True}).encode()
        answer = self.ask("POST", "/sign-in", body, Content_Type="application/json")
        assert answer.status == 200, answer.body
        jar: SimpleCookie = SimpleCookie(answer.headers["set-cookie"])
        self.cookie = f"__Host-pillarbox={jar['__Host-pillarbox'].value}"
        self.csrf: str = answer.json["csrf"]

    def fetch(self, method: str, path: str, value: Any = None, **headers: str) -> Answer:
        body = json.dumps(value).encode() if value is not None else None
        given = {
            "Cookie": self.cookie,
            "Content_Type": "application/json",
            "Sec_Fetch_Site": "same-origin",
            "X_Csrf_Token": self.csrf,
        }
        return self.ask(method, path, body, **{**given, **headers})


ECHO = {"using": ["urn:ietf:params:jmap:core"], "methodCalls": [["Core/echo", {"a": 1}, "0"]]}


def test_the_cookie_opens_jmap_to_our_own_pages_only(server: RunningServer) -> None:
    with Page(server, "user0@example.org") as page:
        assert page.fetch("GET", "/jmap/session").status == 200
        assert page.fetch("POST", "/jmap/api", ECHO).status == 200
        for headers in (
            {"X_Csrf_Token": ""},
            {"X_Csrf_Token": "x" * 43},
            {"X_Csrf_Token": "é"},
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site"},
            {"Origin": "https://evil.example"},
        ):
            assert page.fetch("POST", "/jmap/api", ECHO, **headers).status == 403, headers
        assert page.fetch("GET", "/jmap/session", Sec_Fetch_Site="cross-site").status == 403
        gone = page.fetch("GET", "/jmap/session", Cookie="__Host-pillarbox=" + "A" * 43)
        assert gone.status == 401
        assert "Basic" not in gone.headers["www-authenticate"]  # else the browser asks by itself
        assert page.fetch("GET", "/jmap/session", Cookie=page.cookie[7:]).status == 401


def test_basic_still_counts_before_the_cookie(server: RunningServer) -> None:
    with Page(server, "user0@example.org") as page:
        other = basic("user1@example.org", PASSWORD)
        answer = page.fetch("POST", "/jmap/api", ECHO, Authorization=other, X_Csrf_Token="")
        assert answer.status == 200
        wrong = basic("user0@example.org", "wrong")
        assert page.fetch("GET", "/jmap/session", Authorization=wrong).status == 401


def test_no_cookie_over_another_name(server: RunningServer) -> None:
    with Page(server, "user0@example.org") as page:
        assert page.fetch("GET", "/sign-in", Host="evil.example").status == 421


def events(page: Page) -> Any:
    """An event source by cookie; its lines."""
    page.connection.request(
        "GET",
        "/jmap/eventsource?types=*&closeafter=no&ping=5",
        headers={"Cookie": page.cookie, "Sec-Fetch-Site": "same-origin"},
    )
    response = page.connection.getresponse()
    assert response.status == 200
    assert response.readline() == b": \n"
    return response


def seconds_to_end(read: Any) -> float:
    began = time.monotonic()
    while read():
        assert time.monotonic() - began < 60
    return time.monotonic() - began


def test_a_session_that_is_ended_ends_its_stream_and_no_other(server: RunningServer) -> None:
    with Page(server, "user2@example.org") as one, Page(server, "user2@example.org") as two:
        streams = events(one), events(two)

        async def end_first(opened: Opened) -> None:
            sessions = await opened.store.read(
                lambda db: db.rows(
                    "SELECT session_id FROM browser_session WHERE csrf = ?", (one.csrf,)
                )
            )
            account = await opened.admin.find_account("user2@example.org")
            found = BrowserSessions(opened.store, opened.store.clock, BrowserSettings())
            await found.end(account.id, sessions[0][0])

        server.administer(end_first)
        assert seconds_to_end(streams[0].readline) < wall_bound(5)
        with Page(server, "user3@example.org") as fresh:
            assert fresh.fetch("GET", "/jmap/session", Cookie=one.cookie).status == 401
            assert fresh.fetch("GET", "/jmap/session", Cookie=two.cookie).status == 200
        assert not streams[1].closed


def test_rec_6_a_new_password_drops_everybody_within_seconds(server: RunningServer) -> None:
    login, context = "user4@example.org", trusting(server.certificate)
    imap = imaplib.IMAP4_SSL("localhost", server.imaps, ssl_context=context)
    pop3 = poplib.POP3_SSL("localhost", server.pop3s, context=context)
    smtp = smtplib.SMTP_SSL("localhost", server.submissions, context=context)
    bystander = imaplib.IMAP4_SSL("localhost", server.imaps, ssl_context=context)
    imap.login(login, PASSWORD)
    imap.select()
    imap.send(b"a1 IDLE\r\n")
    assert imap.readline().startswith(b"+")
    pop3.user(login)
    pop3.pass_(PASSWORD)
    smtp.login(login, PASSWORD)
    bystander.login("user5@example.org", PASSWORD)
    with Page(server, login) as page:
        stream = events(page)
        took: dict[str, float] = {}

        def watch(name: str, read: Any) -> None:
            try:
                took[name] = seconds_to_end(read)
            except (OSError, ssl.SSLError):
                took[name] = 0.0

        readers = {
            "imap": imap.readline,
            "pop3": pop3.file.readline,
            "smtp": lambda: smtp.sock.recv(100),
            "web": stream.readline,
        }
        threads = [threading.Thread(target=watch, args=one) for one in readers.items()]
        for thread in threads:
            thread.start()

        async def change(opened: Opened) -> None:
            await opened.admin.set_password(login, Secret(ANOTHER))

        server.administer(change)
        for thread in threads:
            thread.join(60)
        assert set(took) == set(readers)
        assert max(took.values()) < wall_bound(5), took
        with Page(server, "user5@example.org") as other:
            assert other.fetch("GET", "/jmap/session", Cookie=page.cookie).status == 401
    assert bystander.noop()[0] == "OK"
    bystander.logout()
    again = imaplib.IMAP4_SSL("localhost", server.imaps, ssl_context=context)
    with pytest.raises(imaplib.IMAP4.error):
        again.login(login, PASSWORD)
    again.logout()


def test_one_app_password_less_drops_only_those_that_used_it(server: RunningServer) -> None:
    login, context = "user6@example.org", trusting(server.certificate)

    async def make(opened: Opened) -> list[tuple[int, str]]:
        made = [await opened.admin.add_app_password(login, name) for name in ("one", "two")]
        return [(number, password.reveal().decode()) for number, password in made]

    (number, gone), (_, kept) = server.administer(make)
    opened = [imaplib.IMAP4_SSL("localhost", server.imaps, ssl_context=context) for _ in range(6)]
    for imap, password in zip(opened, (gone, kept, PASSWORD) * 2, strict=True):
        imap.login(login, password)
    dropped, left = opened[::3], [*opened[1::3], *opened[2::3]]

    async def remove(opened: Opened) -> None:
        await opened.admin.remove_app_password(login, number)

    server.administer(remove)
    assert max(seconds_to_end(imap.readline) for imap in dropped) < 5
    assert [imap.noop()[0] for imap in left] == ["OK"] * 4
    for imap in left:
        imap.logout()


def test_programs_are_told_that_they_need_an_app_password(server: RunningServer) -> None:
    login, context = "user1@example.org", trusting(server.certificate)

    async def ask_for_more(opened: Opened) -> None:
        account = await opened.admin.find_account(login)
        await opened.store.write(lambda tx: second_factors.require(tx, account.id, True))

    server.administer(ask_for_more)
    imap = imaplib.IMAP4_SSL("localhost", server.imaps, ssl_context=context)
    with pytest.raises(imaplib.IMAP4.error, match="app password"):
        imap.login(login, PASSWORD)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        imap.login(login, "wrong")
    imap.logout()
    pop3 = poplib.POP3_SSL("localhost", server.pop3s, context=context)
    pop3.user(login)
    with pytest.raises(poplib.error_proto, match="app password"):
        pop3.pass_(PASSWORD)
    pop3.quit()
    smtp = smtplib.SMTP_SSL("localhost", server.submissions, context=context)
    with pytest.raises(smtplib.SMTPAuthenticationError, match="app password"):
        smtp.login(login, PASSWORD)
    smtp.quit()
    with JmapClient(server.https, server.certificate, basic(login, PASSWORD)) as client:
        refused = client.ask("GET", "/jmap/session")
        assert refused.status == 401 and "app password" in refused.json["detail"]


PUBLIC = [
    "/", "/sign-in", "/sign-in/second", "/forgot", "/forgot/code", "/addresses", "/devices",
    "/admin-help", "/sign-up", "/invite/x", "/reset/x", "/mail/", "/basic/", "/nothing",
    "/account/state", "/assets/pages.css", "/assets/pages.js", "/jmap/session", "/sw.js",
]  # fmt: skip


@pytest.mark.parametrize("path", PUBLIC)
def test_every_answer_has_a_policy_without_holes(server: RunningServer, path: str) -> None:
    with JmapClient(server.https, server.certificate) as stranger:
        answers = [stranger.ask("GET", path, Accept="text/html")]
    with Page(server, "user0@example.org") as page:
        answers.append(page.fetch("GET", path, Accept="text/html"))
    for answer in answers:
        assert answer.status < 500
        policy = dict(
            part.strip().partition(" ")[::2]
            for part in answer.headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] in ("'none'", "'self'")
        script = policy.get("script-src", policy["default-src"])
        assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "https:", "data:"} & set(
            script.split()
        )
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
