"""Notes of what became of a message: kept, found by any of their names, forgotten in time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import apsw
import msgspec
import pytest

from pillarbox.store.journeys import Note, Step
from pillarbox.store.open import open_store
from pillarbox.telemetry.metrics import NOTES_DROPPED
from support.fake_clock import FakeClock
from support.store_box import Box

LETTER = Note(
    step=Step.ACCEPTED,
    journey="aaaa",
    session="s1",
    peer="192.0.2.7",
    sender="Alice@example.org",
    recipients=("bob@example.org", "carol@example.net"),
    message_id="one@example.org",
    queue_id=17,
    facts={"helo": "mx.example.org"},
)
REFUSAL = Note(
    step=Step.REFUSED, journey="bbbb", sender="mallory@example.com", recipients=("bob@example.org",)
)


@pytest.mark.parametrize(
    ("key", "journeys"),
    [
        ("one@example.org", ["aaaa"]),
        ("<one@example.org>", ["aaaa"]),
        ("aaaa", ["aaaa"]),
        ("17", ["aaaa"]),
        ("alice@EXAMPLE.org", ["aaaa"]),
        ("carol@example.net", ["aaaa"]),
        ("bob@example.org", ["bbbb", "aaaa"]),
        ("ob@example.org", []),
        ("0", []),
        ("", []),
    ],
)
async def test_a_journey_is_found_by_each_of_its_names(
    tmp_path: Path, key: str, journeys: list[str]
) -> None:
    async with Box(tmp_path) as box:
        box.store.journeys.note(LETTER)
        box.store.journeys.note(REFUSAL)
        found = await box.store.journeys.find(key, since=0, limit=10)
        assert [notes[0].journey for notes in found] == journeys


async def test_the_steps_of_a_journey_come_in_the_order_of_time(tmp_path: Path) -> None:
    async with Box(tmp_path, clock=(clock := FakeClock())) as box:
        box.store.journeys.note(LETTER)
        await clock.advance(60)
        relayed = Note(step=Step.RELAYED, journey="aaaa", queue_id=17, facts={"reply": "250 ok"})
        box.store.journeys.note(relayed)
        ((first, second),) = await box.store.journeys.find("17", since=0, limit=1)
        assert (first.step, second.step) == (Step.ACCEPTED, Step.RELAYED)
        assert second.at - first.at == 60
        assert first.facts == LETTER.facts
        assert tuple(first.recipients) == LETTER.recipients
        assert second.facts == relayed.facts


async def test_steps_that_do_not_name_the_key_belong_to_it(tmp_path: Path) -> None:
    """Mail for an alias comes for one address and goes on to another."""
    async with Box(tmp_path) as box:
        box.store.journeys.note(REFUSAL)
        box.store.journeys.note(LETTER)
        onward = Note(step=Step.RELAYED, journey="aaaa", recipients=("dave@example.com",))
        box.store.journeys.note(onward)
        ((first, second),) = await box.store.journeys.find("dave@example.com", since=0, limit=1)
        assert (first.step, second.step) == (Step.ACCEPTED, Step.RELAYED)


async def test_notes_outlive_the_process_and_are_forgotten_after_their_days(tmp_path: Path) -> None:
    clock = FakeClock()
    async with Box(tmp_path, clock=clock, journey_days=2) as box:
        box.store.journeys.note(LETTER)
    async with Box(tmp_path, clock=clock, journey_days=2) as box:
        await box.store.maintain()
        assert await box.store.journeys.find("17", since=0, limit=1)
        await clock.advance(timedelta(days=3).total_seconds())
        await box.store.maintain()
        assert await box.store.journeys.find("17", since=0, limit=1) == []


async def test_two_processes_write_to_one_file(tmp_path: Path) -> None:
    async with Box(tmp_path) as box:
        other = await open_store(box.settings, box.clock)
        try:
            box.store.journeys.note(LETTER)
            other.journeys.note(REFUSAL)
            await box.store.journeys.find("17", since=0, limit=1)
            await other.journeys.find("17", since=0, limit=1)
            assert len(await box.store.journeys.find("bob@example.org", since=0, limit=9)) == 2
        finally:
            await other.close()


async def test_what_does_not_fit_is_dropped_and_counted(tmp_path: Path) -> None:
    async with Box(tmp_path, journey_notes_waiting=100) as box:
        before = NOTES_DROPPED._value.get()
        for _ in range(130):
            box.store.journeys.note(LETTER)
        assert NOTES_DROPPED._value.get() - before == 30
        ((*notes,),) = await box.store.journeys.find("17", since=0, limit=1)
        assert len(notes) == 100


async def test_notes_are_written_without_being_asked_for(tmp_path: Path) -> None:
    async with Box(tmp_path) as box:
        box.store.journeys.note(LETTER)
        other = await open_store(box.settings, box.clock)
        try:
            for _ in range(1200):
                await asyncio.sleep(0.05)
                if await other.journeys.find("17", since=0, limit=1):
                    return
            pytest.fail("the note was not written within a minute")
        finally:
            await other.close()


async def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    async with Box(tmp_path) as box:
        path = Path(box.settings.data_dir) / "journeys.db"
        path.write_bytes(b"no database at all, " * 500)
        box.store.journeys.note(LETTER)
        assert await box.store.journeys.find("17", since=0, limit=1)


async def test_a_file_that_is_damaged_under_our_hands_is_begun_anew(tmp_path: Path) -> None:
    async with Box(tmp_path) as box:
        path = Path(box.settings.data_dir) / "journeys.db"
        box.store.journeys.note(LETTER)
        assert await box.store.journeys.find("17", since=0, limit=1)
        # As a disk that loses blocks does: the log is in the file, and then the file is gone.
        other = apsw.Connection(str(path))
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        other.close()
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"x" * (path.stat().st_size - 4096))
        assert await box.store.journeys.find("17", since=0, limit=1) == []
        for _ in range(3):
            box.store.journeys.note(LETTER)
            await box.store.journeys.find("17", since=0, limit=1)
        assert await box.store.journeys.find("17", since=0, limit=1)


async def test_only_the_newest_notes_are_kept(tmp_path: Path) -> None:
    async with Box(tmp_path, journey_max_notes=1000) as box:
        for number in range(1500):
            box.store.journeys.note(msgspec.structs.replace(REFUSAL, journey=str(number)))
        assert len(await box.store.journeys.find("bob@example.org", since=0, limit=9999)) == 1500
        await box.store.maintain()
        kept = await box.store.journeys.find("bob@example.org", since=0, limit=9999)
        assert len(kept) == 1000
        assert kept[-1][0].journey == "500"


async def test_an_address_is_found_however_its_letters_are(tmp_path: Path) -> None:
    async with Box(tmp_path) as box:
        note = msgspec.structs.replace(REFUSAL, sender="\u00dcnal@example.org", recipients=())
        box.store.journeys.note(note)
        assert await box.store.journeys.find("\u00dcnal@EXAMPLE.org", since=0, limit=1)
