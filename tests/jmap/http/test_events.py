"""Changes told as they happen, whoever made them: another worker, another program, this process."""

from __future__ import annotations

import imaplib
import smtplib
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pillarbox.node.administration import Opened
from pillarbox.store.sql import accounts, mailboxes
from pillarbox.testing import running_server
from support.jmap_client import Events, JmapClient, basic

pytestmark = pytest.mark.timed

PASSWORD = "correct-horse-9"
ALL = "types=*&closeafter=no&ping=0"


def deliver(person: Any, subject: str = "Hello") -> None:
    with smtplib.SMTP("127.0.0.1", person.server.smtp) as smtp:
        smtp.sendmail("carol@example.net", [person.login], f"Subject: {subject}\r\n\r\nHi\r\n")


def see_by_imap(person: Any) -> None:
    context = ssl.create_default_context(cafile=str(person.server.certificate))
    with imaplib.IMAP4_SSL("localhost", person.server.imaps, ssl_context=context) as imap:
        imap.login(person.login, PASSWORD)
        imap.select()
        imap.store("1", "+FLAGS", "\\Seen")


@pytest.fixture
def client(person: Any) -> Iterator[JmapClient]:
    with person.client() as made:
        yield made


def test_what_another_program_does_is_told_at_once(person: Any, client: JmapClient) -> None:
    """Several connections, so that both workers have some; each hears of all."""
    sources = [Events(client, ALL) for _ in range(2)]
    assert [one.status for one in sources] == [200, 200]
    headers = sources[0].response.headers
    assert headers["Content-Type"].startswith("text/event-stream")
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    try:
        began = time.monotonic()
        deliver(person)
        for source in sources:
            event = source.next()
            assert event is not None
            assert event["event"] == "state"
            assert event["data"]["@type"] == "StateChange"
            states = event["data"]["changed"][person.id]
            assert {"Email", "Mailbox", "Thread", "EmailDelivery"} <= set(states)
            assert states["Email"] == event["id"]
        assert time.monotonic() - began < 2
        see_by_imap(person)
        event = sources[1].next()
        assert event is not None
        assert "EmailDelivery" not in event["data"]["changed"][person.id]

        async def make(opened: Opened) -> None:
            await opened.store.write(lambda tx: mailboxes.create(tx, person.number, "By hand"))

        person.server.administer(make)
        event = sources[1].next()
        assert event is not None
        assert "Mailbox" in event["data"]["changed"][person.id]
    finally:
        for source in sources:
            source.connection.close()


def test_only_what_was_asked_for_and_only_ones_own(
    person: Any, client: JmapClient, server: Any
) -> None:
    other = type(person)(server, "user155@example.org", 156)
    with Events(client, "types=Mailbox,Nonsense&closeafter=state&ping=0") as source:
        deliver(other)
        deliver(person)
        event = source.next()
        assert event is not None
        assert list(event["data"]["changed"]) == [person.id]
        assert list(event["data"]["changed"][person.id]) == ["Mailbox"]
        assert source.next() is None  # closed after it


def test_delivery_alone(person: Any, client: JmapClient) -> None:
    deliver(person)
    with Events(client, "types=EmailDelivery&closeafter=state&ping=0") as source:
        see_by_imap(person)
        time.sleep(0.5)
        deliver(person)
        event = source.next()
        assert event is not None
        assert list(event["data"]["changed"][person.id]) == ["EmailDelivery"]


def test_who_comes_back_hears_what_was_missed(person: Any, client: JmapClient) -> None:
    with Events(client, "types=Email&closeafter=state&ping=0") as source:
        deliver(person)
        event = source.next()
    assert event is not None
    deliver(person)
    for last in (event["id"], "1", "nonsense"):
        query = "types=Email&closeafter=state&ping=0"
        with Events(client, query, Last_Event_ID=last) as source:
            missed = source.next()
            assert missed is not None
            assert int(missed["id"]) > int(event["id"])
    with Events(client, "types=Email&closeafter=no&ping=5", Last_Event_ID=missed["id"]) as source:
        again = source.next()
        assert again is not None
        assert again["event"] == "ping"  # nothing was missed
        assert again["data"] == {"interval": 5}
        assert "id" not in again


def test_a_burst_is_a_few_events(person: Any, client: JmapClient) -> None:
    with Events(client, ALL) as source, ThreadPoolExecutor(4) as pool:
        began = time.monotonic()
        list(pool.map(lambda number: deliver(person, str(number)), range(40)))
        seconds = time.monotonic() - began
        events = []
        while not events or events[-1]["data"]["changed"][person.id]["EmailDelivery"] != "40":
            event = source.next()
            assert event is not None
            events.append(event)
    assert len(events) <= seconds / 0.25 + 3
    ids = [int(event["id"]) for event in events]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize(
    "query",
    [
        "types=*&closeafter=maybe&ping=0",
        "types=*&closeafter=no&ping=-1",
        "types=*&closeafter=no&ping=1e3",
        "types=*&closeafter=no&ping=%D9%A3",
        "types=*&closeafter=no&ping=" + "9" * 20,
        "types=&closeafter=no&ping=0",
        "types=Email,,Mailbox&closeafter=no&ping=0",
        "types=*&types=Email&closeafter=no&ping=0",
        "types=" + ",".join(["Email"] * 101) + "&closeafter=no&ping=0",
        "types=%0d%0aevent:x&closeafter=no&ping=0",
    ],
)
def test_what_cannot_be_asked_for(client: JmapClient, query: str) -> None:
    found = client.ask("GET", f"/jmap/eventsource?{query}")
    assert found.status == 400
    assert found.headers["content-type"] == "application/problem+json"


def test_so_many_connections_of_one_person(person: Any, client: JmapClient) -> None:
    """Two in each worker; places are given back."""
    sources = [Events(client, ALL) for _ in range(8)]
    statuses = sorted(source.status for source in sources)
    for source in sources:
        source.connection.close()
    assert 2 <= statuses.count(200) <= 4
    assert set(statuses) <= {200, 429}
    end = time.monotonic() + 5
    while time.monotonic() < end:
        with Events(client, ALL) as source:
            if source.status == 200:
                return
        time.sleep(0.1)
    raise AssertionError("the places were not given back")


def test_a_disabled_account_hears_no_more(person: Any, client: JmapClient) -> None:
    async def disable(opened: Opened) -> None:
        await opened.store.write(lambda tx: accounts.set_enabled(tx, person.number, False))
        await opened.store.write(lambda tx: mailboxes.create(tx, person.number, "New"))

    with Events(client, ALL) as source:
        person.server.administer(disable)
        assert source.next() is None


def test_streams_end_when_the_server_is_reloaded_or_stopped(tmp_path: Any) -> None:
    with running_server(tmp_path, workers=2, accounts={"alice@example.org": PASSWORD}) as server:
        authorization = basic("alice@example.org", PASSWORD)
        with JmapClient(server.https, server.certificate, authorization) as client:
            with Events(client, ALL) as source:
                server.change({"jmap": {"max_calls": 32}})
                server.reload()
                assert source.next() is None
            with Events(client, ALL) as source, ThreadPoolExecutor(1) as pool:
                assert source.status == 200
                began = time.monotonic()
                stopping = pool.submit(server.stop)
                assert source.next() is None
                source.connection.close()
                assert stopping.result() == 0
                assert time.monotonic() - began < 4


def test_progress_of_operations_comes_by_itself(person: Any, client: JmapClient) -> None:
    """The whole record, so that a page need not ask while an operation runs."""
    for number in range(3):
        deliver(person, f"Letter {number}")
    using = ("urn:ietf:params:jmap:core", "urn:pillarbox:jmap:bulk")
    create = {"b": {"filter": {}, "action": {"type": "setKeywords", "keywords": {"$seen": True}}}}
    with Events(client, ALL) as source:
        asked = {"accountId": person.id, "create": create}
        answer = client.call(["BulkOperation/set", asked, "c"], using=using)
        number = answer.json["methodResponses"][0][1]["created"]["b"]["id"]
        seen = []
        while not seen or seen[-1]["finishedAt"] is None:
            event = source.next()
            assert event is not None
            if event["event"] == "bulk":
                seen += [one for one in event["data"] if one["id"] == number]
    assert seen[-1]["status"] == "done" and seen[-1]["done"] == 3
