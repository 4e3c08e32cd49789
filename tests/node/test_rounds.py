"""Old mail goes to the trash, and a nearly full mailbox is told of once for each level."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pillarbox.accounts.directory import Directory
from pillarbox.flow.delivery.letters import Letters
from pillarbox.node.rounds import delete_old_mail, level_of, warn_of_quotas
from pillarbox.store.sql import accounts, rules
from pillarbox.store.sql.rules import DeleteAfter, MailRules, Usage, Vacation
from support.store_box import Box, letter

DAY = 86_400


def run(folder: Path, work: Callable[[Box], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with Box(folder) as box:
            await work(box)

    asyncio.run(whole())


async def subjects(box: Box, path: str) -> list[str]:
    mailbox = await box.mailbox(path)

    async def read(db: Any) -> list[str]:
        rows = await db.rows(
            "SELECT m.folded_subject FROM placement p JOIN message m USING (account_id, message_id)"
            " WHERE p.mailbox_id = ? ORDER BY p.uid",
            (mailbox.id,),
        )
        return [row[0] for row in rows]

    return await box.store.read(read)


def test_old_mail_of_a_sender_goes_to_the_trash(tmp_path: Path) -> None:
    run(tmp_path, _old_mail)


async def _old_mail(box: Box) -> None:
    shop = {"From": '"x@shop.example" <a@shop.example>'}
    await box.append(letter("old", **shop))
    await box.append(letter("named only", From='"a@shop.example" <b@example.net>'))
    await box.append(letter("other domain", From="a@shop.example.net"))
    await box.clock.advance(10 * DAY)
    await box.append(letter("new", **shop))
    rule = DeleteAfter("1", 7, "@shop.example")
    await box.store.write(
        lambda tx: rules.put(tx, box.alice.id, MailRules(delete_after=(rule,)), Vacation())
    )
    await delete_old_mail(box.store)
    assert await subjects(box, "Trash") == ["old"]
    assert await subjects(box, "INBOX") == ["named only", "other domain", "new"]
    await box.clock.advance(30 * DAY)
    await delete_old_mail(box.store)
    assert await subjects(box, "Trash") == ["old", "new"]


@pytest.mark.parametrize(
    ("used", "quota", "level"),
    [
        (79, 100, 0),
        (80, 100, 80),
        (94, 100, 80),
        (95, 100, 95),
        (100, 100, 100),
        (500, 100, 100),
        (5, 0, 0),
    ],
)
def test_levels(used: int, quota: int, level: int) -> None:
    assert level_of(Usage(1, "a@example.org", "", quota, used, 0)) == level  # type: ignore[arg-type]


def test_one_letter_for_each_level(tmp_path: Path) -> None:
    run(tmp_path, _letters)


async def _letters(box: Box) -> None:
    await box.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
    letters = Letters(box.store, Directory(box.store), hostname="mx.example.org", clock=box.clock)
    await box.append(letter(body="x" * 500_000))  # beside it the letters take no room

    async def at(percent: int) -> list[str]:
        used = (await box.store.read(lambda db: accounts.get(db, box.alice.id))).used_octets
        quota = used * 100 // percent
        await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, quota))
        await warn_of_quotas(box.store, letters)
        await warn_of_quotas(box.store, letters)
        return [one for one in await subjects(box, "INBOX") if "full" in one]

    assert await at(50) == []
    assert await at(82) == ["your mailbox is 80 % full"]
    assert len(await at(85)) == 1
    assert (await at(150))[-1] == "your mailbox is 100 % full"
    assert len(await at(10)) == 2
    assert len(await at(90)) == 3
