"""Files are removed from many messages, and come back by undo."""

from __future__ import annotations

from base64 import encodebytes
from typing import Any

from pillarbox.flow.bulk import stripping
from pillarbox.store.model import Flag, FlagChange
from support.bulk_box import BulkBox
from support.store_box import letter

STRIP = {"type": "removeAttachments"}


def with_file(number: int) -> bytes:
    body = encodebytes(bytes(60_000)).decode().replace("\n", "\r\n")
    return (
        f"From: carol@example.net\r\nSubject: File {number}\r\nMessage-ID: <{number}@x>\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="=x"\r\n\r\n'
        f"--=x\r\nContent-Type: text/plain\r\n\r\nHere is {number}.\r\n"
        "--=x\r\nContent-Type: application/pdf; name=plan.pdf\r\n"
        "Content-Disposition: attachment; filename=plan.pdf\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{body}\r\n--=x--\r\n"
    ).encode()


async def emails(box: BulkBox) -> list[dict[str, Any]]:
    """In the order of their subjects."""
    properties = ["id", "threadId", "mailboxIds", "keywords", "receivedAt", "subject",
                  "hasAttachment"]  # fmt: skip
    found = await box.call("Email/query", filter={})
    got = await box.call("Email/get", ids=found["ids"], properties=properties)
    return sorted(got["list"], key=lambda one: str(one["subject"]))


def but(one: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name not in names}


async def filled(box: BulkBox, count: int = 25) -> None:
    for number in range(count):
        await box.append(with_file(number), received_at=1_600_000_000 + number)
    await box.append(letter("Plain"))
    placed = await box.placed()
    await box.flag([placed[1].uid], FlagChange.ADD, Flag.SEEN | Flag.FLAGGED, "blue")
    add = {"type": "addMailbox", "mailboxId": await box.id_of("Archive")}
    await box.order(emailIds=[f"M{placed[2].message}"], action=add)
    await box.work()


async def test_the_text_stays_and_undo_brings_the_files_back(box: BulkBox) -> None:
    await filled(box)
    before, used = await emails(box), (await box.account()).used_octets
    made = await box.order(filter={}, action=STRIP)
    assert made["action"] == STRIP
    await box.work()
    done = await box.operation(made["id"])
    assert (done["status"], done["done"], done["failed"]) == ("done", 26, 0)
    assert done["undoUntil"] is not None
    after = await emails(box)
    changing = ("id", "hasAttachment")
    assert [but(one, *changing) for one in after] == [but(one, *changing) for one in before]
    assert not any(one["hasAttachment"] for one in after)
    got = await box.call("Email/get", ids=[after[0]["id"]], fetchTextBodyValues=True)
    values = [one["value"] for one in got["list"][0]["bodyValues"].values()]
    assert values[0].startswith("Here is 0.") and values[1].startswith("[plan.pdf, 60.")
    assert (await box.account()).used_octets < used / 50
    await box.check()
    await box.change(made["id"], undo=True)
    await box.work()
    assert await emails(box) == before
    assert (await box.account()).used_octets == used
    await box.check()


async def test_undo_follows_what_was_moved_since(box: BulkBox) -> None:
    await box.append(with_file(1))
    made = await box.order(filter={}, action=STRIP)
    await box.work()
    to = {"type": "move", "toMailboxId": await box.id_of("Archive")}
    await box.order(filter={}, action=to)
    await box.work()
    await box.change(made["id"], undo=True)
    await box.work()
    [one] = await emails(box)
    assert (one["id"], one["hasAttachment"]) == ("M1", True)
    assert list(one["mailboxIds"]) == [await box.id_of("Archive")]


async def test_what_was_destroyed_since_stays_so(box: BulkBox) -> None:
    await box.append(with_file(1))
    made = await box.order(filter={}, action=STRIP)
    await box.work()
    [one] = await emails(box)
    await box.call("Email/set", destroy=[one["id"]])
    undo = await box.change(made["id"], undo=True)
    await box.work()
    told = await box.operation(undo["undoneBy"])
    assert (told["status"], told["failures"][0]["type"]) == ("doneWithProblems", "changedSince")
    assert await emails(box) == []


async def test_large_ones_are_done_a_few_at_a_time(box: BulkBox, monkeypatch: Any) -> None:
    monkeypatch.setattr(stripping, "MOST_OCTETS", 100_000)
    await filled(box, 5)
    made = await box.order(filter={"hasAttachment": True}, action=STRIP)
    await box.work()
    done = await box.operation(made["id"])
    assert (done["status"], done["done"]) == ("done", 5)
    assert not any(one["hasAttachment"] for one in await emails(box))
    await box.check()


async def test_what_went_meanwhile_is_told(box: BulkBox) -> None:
    await filled(box, 3)
    made = await box.order(filter={"hasAttachment": True}, action=STRIP)
    first = (await emails(box))[0]
    await box.call("Email/set", destroy=[first["id"]])
    await box.work()
    done = await box.operation(made["id"])
    assert (done["done"], done["failed"]) == (2, 1)
    assert done["failures"][0]["type"] == "notFound"
