"""What a run brings, once; what it does when it is cut, killed, refused or lied to."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest
from msgspec.structs import replace

from pillarbox.config.intake import IntakeSettings
from pillarbox.errors import NotAllowed
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.run import run
from pillarbox.flow.collect.source import AtSource, RemoteFolder, SourceFailure
from pillarbox.store.model import Flag, Role
from pillarbox.store.sql import accounts, mailboxes
from support.collecting import Collection, held, sha
from support.fake_source import Elsewhere, FakeSource
from support.store_box import Box, letter

SEEN, FLAGGED = int(Flag.SEEN), int(Flag.FLAGGED)
OLD = 1_000_000_000


def small() -> Elsewhere:
    there = Elsewhere()
    inbox = there.folder("INBOX")
    inbox.put(letter("One"), flags=SEEN, keywords="Work", received_at=OLD)
    inbox.put(letter("Two"), received_at=OLD + 1)
    there.folder("Old/Deep", subscribed=True).put(letter("Three"), received_at=OLD + 2)
    there.folder("Gesendet", role=Role.SENT).put(letter("Four"), flags=FLAGGED, received_at=OLD + 3)
    there.folder("Empty")
    return there


SMALL = {
    "INBOX": [(sha(letter("One")), SEEN, "Work", OLD), (sha(letter("Two")), 0, "", OLD + 1)],
    "Drafts": [],
    "Junk": [],
    "Trash": [],
    "Archive": [],
    "Empty": [],
    "Old": [],
    "Old/Deep": [(sha(letter("Three")), 0, "", OLD + 2)],
    "Sent": [(sha(letter("Four")), FLAGGED, "", OLD + 3)],
}


async def test_everything_comes_once(box: Box) -> None:
    collection, there = await Collection.add(box), small()
    outcome, progress = await collection.run(FakeSource(there))
    assert outcome.complete
    assert await held(box) == SMALL
    assert (progress.brought, progress.already, progress.failed) == (4, 0, 0)
    assert (progress.messages, progress.messages_done) == (4, 4)
    assert progress.octets == progress.octets_done > 0
    assert (progress.folders, progress.folders_done) == (4, 4)
    assert "Old/Deep" in await box.store.read(lambda db: mailboxes.subscriptions(db, box.alice.id))

    there.folder("INBOX").put(letter("Five"), received_at=OLD)
    source = FakeSource(there)
    _, progress = await collection.run(source)
    assert source.fetched == ["3"]
    assert (progress.brought, progress.already, progress.messages_done) == (1, 4, 5)
    assert (await held(box))["INBOX"][2:] == [(sha(letter("Five")), 0, "", OLD)]


async def test_same_content_in_two_folders_and_twice_in_one(box: Box) -> None:
    there = Elsewhere()
    for path in ("INBOX", "INBOX", "Work"):
        there.folder(path).put(letter("Same"))
    collection = await Collection.add(box)
    await collection.run(FakeSource(there))
    found = await held(box)
    assert (len(found["INBOX"]), len(found["Work"])) == (2, 1)


async def test_what_was_deleted_here_does_not_come_again(box: Box) -> None:
    collection, there = await Collection.add(box), small()
    await collection.run(FakeSource(there))
    await box.store.write(lambda tx: mailboxes.delete(tx, box.alice.id, "Old/Deep"))
    await collection.run(FakeSource(there))
    assert "Old/Deep" not in await held(box)
    there.folder("Old/Deep").put(letter("New"))
    await collection.run(FakeSource(there))
    assert [one[0] for one in (await held(box))["Old/Deep"]] == [sha(letter("New"))]


async def test_cut_at_every_step(box: Box) -> None:
    collection, there = await Collection.add(box), small()
    collection.limits = IntakeSettings(batch_messages=1)
    for step in range(30):
        source = FakeSource(there, cut_at=step)
        try:
            await collection.run(source)
        except SourceFailure as failure:
            assert failure.trouble == "cut"
        else:
            break
    assert step < 29
    assert await held(box) == SMALL


async def test_what_came_before_a_cut_is_not_fetched_again(box: Box) -> None:
    there = Elsewhere()
    for number in range(5):
        there.folder("INBOX").put(letter(str(number)))
    collection = await Collection.add(box)
    with pytest.raises(SourceFailure):
        await collection.run(FakeSource(there, cut_at=5))  # folders, open, three messages
    source = FakeSource(there)
    await collection.run(source)
    assert source.fetched == ["4", "5"]


async def test_a_run_that_was_taken_over_adds_nothing(box: Box) -> None:
    collection, there = await Collection.add(box), small()
    job = await collection.job()
    await collection.job()  # another process
    with pytest.raises(NotAllowed):
        await run(job, FakeSource(there), Progress())
    assert not any((await held(box)).values())


async def test_uid_validity_changed(box: Box) -> None:
    there = Elsewhere()
    inbox = there.folder("INBOX")
    for subject in ("Same", "Same", "Other"):
        inbox.put(letter(subject))
    collection = await Collection.add(box)
    await collection.run(FakeSource(there))
    inbox.put(letter("Same"))  # a third one of that content
    inbox.renumber()
    collection.limits = IntakeSettings(batch_messages=1)
    with pytest.raises(SourceFailure):
        await collection.run(FakeSource(there, cut_at=4))  # in the middle of it
    inbox.renumber()  # once more
    outcome, progress = await collection.run(FakeSource(there))
    assert (progress.brought, progress.already) == (1, 3)
    assert len((await held(box))["INBOX"]) == 4
    (told,) = outcome.remarks
    assert "anew (UIDVALIDITY) in INBOX." in told and "you need do nothing" in told
    source = FakeSource(there)
    outcome, _ = await collection.run(source)
    assert (source.fetched, outcome.remarks) == ([], [])


async def test_uid_validity_changes_while_it_is_read(box: Box) -> None:
    there = Elsewhere()
    inbox = there.folder("INBOX")
    for number in range(6):
        inbox.put(letter(str(number)))

    def change(_what: str, step: int) -> None:
        if step == 5:
            inbox.renumber()

    collection = await Collection.add(box)
    outcome, progress = await collection.run(FakeSource(there, before=change))
    assert outcome.complete
    assert len((await held(box))["INBOX"]) == 6
    assert "(UIDVALIDITY) in INBOX." in outcome.remarks[0]
    assert (progress.brought, progress.failed) == (6, 0)
    assert progress.messages == progress.messages_done == 6


async def test_a_folder_that_is_always_numbered_anew_is_left(box: Box) -> None:
    there = small()

    def change(what: str, _step: int) -> None:
        if what == "fetch":
            there.folder("INBOX").renumber()

    collection = await Collection.add(box)
    _, progress = await collection.run(FakeSource(there, before=change))
    assert [note.folder for note in progress.troubles] == ["INBOX"]
    assert len((await held(box))["Old/Deep"]) == 1


async def test_sizes_that_lie_and_messages_that_cannot_be_had(box: Box) -> None:
    there = Elsewhere()
    inbox = there.folder("INBOX")
    inbox.put(letter("Long"), listed_size=3)
    inbox.put(letter("Short"), listed_size=90_000)
    inbox.put(b"", received_at=OLD)
    inbox.put(b"no header at all \x00\xff\r\n", received_at=OLD)
    inbox.put(letter("Broken"), broken="The server sent half of it.")
    inbox.put(letter("Huge"), listed_size=10**12)
    collection = await Collection.add(box)
    outcome, progress = await collection.run(FakeSource(there))
    assert outcome.remarks == [
        "2 messages have another size than the server announced. They are here as they came; "
        "you need do nothing."
    ]
    assert [one[0] for one in (await held(box))["INBOX"]] == [
        sha(letter("Long")),
        sha(letter("Short")),
        sha(b""),
        sha(b"no header at all \x00\xff\r\n"),
    ]
    assert sorted(note.key for note in progress.troubles) == ["5", "6"]
    assert progress.failed == 2
    assert progress.messages == progress.messages_done == 6
    assert progress.octets == progress.octets_done
    inbox.messages["5"].broken = ""
    _, progress = await collection.run(FakeSource(there))
    assert progress.brought == 1


async def test_too_large_when_it_comes(tmp_path: Any) -> None:
    async with Box(tmp_path, max_message_octets=1024) as box:
        there = Elsewhere()
        there.folder("INBOX").put(letter("Large", "x" * 2000), listed_size=10)
        there.folder("INBOX").put(letter("Next"))
        collection = await Collection.add(box)
        _, progress = await collection.run(FakeSource(there))
        assert [note.key for note in progress.troubles] == ["1"]
        assert progress.brought == 1


async def test_quota_stops_cleanly_and_goes_on_later(box: Box) -> None:
    there = Elsewhere()
    for number in range(10):
        there.folder("INBOX").put(letter(f"Number {number}"))
    size = len(letter("Number 0"))
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, 4 * size + 5))
    collection = await Collection.add(box)
    outcome, progress = await collection.run(FakeSource(there))
    assert (outcome.complete, outcome.stopped, progress.brought) == (False, "quota", 4)
    assert outcome.why.endswith(
        "0.0 MiB of 0.0 MiB are used; about 6 messages with 0.0 MiB are still to come. "
        "Delete some messages or ask for more room."
    )
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, 0, 7))
    outcome, progress = await collection.run(FakeSource(there))
    assert (outcome.stopped, progress.brought) == ("quota", 3)
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, 0))
    outcome, progress = await collection.run(FakeSource(there))
    assert (outcome.complete, progress.brought) == (True, 3)
    assert len((await held(box))["INBOX"]) == 10


async def test_a_full_account_is_told_no_number_that_nobody_knows(box: Box) -> None:
    """IMAP tells the messages of a folder before it is opened, and not their octets."""
    there = Elsewhere()
    for path in ("INBOX", "Large"):
        there.folder(path).put(letter(path, "x" * 700_000))
    source, all_folders = FakeSource(there), FakeSource.folders
    source.folders = lambda: _without_octets(all_folders(source))  # type: ignore[method-assign]
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, 100))
    collection = await Collection.add(box)
    outcome, _ = await collection.run(source)
    assert "0.0 MiB are used; about 2 messages are still to come" in outcome.why
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, 1_048_576))
    outcome, _ = await collection.run(source)
    assert "1.0 MiB are used; about 1 message with 0.7 MiB is still to come" in outcome.why


async def _without_octets(found: Awaitable[list[RemoteFolder]]) -> list[RemoteFolder]:
    return [replace(one, octets=None) for one in await found]


async def test_keywords_never_cost_a_message(tmp_path: Any) -> None:
    async with Box(
        tmp_path, max_keywords=3, max_keyword_octets=8, max_keywords_of_message=2
    ) as box:
        there = Elsewhere()
        inbox = there.folder("INBOX")
        inbox.put(letter("1"), keywords="a b c")
        inbox.put(letter("2"), keywords="A d verylongword")
        inbox.put(letter("3"), keywords="x(y")
        collection = await Collection.add(box, keyword="old")
        outcome, progress = await collection.run(FakeSource(there))
        assert progress.brought == 3
        assert [one[2] for one in (await held(box))["INBOX"]] == ["a old", "a old", "old x_y"]
        assert "left out" in outcome.remarks[0]


async def test_views_only_fill_gaps(box: Box) -> None:
    there = Elsewhere()
    there.folder("INBOX").put(letter("In"))
    everything = there.folder("[Gmail]/All Mail", role=Role.ALL)
    everything.put(letter("In"))
    everything.put(letter("Archived"))
    collection = await Collection.add(box)
    await collection.run(FakeSource(there))
    found = await held(box)
    assert [one[0] for one in found["Archive"]] == [sha(letter("Archived"))]
    assert len(found["INBOX"]) == 1
    source = FakeSource(there)
    await collection.run(source)
    assert source.fetched == []
    assert "[Gmail]" not in found


async def test_pop3_dates_come_from_the_message(box: Box) -> None:
    there = Elsewhere()
    place = there.folder("INBOX", "")
    received = "by mx.example.org with ESMTP id x; Tue, 3 Mar 2020 10:00:00 +0100"
    place.put(letter("1", Received=received), "a")
    place.put(letter("2"), "b")
    place.put(b"Subject: no date\r\n\r\n", "c")
    place.put(
        letter(
            "3", Received="x; Tue, 3 Mar 2093 10:00:00 +0100", Date="Wed, 4 Mar 2020 00:00:00 +0000"
        ),
        "d",
    )
    collection = await Collection.add(box, kind="pop3")
    await collection.run(FakeSource(there, pop3=True))
    now = int(box.clock.now().timestamp())
    dates = [one[3] for one in (await held(box))["INBOX"]]
    assert dates == [1583226000, now, now, 1583280000]


async def test_uidls_that_repeat(box: Box) -> None:
    there = Elsewhere()
    place = there.folder("INBOX", "")
    collection = await Collection.add(box, kind="pop3", at_source=AtSource("delete", 3))
    place.put(letter("1"), "same")
    await collection.run(FakeSource(there, pop3=True))
    place.messages.clear()
    for number, subject in enumerate(("2", "1", "2"), 1):
        place.put(letter(subject), f"same\t{number}")
    outcome, progress = await collection.run(FakeSource(there, pop3=True))
    assert (progress.brought, progress.already) == (2, 1)
    assert outcome.remarks[0].startswith("3 messages have a name at the source (UIDL) that")
    place.messages.clear()
    place.put(letter("2"), "same")  # the others went
    _, progress = await collection.run(FakeSource(there, pop3=True))
    assert (progress.brought, progress.already) == (0, 1)
    place.messages.clear()
    place.put(letter("quite another one"), "same")
    _, progress = await collection.run(FakeSource(there, pop3=True))
    assert progress.brought == 1
    assert there.settled == []
    await box.clock.advance(4 * 86_400)
    _, progress = await collection.run(FakeSource(there, pop3=True))
    assert progress.settled == 1
    assert len((await held(box))["INBOX"]) == 4


async def test_a_uidl_that_means_another_message_now(box: Box) -> None:
    """Some servers name messages by their position: what is deleted must be what is here."""
    there = Elsewhere()
    place = there.folder("INBOX", "")
    place.put(letter("First"), "1")
    place.put(letter("Second one"), "2")
    collection = await Collection.add(box, kind="pop3")
    await collection.run(FakeSource(there, pop3=True))
    place.messages.clear()
    place.put(letter("Second one"), "1")
    place.put(letter("A third that is new"), "2")
    collection.change(at_source=AtSource("delete"))
    _, progress = await collection.run(FakeSource(there, pop3=True))
    assert (progress.brought, progress.already) == (1, 1)
    assert place.messages == {}
    assert [one[0] for one in (await held(box))["INBOX"]] == [
        sha(letter(one)) for one in ("First", "Second one", "A third that is new")
    ]


async def test_a_uidl_of_a_deleted_message_for_a_new_one(box: Box) -> None:
    """Of the same size, too: it is brought before it is deleted."""
    there = Elsewhere()
    place = there.folder("INBOX", "")
    collection = await Collection.add(box, kind="pop3", at_source=AtSource("delete"))
    for subject in ("First", "Other", "Other"):
        place.put(letter(subject), "1")
        await collection.run(FakeSource(there, pop3=True))
        assert place.messages == {}
    assert [one[0] for one in (await held(box))["INBOX"]] == [
        sha(letter(one)) for one in ("First", "Other")
    ]


async def test_all_uidls_change(box: Box) -> None:
    there = Elsewhere()
    place = there.folder("INBOX", "")
    for number in (1, 2, 2, 3):
        place.put(letter(str(number)))
    collection = await Collection.add(box, kind="pop3")
    await collection.run(FakeSource(there, pop3=True))
    place.messages = {f"new{key}": one for key, one in place.messages.items()}
    place.put(letter("2"), "one more")
    _, progress = await collection.run(FakeSource(there, pop3=True))
    assert (progress.brought, progress.already) == (1, 4)
    source = FakeSource(there, pop3=True)
    await collection.run(source)
    assert source.fetched == []


async def test_where_it_comes_to(box: Box) -> None:
    there = small()
    collection = await Collection.add(box, into="From/Elsewhere", keyword="elsewhere")
    await collection.run(FakeSource(there))
    found = await held(box)
    assert [one[2] for one in found["From/Elsewhere"]] == [
        "Work elsewhere",
        "elsewhere",
        "elsewhere",
        "elsewhere",
    ]
    assert found["INBOX"] == []


async def test_a_sorter_puts_new_mail_into_junk(box: Box) -> None:
    class Sorter:
        async def is_junk(self, octets: Any, size: int) -> bool:
            return b"Subject: One" in octets[:size]

    there = small()
    collection = await Collection.add(box, filtered=True)
    collection.more["sorter"] = Sorter()
    await collection.run(FakeSource(there))
    found = await held(box)
    assert [one[0] for one in found["Junk"]] == [sha(letter("One"))]
    assert len(found["INBOX"]) == 1
