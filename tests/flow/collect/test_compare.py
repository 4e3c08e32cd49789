"""Comparing another place with an account: what is equal, moved, missing, in doubt."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pillarbox.flow.collect.compare import Ask, Comparison, compare
from pillarbox.flow.collect.folders import FolderPlan, Here, plan_folders
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.settings import FolderChoice, RemoteSettings
from pillarbox.flow.collect.source import RemoteFolder, RemoteMessage
from pillarbox.message.digest import digest
from pillarbox.store.model import Flag, Role
from support.fake_source import Elsewhere, FakeSource
from support.store_box import Box, letter

AT = 1_600_000_000


class Telling(FakeSource):
    """A source that tells Message-IDs, as IMAP can."""

    async def message_ids(self, messages: Sequence[RemoteMessage]) -> dict[str, bytes]:
        place = self._place()
        return {
            one.key: digest(place.messages[one.key].octets).message_id
            for one in messages
            if one.key in place.messages
        }


def same_places(
    folders: Sequence[RemoteFolder], box: Box, into: str = "", only: tuple[str, ...] = ()
) -> FolderPlan:
    settings = RemoteSettings(
        kind="file",
        path="/mail",
        label="old",
        into=into,
        folders=FolderChoice(
            include=only,
            exclude=tuple(one.path for one in folders if one.path == "Left out"),
        ),
    )
    return plan_folders(folders, settings, Here({}, {}), box.settings)


async def compared(
    box: Box,
    source: FakeSource,
    *,
    by_octets: bool = False,
    label: str = "",
    into: str = "",
    only: tuple[str, ...] = (),
) -> Comparison:
    ask = Ask(
        store=box.store,
        account=box.alice.id,
        plan=lambda folders: same_places(folders, box, into, only),
        by_octets=by_octets,
        label=label,
    )
    progress = Progress()
    found = await compare(ask, source, progress, lambda _: None)
    assert progress.phase == "ended"
    assert progress.messages_done == progress.messages == found.total("there")
    assert found.total("there") == sum(
        found.total(name) for name in ("equal", "copies", "elsewhere", "missing", "unread")
    )
    return found


def letters(count: int, first: int = 0) -> list[bytes]:
    return [
        letter(f"Number {number}", Message_ID=f"<{number}@example.org>")
        for number in range(first, first + count)
    ]


async def filled(box: Box, count: int = 5) -> Elsewhere:
    """The same messages there and here."""
    there = Elsewhere()
    inbox = there.folder("INBOX")
    for octets in letters(count):
        inbox.put(octets, flags=Flag.SEEN, received_at=AT)
        await box.append(octets, flags=Flag.SEEN, received_at=AT)
    return there


BOTH = pytest.mark.parametrize("kind", [FakeSource, Telling])


@BOTH
async def test_nothing_is_missing(box: Box, kind: type[FakeSource]) -> None:
    there = await filled(box)
    source = kind(there)
    found = await compared(box, source)
    assert found.complete
    assert (found.total("equal"), found.total("only_here"), found.read) == (
        5, 0, 5 if kind is FakeSource else 0,
    )  # fmt: skip
    assert not found.flags
    assert found.by_octets is (kind is FakeSource)


async def test_hashes_read_everything(box: Box) -> None:
    source = Telling(await filled(box))
    found = await compared(box, source, by_octets=True)
    assert (found.by_octets, found.read, len(source.fetched)) == (True, 5, 5)


@BOTH
async def test_missing(box: Box, kind: type[FakeSource]) -> None:
    there = await filled(box)
    key = there.folder("INBOX").put(letter("New", Message_ID="<new@example.org>"))
    found = await compared(box, kind(there))
    assert not found.complete
    (one,) = found.missing
    assert (one.folder, one.key) == ("INBOX", key)


@BOTH
async def test_same_size_other_octets_is_missing(box: Box, kind: type[FakeSource]) -> None:
    """Without a Message-ID the size says little: the octets are read."""
    there = Elsewhere()
    there.folder("INBOX").put(letter("Aaaa"), received_at=AT)
    await box.append(letter("Bbbb"), received_at=AT + 1)
    assert len((await compared(box, kind(there))).missing) == 1


async def test_a_size_that_lies_is_settled_by_the_octets(box: Box) -> None:
    there = await filled(box)
    (first, *_) = there.folder("INBOX").messages.values()
    first.listed_size = 7
    source = Telling(there)
    found = await compared(box, source)
    assert found.complete
    assert source.fetched == ["1"]


@BOTH
async def test_moved_since_is_not_missing(box: Box, kind: type[FakeSource]) -> None:
    there = await filled(box)
    moved = letter("Moved", Message_ID="<moved@example.org>")
    there.folder("INBOX").put(moved)
    kept = await box.create("Kept")
    await box.append(moved, kept.id)
    found = await compared(box, kind(there))
    assert found.complete
    assert [one.what for one in found.elsewhere] == ["It is in Kept."]


@BOTH
async def test_twice_there_once_here(box: Box, kind: type[FakeSource]) -> None:
    there = await filled(box)
    there.folder("INBOX").put(letters(1)[0], flags=Flag.SEEN, received_at=AT)
    found = await compared(box, kind(there))
    assert found.complete
    assert (found.total("copies"), found.total("equal")) == (1, 5)


@BOTH
async def test_flags_and_dates(box: Box, kind: type[FakeSource]) -> None:
    there = await filled(box)
    first, second, third, *_ = there.folder("INBOX").messages.values()
    first.flags = int(Flag.ANSWERED)
    second.keywords = "Red blue"
    third.received_at = AT + 3600
    found = await compared(box, kind(there), label="moved")
    assert found.complete
    assert [one.what for one in found.flags] == [
        "\\Seen only here, \\Answered only there",
        "blue only there, Red only there",
    ]
    assert (found.total("flags_differ"), found.total("dates_differ")) == (2, 1)


async def test_the_label_is_no_difference(box: Box) -> None:
    there = Elsewhere()
    there.folder("INBOX").put(letters(1)[0], keywords="Blue", received_at=AT)
    await box.append(letters(1)[0], keywords="blue moved", received_at=AT)
    assert not (await compared(box, FakeSource(there), label="Moved")).flags
    assert (await compared(box, FakeSource(there))).flags


@BOTH
async def test_unread_is_no_yes(box: Box, kind: type[FakeSource]) -> None:
    there = await filled(box)
    inbox = there.folder("INBOX")
    inbox.put(letter("A"), broken="The server sent no octets.")
    found = await compared(box, kind(there))
    assert not found.complete
    assert [one.what for one in found.unread] == ["The server sent no octets."]


@BOTH
async def test_what_is_too_large_for_here_is_missing(box: Box, kind: type[FakeSource]) -> None:
    there = await filled(box)
    most = box.settings.max_message_octets
    there.folder("INBOX").put(letter("Huge"), listed_size=most + 1)
    found = await compared(box, kind(there))
    assert [str(most) in one.what for one in found.missing] == [True]


@BOTH
async def test_folders_without_a_mailbox_and_those_left_out(
    box: Box, kind: type[FakeSource]
) -> None:
    there = Elsewhere()
    for path in ("Work", "Left out"):
        there.folder(path).put(letters(1)[0])
    there.folder("Level", selectable=False)
    found = await compared(box, kind(there))
    assert [one.folder for one in found.folders] == ["Work"]
    assert [(one.folder, one.why) for one in found.left_out] == [
        ("Left out", "It was not asked for.")
    ]
    assert len(found.missing) == 1


@BOTH
async def test_several_folders_into_one_mailbox(box: Box, kind: type[FakeSource]) -> None:
    there = Elsewhere()
    for number, path in enumerate(("INBOX", "Work", "Sent")):
        there.folder(path).put(letters(3)[number], received_at=AT)
        await box.append(letters(3)[number], received_at=AT)
    await box.append(letter("Mine"))
    found = await compared(box, kind(there), into="INBOX")
    assert (found.total("equal"), found.total("only_here")) == (3, 1)
    assert found.complete


async def test_views_are_no_news(box: Box) -> None:
    """What "All Mail" shows lies in other mailboxes here."""
    there = await filled(box)
    everything = there.folder("[Gmail]/All Mail", role=Role.ALL)
    for octets in letters(6):
        everything.put(octets, received_at=AT)
    found = await compared(box, FakeSource(there))
    assert (found.total("elsewhere"), found.total("missing")) == (5, 1)
    assert not found.elsewhere


@pytest.mark.parametrize("there", [Elsewhere(), None])
async def test_nothing_compared_is_no_yes(box: Box, there: Elsewhere | None) -> None:
    """A misspelt name, or nothing to compare at all."""
    found = await compared(box, FakeSource(there or await filled(box)), only=("Nope",))
    assert not found.complete
    assert found.unknown == ["Nope"]


async def test_only_here_is_counted(box: Box) -> None:
    there = await filled(box)
    await box.append(letter("Mine"))
    assert (await compared(box, FakeSource(there))).total("only_here") == 1


@BOTH
async def test_our_trace_fields_are_part_of_what_others_read(
    box: Box, kind: type[FakeSource]
) -> None:
    """A message that came by SMTP and was moved out from here comes back with Received fields."""
    trace = b"Received: from example.net\r\n"
    octets = letters(1)[0]
    await box.append(octets, trace=trace)
    there = Elsewhere()
    there.folder("INBOX").put(trace + octets)
    found = await compared(box, kind(there), by_octets=True)
    assert (found.complete, found.total("equal")) == (True, 1)


async def test_many_copies_of_one_size(box: Box) -> None:
    """No pairing twice: two there need two here."""
    there = Elsewhere()
    for octets in (letter("Aa"), letter("Bb"), letter("Aa")):
        there.folder("INBOX").put(octets, received_at=AT)
    for octets in (letter("Aa"), letter("Bb")):
        await box.append(octets, received_at=AT)
    found = await compared(box, FakeSource(there))
    assert (found.total("equal"), found.total("copies"), found.total("only_here")) == (2, 1, 0)
