"""What its owner lets programs see of an inbox, and what becomes of what they fetch: by poplib."""

from __future__ import annotations

import asyncio
import contextlib
import poplib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pillarbox.clock import unix_seconds
from pillarbox.config.pop3 import Pop3Settings
from pillarbox.store.model import Flag, Role
from pillarbox.store.sql import changes, mailboxes, messages, pop_view
from pillarbox.store.sql.pop_view import AfterFetching, PopView
from support.people import ALICE_PASSWORD
from support.pop3_bench import Pop3Bench, pop3_bench

DAY = 86_400
SUBJECTS = ["one", "two", "three"]


@contextlib.contextmanager
def signed_in(bench: Pop3Bench) -> Iterator[poplib.POP3]:
    """QUIT at the end, as deletions need it."""
    client = poplib.POP3("127.0.0.1", bench.port, timeout=60)
    client.user("alice@example.org")
    client.pass_(ALICE_PASSWORD)
    try:
        yield client
    finally:
        client.quit()


def look(bench: Pop3Bench) -> dict[str, str]:
    """Unique ids by subject, of all that is shown."""
    with signed_in(bench) as client:
        count, octets = client.stat()
        listed = [int(line.split()[1]) for line in client.list()[1]]
        ids = [line.split()[1].decode() for line in client.uidl()[1]]
        assert (count, octets, len(ids)) == (len(listed), sum(listed), count)
        heads = [client.top(number, 0)[1][0].decode() for number in range(1, count + 1)]
        return dict(zip([head.removeprefix("Subject: ") for head in heads], ids, strict=True))


def fetch(bench: Pop3Bench, *numbers: int, and_delete: bool = True) -> None:
    with signed_in(bench) as client:
        for number in numbers:
            client.retr(number)
            if and_delete:
                client.dele(number)


@dataclass(frozen=True)
class Mail:
    """How many messages alice has in each place, and how many of the inbox are unread."""

    inbox: int
    trash: int
    archive: int
    unseen: int


async def mail(bench: Pop3Bench) -> Mail:
    async def count(role: Role) -> int:
        found = await bench.people.store.read(
            lambda db: mailboxes.by_role(db, bench.people.alice.id, role)
        )
        return found.messages if found is not None else 0

    inbox = await bench.people.store.read(
        lambda db: mailboxes.by_role(db, bench.people.alice.id, Role.INBOX)
    )
    assert inbox is not None
    places = [await count(role) for role in (Role.INBOX, Role.TRASH, Role.ARCHIVE)]
    return Mail(*places, unseen=inbox.unseen)


async def choose(bench: Pop3Bench, view: PopView) -> None:
    await bench.people.store.write(lambda tx: pop_view.put(tx, bench.people.alice.id, view))


def on_bench(
    folder: Path,
    test: Callable[[Pop3Bench], Awaitable[None]],
    settings: Pop3Settings | None = None,
) -> None:
    """With three messages: one of today, one of ten days ago, one of last year."""

    async def run() -> None:
        async with pop3_bench(folder, settings) as bench:
            now = unix_seconds(bench.services.clock.now())
            for subject, age in zip(SUBJECTS, (400, 10, 0), strict=True):
                octets = f"Subject: {subject}\r\n\r\nText of {subject}.\r\n".encode()
                await bench.deliver(octets, received_at=now - age * DAY)
            await test(bench)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("after", "site", "then"),
    [
        (AfterFetching.DELETE, "nowhere", Mail(1, 0, 0, 1)),
        (AfterFetching.DELETE, "trash", Mail(1, 2, 0, 1)),
        (AfterFetching.TRASH, "nowhere", Mail(1, 2, 0, 1)),
        (AfterFetching.ARCHIVE, "nowhere", Mail(1, 0, 2, 1)),
        (AfterFetching.ARCHIVE, "trash", Mail(1, 0, 2, 1)),
        (AfterFetching.READ, "nowhere", Mail(3, 0, 0, 1)),
        (AfterFetching.READ, "trash", Mail(3, 0, 0, 1)),
        (AfterFetching.KEEP, "nowhere", Mail(3, 0, 0, 3)),
    ],
)
def test_what_becomes_of_what_was_fetched(
    tmp_path: Path, after: AfterFetching, site: str, then: Mail
) -> None:
    async def test(bench: Pop3Bench) -> None:
        await choose(bench, PopView(after=after))
        before = await asyncio.to_thread(look, bench)
        assert list(before) == SUBJECTS
        await asyncio.to_thread(fetch, bench, 1, 3)
        assert await mail(bench) == then
        left = await asyncio.to_thread(look, bench)
        assert left == (before if then.inbox == 3 else {"two": before["two"]})

    on_bench(tmp_path, test, Pop3Settings(deleted_goes_to=site))  # type: ignore[arg-type]


def test_looking_changes_nothing(tmp_path: Path) -> None:
    async def test(bench: Pop3Bench) -> None:
        before = await asyncio.to_thread(look, bench)
        for after in AfterFetching:
            await choose(bench, PopView(after=after, hides_fetched=True))
            await asyncio.to_thread(fetch, bench, 1, 2, 3, and_delete=False)
            assert await mail(bench) == Mail(3, 0, 0, 3)
            assert await asyncio.to_thread(look, bench) == before

    on_bench(tmp_path, test)


@pytest.mark.parametrize("after", [AfterFetching.KEEP, AfterFetching.READ])
def test_what_stayed_is_shown_once_for_who_wishes_so(tmp_path: Path, after: AfterFetching) -> None:
    async def test(bench: Pop3Bench) -> None:
        await choose(bench, PopView(after=after, hides_fetched=True))
        before = await asyncio.to_thread(look, bench)
        await asyncio.to_thread(fetch, bench, 1, 3)
        assert await asyncio.to_thread(look, bench) == {"two": before["two"]}
        assert (await mail(bench)).inbox == 3
        await asyncio.to_thread(fetch, bench, 1)
        assert await asyncio.to_thread(look, bench) == {}
        await bench.deliver(b"Subject: new\r\n\r\nText.\r\n")
        assert list(await asyncio.to_thread(look, bench)) == ["new"]
        await choose(bench, PopView(after=after))
        again = await asyncio.to_thread(look, bench)
        assert list(again) == [*SUBJECTS, "new"]
        assert {subject: again[subject] for subject in SUBJECTS} == before

    on_bench(tmp_path, test)


def test_a_broken_connection_counts_for_nothing(tmp_path: Path) -> None:
    """RFC 1939 §6: only QUIT enters UPDATE."""

    def break_off(bench: Pop3Bench) -> None:
        client = poplib.POP3("127.0.0.1", bench.port, timeout=60)
        client.user("alice@example.org")
        client.pass_(ALICE_PASSWORD)
        client.dele(1)
        client.close()

    async def test(bench: Pop3Bench) -> None:
        await choose(bench, PopView(after=AfterFetching.READ, hides_fetched=True))
        await asyncio.to_thread(break_off, bench)
        await bench.all_gone()
        assert await mail(bench) == Mail(3, 0, 0, 3)
        assert list(await asyncio.to_thread(look, bench)) == SUBJECTS

    on_bench(tmp_path, test)


@pytest.mark.parametrize(
    ("days", "shown"), [(None, SUBJECTS), (30, ["two", "three"]), (5, ["three"])]
)
def test_how_far_back_programs_see(tmp_path: Path, days: int | None, shown: list[str]) -> None:
    async def test(bench: Pop3Bench) -> None:
        everything = await asyncio.to_thread(look, bench)
        await choose(bench, PopView(days=days))
        found = await asyncio.to_thread(look, bench)
        assert found == {subject: everything[subject] for subject in shown}
        await asyncio.to_thread(fetch, bench, 1)  # the first that is shown, not the oldest
        assert list(await asyncio.to_thread(look, bench)) == shown[1:]
        await choose(bench, PopView())
        left = [subject for subject in SUBJECTS if subject != shown[0]]
        assert list(await asyncio.to_thread(look, bench)) == left

    on_bench(tmp_path, test)


def test_two_copies_of_a_message_keep_their_unique_ids(tmp_path: Path) -> None:
    async def test(bench: Pop3Bench) -> None:
        store, alice = bench.people.store, bench.people.alice.id
        inbox = await store.read(lambda db: mailboxes.by_role(db, alice, Role.INBOX))
        assert inbox is not None
        places = await store.read(lambda db: changes.placed(db, alice, inbox.id))
        await store.write(lambda tx: messages.copy(tx, alice, inbox.id, [places[-1].uid], inbox.id))

        def ids() -> list[bytes]:
            with signed_in(bench) as client:
                return [line.split()[1] for line in client.uidl()[1]]

        before = await asyncio.to_thread(ids)
        assert len(set(before)) == 4
        await choose(bench, PopView(days=5))
        assert await asyncio.to_thread(ids) == before[2:]

    on_bench(tmp_path, test)


def test_an_archive_that_is_not_there_loses_nothing(tmp_path: Path) -> None:
    async def test(bench: Pop3Bench) -> None:
        store, alice = bench.people.store, bench.people.alice.id
        await store.write(lambda tx: mailboxes.delete(tx, alice, "Archive"))
        await choose(bench, PopView(after=AfterFetching.ARCHIVE, hides_fetched=True))
        await asyncio.to_thread(fetch, bench, 1)
        assert (await mail(bench)).inbox == 3
        assert list(await asyncio.to_thread(look, bench)) == SUBJECTS[1:]

    on_bench(tmp_path, test)


def test_a_server_that_keeps_nothing_retrieved_obeys_the_choice(tmp_path: Path) -> None:
    """EXPIRE 0 names the least that a server does; its owner may have the mail kept longer."""

    async def test(bench: Pop3Bench) -> None:
        await choose(bench, PopView(after=AfterFetching.READ))
        await asyncio.to_thread(fetch, bench, 2, and_delete=False)
        assert await mail(bench) == Mail(3, 0, 0, 2)

    on_bench(tmp_path, test, Pop3Settings(keep_retrieved=False))


def test_other_programs_hear_of_what_was_read(tmp_path: Path) -> None:
    async def test(bench: Pop3Bench) -> None:
        store, alice = bench.people.store, bench.people.alice.id
        before = await store.read(lambda db: changes.account_modseq(db, alice))
        await choose(bench, PopView(after=AfterFetching.READ))
        await asyncio.to_thread(fetch, bench, 2)
        inbox = await store.read(lambda db: mailboxes.by_role(db, alice, Role.INBOX))
        assert inbox is not None
        found = await store.read(lambda db: changes.since(db, alice, inbox.id, before))
        assert [(one.uid, one.flags) for one in found.placed] == [(2, int(Flag.SEEN))]
        assert not found.expunged

    on_bench(tmp_path, test)
