"""Operations in a real server: killed in the middle, stopped, seen by others while they go on."""

from __future__ import annotations

import imaplib
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pillarbox.flow.bulk import orders
from pillarbox.flow.bulk.actions import Move
from pillarbox.flow.bulk.orders import Order, Selection
from pillarbox.ids import AccountId, BulkId
from pillarbox.node.administration import Opened
from pillarbox.store import query as q
from pillarbox.store.sql import bulk, mailboxes
from pillarbox.store.sql.bulk import OPEN, BulkRow, BulkStatus
from pillarbox.testing import RunningServer, running_server
from support.large_mailbox import grow
from support.machine import wall_bound

PASSWORD = "correct-horse-9"
LOGIN = "alice@example.org"
MANY = 3000
ALICE = AccountId(1)
# So slow that a test can come in between: some 60 steps with a pause after each.
SLOW = {
    "first_step_messages": 50,
    "most_step_messages": 50,
    "rest_percent": 1000,
    "quiet_rest_percent": 1000,
}

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """Two workers; alice has many messages."""
    tables = {"bulk": SLOW | {"lease_seconds": 2}}
    ready = {LOGIN: PASSWORD}
    with running_server(tmp_path, workers=2, accounts=ready, settings=tables) as running:

        async def fill(opened: Opened) -> None:
            inbox = await opened.store.read(lambda db: mailboxes.find(db, ALICE, "INBOX"))
            assert inbox is not None
            await grow(opened.store, ALICE, inbox.id, MANY)

        running.administer(fill)
        yield running


def begin(server: RunningServer) -> BulkId:
    """All of the inbox to the trash."""

    async def work(opened: Opened) -> BulkId:
        tree = await opened.store.read(lambda db: mailboxes.tree(db, ALICE))
        box = {one.path: one.id for one in tree}
        selection = Selection(query=q.InMailbox(box["INBOX"]))
        order = Order(account=ALICE, selection=selection, action=Move(box["Trash"]))
        return (await orders.begin(opened.store, order)).id

    return server.administer(work)


def look(server: RunningServer, number: BulkId) -> BulkRow:
    async def work(opened: Opened) -> BulkRow:
        return await opened.store.read(lambda db: bulk.get(db, ALICE, number))

    return server.administer(work)


def until(server: RunningServer, number: BulkId, holds: Callable[[BulkRow], bool]) -> BulkRow:
    ends_at = time.monotonic() + 60
    while not holds(row := look(server, number)):
        assert time.monotonic() < ends_at, row
        time.sleep(0.02)
    return row


def ids_in(server: RunningServer, path: str) -> list[int]:
    async def work(opened: Opened) -> list[int]:
        rows = await opened.store.read(
            lambda db: db.rows(
                "SELECT message_id FROM placement JOIN mailbox USING (account_id, mailbox_id)"
                " WHERE account_id = ? AND path = ? ORDER BY 1",
                (ALICE, path),
            )
        )
        assert (await opened.store.verify()).problems == []
        return [message for (message,) in rows]

    return server.administer(work)


def deliver(server: RunningServer) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp) as smtp:
        smtp.sendmail("carol@example.net", [LOGIN], "Subject: Late\r\n\r\nJust came.\r\n")


@pytest.mark.timed
def test_killed_at_forty_percent_it_goes_on(server: RunningServer) -> None:
    """BULK-2 and BULK-5: nothing lost, nothing twice, what came meanwhile stays."""
    before = ids_in(server, "INBOX")
    number = begin(server)
    until(server, number, lambda row: row.done >= 0.4 * MANY)
    deliver(server)
    server.kill9()
    killed = look(server, number)
    assert killed.status in OPEN and killed.done < MANY
    assert len(ids_in(server, "Trash")) == killed.done
    server.start()
    began = time.monotonic()
    ended = until(server, number, lambda row: row.status not in OPEN)
    assert (ended.status, ended.done, ended.failed) == (BulkStatus.DONE, MANY, 0)
    assert time.monotonic() - began < 30
    assert ids_in(server, "Trash") == before
    left = ids_in(server, "INBOX")
    assert len(left) == 1 and left[0] not in before


@pytest.mark.timed
def test_stopped_within_a_second_with_the_right_count(server: RunningServer) -> None:
    """BULK-3."""
    number = begin(server)
    until(server, number, lambda row: row.done > 0)

    async def cancel(opened: Opened) -> None:
        await opened.store.write(lambda tx: bulk.cancel(tx, ALICE, number))

    began = time.monotonic()
    server.administer(cancel)
    stopped = until(server, number, lambda row: row.status not in OPEN)
    assert time.monotonic() - began < wall_bound(1)
    assert stopped.status is BulkStatus.CANCELLED and 0 < stopped.done < MANY
    assert len(ids_in(server, "Trash")) == stopped.done


@pytest.mark.timed
def test_who_idles_hears_of_each_message_that_goes(server: RunningServer) -> None:
    """BULK-6."""
    context = ssl.create_default_context(cafile=str(server.certificate))
    with imaplib.IMAP4_SSL("localhost", server.imaps, ssl_context=context) as imap:
        imap.login(LOGIN, PASSWORD)
        imap.select()
        number = begin(server)
        imap.send(b"a IDLE\r\n")
        assert imap.readline().startswith(b"+")
        began = time.monotonic()
        first, gone = 0.0, 0
        while gone < MANY:
            line = imap.readline()
            assert line.endswith(b" EXPUNGE\r\n") or b"EXISTS" in line or b"RECENT" in line, line
            gone += line.endswith(b" EXPUNGE\r\n")
            first = first or time.monotonic() - began
        assert first < wall_bound(1.5)  # a second after its step
        imap.send(b"DONE\r\n")
        while not imap.readline().startswith(b"a OK"):
            pass
        assert imap.select()[1] == [b"0"]
    until(server, number, lambda row: row.status not in OPEN)
