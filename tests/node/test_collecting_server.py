"""A whole server collects from another one: real processes, IMAP and POP3, killed in between."""

from __future__ import annotations

import imaplib
import smtplib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from pillarbox.clock import SystemClock
from pillarbox.flow.collect.remotes import Remote, Remotes
from pillarbox.flow.collect.settings import Kind, RemoteSettings, SendAs, ServerSpec, SignIn
from pillarbox.flow.collect.source import AtSource
from pillarbox.ids import RemoteId
from pillarbox.net.secret import Secret
from pillarbox.node.administration import Opened
from pillarbox.node.collecting_parts import make_remotes
from pillarbox.testing import RunningServer, running_server

pytestmark = pytest.mark.slow

T = TypeVar("T")
PASSWORD = "one-2-three-and-4"
WAIT_SECONDS = 60


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder: Path = tmp_path_factory.mktemp("elsewhere")
    accounts = {f"{name}@example.net": PASSWORD for name in ("old", "pop", "many", "wrong")}
    with running_server(folder, accounts=accounts) as running:
        yield running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    collect = {"shortest_schedule_seconds": 1, "lease_seconds": 3, "round_seconds": 0.3}
    with running_server(
        tmp_path,
        workers=2,
        accounts={"alice@example.org": PASSWORD},
        settings={
            "collect": {**collect, "first_retry_seconds": 1},
            "outbound": {"transport": "smtp"},
        },
    ) as running:
        yield running


def ask(server: RunningServer, work: Callable[[Remotes, Opened], object]) -> object:
    async def main(opened: Opened) -> object:
        return await work(make_remotes(opened.settings, opened.store, SystemClock()), opened)  # type: ignore[misc]

    return server.administer(main)


def add(
    server: RunningServer,
    elsewhere: RunningServer,
    kind: Kind,
    login: str,
    *,
    password: str = PASSWORD,
    allow_private: bool = True,
    **more: object,
) -> RemoteId:
    port = elsewhere.imap if kind == "imap" else elsewhere.pop3
    settings = RemoteSettings(
        kind=kind,
        server=ServerSpec("127.0.0.1", port, "none"),
        login=login,
        label=login,
        allow_private=allow_private,
        schedule_seconds=1,
        **more,  # type: ignore[arg-type]
    )

    async def work(remotes: Remotes, opened: Opened) -> RemoteId:
        account = await opened.admin.find_account("alice@example.org")
        return await remotes.add(account.id, settings, SignIn(login, Secret(password)))

    return ask(server, work)  # type: ignore[return-value]


def see(server: RunningServer, remote: RemoteId) -> Remote:
    return ask(server, lambda remotes, _: remotes.get(remote))  # type: ignore[return-value]


def sign_in(server: RunningServer, login: str) -> imaplib.IMAP4:
    client = imaplib.IMAP4(server.host, server.imap, timeout=60)
    client.login(login, PASSWORD)
    return client


def put(server: RunningServer, login: str, numbers: range, mailbox: str = "INBOX") -> None:
    client = sign_in(server, login)
    for number in numbers:
        octets = f"From: bob@example.net\r\nSubject: Letter {number}\r\n\r\nHello.\r\n".encode()
        assert client.append(mailbox, r"(\Flagged)", "", octets)[0] == "OK"
    client.logout()


def subjects(server: RunningServer, login: str, mailbox: str = "INBOX") -> list[str]:
    client = sign_in(server, login)
    try:
        if client.select(mailbox, readonly=True)[0] != "OK":
            return []
        found = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
        lines = [one[1].decode().strip() for one in found if isinstance(one, tuple)]
        return sorted(line.removeprefix("Subject: ") for line in lines)
    finally:
        client.logout()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.2)


def letters(numbers: range) -> list[str]:
    return sorted(f"Letter {number}" for number in numbers)


def test_imap_with_folders_and_what_comes_later(
    server: RunningServer, elsewhere: RunningServer
) -> None:
    put(elsewhere, "old@example.net", range(5))
    client = sign_in(elsewhere, "old@example.net")
    client.create("Work/Plans")
    client.logout()
    put(elsewhere, "old@example.net", range(5, 8), "Work/Plans")
    remote = add(server, elsewhere, "imap", "old@example.net", idle=True)
    until(lambda: subjects(server, "alice@example.org", "Work/Plans") == letters(range(5, 8)))
    assert subjects(server, "alice@example.org") == letters(range(5))
    until(lambda: see(server, remote).succeeded_at is not None)
    put(elsewhere, "old@example.net", range(8, 9))
    until(lambda: "Letter 8" in subjects(server, "alice@example.org"))
    assert see(server, remote).is_running
    assert PASSWORD not in server.log_tail()


def test_pop3_is_emptied_of_what_is_safe_here(
    server: RunningServer, elsewhere: RunningServer
) -> None:
    put(elsewhere, "pop@example.net", range(20))
    add(server, elsewhere, "pop3", "pop@example.net", at_source=AtSource("delete"))
    until(lambda: subjects(elsewhere, "pop@example.net") == [])
    assert subjects(server, "alice@example.org") == letters(range(20))


def test_killed_in_between_nothing_is_lost_or_twice(
    server: RunningServer, elsewhere: RunningServer
) -> None:
    put(elsewhere, "many@example.net", range(300))
    remote = add(server, elsewhere, "imap", "many@example.net")
    until(lambda: len(subjects(server, "alice@example.org")) > 0)
    server.kill9()
    server.start()
    put(elsewhere, "many@example.net", range(300, 310))
    until(lambda: len(subjects(server, "alice@example.org")) >= 310)
    assert subjects(server, "alice@example.org") == letters(range(310))
    until(lambda: see(server, remote).trouble == "")
    server.restart()
    put(elsewhere, "many@example.net", range(310, 312))
    until(lambda: subjects(server, "alice@example.org") == letters(range(312)))


def test_a_wrong_password_needs_attention(server: RunningServer, elsewhere: RunningServer) -> None:
    remote = add(server, elsewhere, "imap", "wrong@example.net", password="no-such-secret")
    until(lambda: see(server, remote).state.value == "attention")
    seen = see(server, remote)
    assert (seen.trouble, seen.failures) == ("sign-in", 3)
    assert "no-such-secret" not in server.log_tail() + seen.why


def test_a_private_address_is_refused(server: RunningServer, elsewhere: RunningServer) -> None:
    remote = add(server, elsewhere, "imap", "old@example.net", allow_private=False)
    until(lambda: see(server, remote).trouble == "address")


def submit(server: RunningServer, sender: str, to: str) -> None:
    with smtplib.SMTP(server.host, server.submission, timeout=60) as client:
        client.login("alice@example.org", PASSWORD)
        letter = f"From: {sender}\r\nTo: {to}\r\nSubject: As elsewhere\r\n\r\nHello.\r\n"
        client.sendmail(sender, [to], letter)


def test_mail_leaves_from_an_address_elsewhere(
    server: RunningServer, elsewhere: RunningServer
) -> None:
    provider = ServerSpec("127.0.0.1", elsewhere.submission, "none")
    send_as = SendAs(addresses=("wrong@example.net",), server=provider)
    add(server, elsewhere, "imap", "wrong@example.net", send_as=send_as)
    submit(server, "wrong@example.net", "old@example.net")
    until(lambda: "As elsewhere" in subjects(elsewhere, "old@example.net"))
    client = sign_in(elsewhere, "old@example.net")
    client.select(readonly=True)
    (found,) = client.search(None, "SUBJECT", '"As elsewhere"')[1]
    octets = client.fetch(found.decode(), "(BODY.PEEK[HEADER])")[1][0][1]
    client.logout()
    assert b"Return-Path: <wrong@example.net>" in octets
    assert b"ESMTPA" in octets, "the provider did not see who it is"
