"""The clean-up assistant: what it promises is what its filters free."""

from __future__ import annotations

from base64 import encodebytes
from typing import Any

import pytest

from pillarbox.ids import MailboxId, Uid
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import messages
from support.bulk_box import BulkBox
from support.store_box import letter


@pytest.fixture
def box(tmp_path: Any) -> BulkBox:
    """With operations."""
    return BulkBox(tmp_path)


def with_file(name: str, octets: int, **fields: str) -> bytes:
    head = {"From": "Carol <carol@example.net>", "Subject": name, **fields}
    lines = [f"{key.replace('_', '-')}: {value}" for key, value in head.items()]
    lines += ['Content-Type: multipart/mixed; boundary="=x"', "", "--=x", "", "Here it is.", "--=x"]
    lines += [
        f'Content-Type: application/pdf; name="{name}"',
        f'Content-Disposition: attachment; filename="{name}"',
        "Content-Transfer-Encoding: base64",
        "",
        encodebytes(name.encode() * (octets // len(name))).decode().replace("\n", "\r\n"),
        "--=x--",
        "",
    ]
    return "\r\n".join(lines).encode()


async def filled(box: BulkBox) -> None:
    news = {"List_Unsubscribe": "<https://lists.example/bye>"}
    for n in range(6):
        await box.append(
            letter(f"News {n}", "x" * 500 * n, From="News <News@lists.example>", **news)
        )
    await box.append(letter("A receipt", From="news@lists.example"))
    await box.append(letter("Weekly", From="Weekly <weekly@lists.example>", **news))
    for n in range(3):
        await box.append(with_file("plan.pdf", 150_000, X_Number=str(n)))
    await box.append(with_file("film.pdf", 5_200_000))
    await box.append(letter("Old"), received_at=1_500_000_000)
    await box.append(with_file("mine.pdf", 1_100_000), (await box.mailbox("Sent")).id)
    await box.append(letter("Thrown away"), (await box.mailbox("Trash")).id)
    await box.append(letter("Buy"), (await box.mailbox("Junk")).id)


async def cards(box: BulkBox) -> dict[str, dict[str, Any]]:
    answer = await box.call("CleanUp/get", ids=None)
    return {card["id"]: card for card in answer["list"]}


@pytest.mark.parametrize("indexed", [False, True])
async def test_each_card(box: BulkBox, indexed: bool) -> None:
    await filled(box)
    if indexed:
        await box.store.index_now()
    shown = await cards(box)
    assert {name: card["count"] for name, card in shown.items()} == {
        "trash": 1,
        "junk": 1,
        "largerThan5MB": 1,
        "olderThan3Years": 1,
        "newsletters": 7,
        "topSenders": 14,
        "duplicateAttachments": 2,
        "sentWithAttachments": 1,
    }
    newsletters = {one["id"]: one["count"] for one in shown["newsletters"]["senders"]}
    assert newsletters == {"news@lists.example": 6, "weekly@lists.example": 1}
    heaviest = shown["topSenders"]["senders"]
    assert heaviest[0]["id"] == "carol@example.net" and heaviest[0]["count"] == 5
    assert next(one for one in heaviest if one["id"] == "news@lists.example")["count"] == 7
    assert (await box.call("CleanUp/get", ids=["junk", "x"]))["notFound"] == ["x"]


async def test_what_is_promised_is_found_and_freed(box: BulkBox) -> None:
    await filled(box)
    shown = await cards(box)
    senders = [one for card in shown.values() for one in card.get("senders", ())]
    for card in [*shown.values(), *senders]:
        found = await box.call("Email/query", filter=card["filter"], calculateTotal=True)
        assert found["total"] == card["count"], card["id"]
    for card in [*senders, *shown.values()]:
        before = (await box.account()).used_octets
        made = await box.order(filter=card["filter"], action={"type": "destroy"})
        await box.work()
        freed = before - (await box.account()).used_octets
        assert freed == card["octets"], card["id"]
        await box.change(made["id"], undo=True)
        await box.work()
    await box.check()


async def test_it_follows_changes_and_is_kept_between(box: BulkBox) -> None:
    await filled(box)
    ctx = box.context()
    services = ctx.services
    box.context = lambda **_more: ctx  # type: ignore[method-assign]
    first = await cards(box)
    assert await cards(box) == first
    modseq = (await box.account()).modseq
    kept = services.clean_ups.find(box.alice.id, modseq, box.clock.now().date())
    assert kept == list(first.values())
    await box.append(mailbox=(await box.mailbox("Junk")).id)
    assert (await cards(box))["junk"]["count"] == 2


async def test_our_conditions_are_ours(box: BulkBox) -> None:
    await box.append(letter("Hello", From="Carol <carol@example.net>"))
    await box.append(letter("Hello", From="carol@example.net.example.org"))
    found = await box.call("Email/query", filter={"fromAddress": "Carol@Example.net"})
    assert found["ids"] == ["M1"]
    found = await box.call("Email/query", filter={"emailIds": ["M2", "M9", "x"]})
    assert found["ids"] == ["M2"]
    known = {"accountId": f"A{box.alice.id}", "filter": {"fromAddress": "carol@example.net"}}
    ctx = box.context()
    ctx.using = frozenset({"urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"})
    box.context = lambda **_more: ctx  # type: ignore[method-assign]
    assert (await box.call("Email/query", **known))["type"] == "unsupportedFilter"


async def test_since_when_a_message_is_in_the_trash(box: BulkBox) -> None:
    await box.append()
    await box.clock.advance(3600)
    trash = await box.id_of("Trash")
    await box.order(filter={}, action={"type": "addMailbox", "mailboxId": trash})
    await box.work()
    answer = await box.call("Email/get", ids=["M1"], properties=["mailboxesSince"])
    since = {await box.id_of("INBOX"): "2026-11-01T12:00:00Z", trash: "2026-11-01T13:00:00Z"}
    assert answer["list"] == [{"id": "M1", "mailboxesSince": since}]
    assert "mailboxesSince" not in (await box.call("Email/get", ids=["M1"]))["list"][0]


async def hide(box: BulkBox, mailbox: MailboxId, uids: list[Uid]) -> None:
    """As a mail program does that never expunges."""
    account, add, deleted = box.alice.id, FlagChange.ADD, int(Flag.DELETED)
    await box.store.write(
        lambda tx: messages.store_flags(tx, account, mailbox, uids, add, deleted, "")
    )


async def test_what_imap_hides_takes_room_and_goes(box: BulkBox) -> None:
    r"""A trash in which a mail program flagged all \Deleted can be emptied from the page."""
    trash = (await box.mailbox("Trash")).id
    await box.append(letter("Shown"), trash)
    flagged = await box.append(letter("Flagged"), trash)
    await hide(box, trash, [flagged.uid])
    uids = await box.fill(2)
    await hide(box, box.inbox.id, uids[:1])
    shown = await cards(box)
    assert shown["trash"]["count"] == 2
    assert shown["markedDeleted"]["count"] == 2
    for name, left in (("trash", 2), ("markedDeleted", 1)):
        before = await box.account()
        made = await box.order(filter=shown[name]["filter"], action={"type": "destroy"})
        await box.work()
        after = await box.account()
        assert after.used_messages == left
        if name == "trash":
            assert (made["total"], before.used_octets - after.used_octets) == (
                2,
                shown[name]["octets"],
            )
    assert "markedDeleted" not in await cards(box)
    await box.check()


async def test_what_is_hidden_in_the_trash_stays_elsewhere(box: BulkBox) -> None:
    """The trash is emptied of a message that the inbox still shows; undo brings back just that."""
    await box.append()
    trash = await box.mailbox("Trash")
    await box.order(filter={}, action={"type": "addMailbox", "mailboxId": f"F{trash.id}"})
    await box.work()
    [placed] = await box.placed(trash.id)
    await hide(box, trash.id, [placed.uid])
    before = await box.digest()
    made = await box.order(filter={"inMailbox": f"F{trash.id}"}, action={"type": "destroy"})
    await box.work()
    assert not await box.placed(trash.id)
    assert len(await box.placed()) == 1
    await box.change(made["id"], undo=True)
    await box.work()
    assert await box.digest() == before
    await box.check()


async def test_lists_do_not_find_what_is_hidden(box: BulkBox) -> None:
    answer = await box.call("Email/query", filter={"markedDeleted": True})
    assert answer["type"] == "unsupportedFilter"
