"""What a person chooses about another provider's mail becomes settings of the remote account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pillarbox.flow.collect.settings import RemoteSettings
from pillarbox.ids import RemoteId
from pillarbox.store.sql import mailboxes
from support.account_app import entered
from support.connecting import ConnectBox, wish
from support.lying_servers import Liar, lying_imap
from support.store_box import letter


@pytest.fixture
def box(tmp_path: Path) -> ConnectBox:
    return ConnectBox(tmp_path)


@pytest.fixture
def liar() -> Iterator[Liar]:
    with lying_imap() as server:
        server.fill([letter(f"Letter {number}") for number in range(3)])
        for name in ("Work", "Work.Plans", "Lists"):
            server.fill([letter(name)], name)
        yield server


async def settings_of(box: ConnectBox, number: str) -> RemoteSettings:
    return (await box.parts.remotes.get(RemoteId(int(number)))).settings


async def counts(box: ConnectBox) -> dict[str, int]:
    tree = await box.store.read(lambda db: mailboxes.tree(db, box.alice.id))
    return {one.path: one.messages for one in tree if one.messages}


async def test_folders_become_what_was_chosen(box: ConnectBox, liar: Liar) -> None:
    app = await entered(box)
    looked = await app.done("POST", "remotes/test", wish(liar.port))
    assert {one["path"]: one["here"] for one in looked["folders"]}["Work/Plans"] == "Work/Plans"
    assert [one["toCome"] for one in looked["folders"]] == [3, 1, 1, 1]
    assert looked["octetsToCome"] == sum(one["octetsToCome"] for one in looked["folders"])
    assert (looked["roomOctets"], looked["roomMessages"]) == (None, None)
    given = wish(liar.port, leaveOut=["Lists"], mapped={"Work": "Archive/Old"}, keyword="old")
    number = (await app.done("POST", "remotes", given))["id"]
    await box.fetch(number)
    assert await counts(box) == {"INBOX": 3, "Archive/Old": 1, "Archive/Old/Plans": 1}
    assert (await settings_of(box, number)).keyword == "old"


async def test_free_room_is_told_beside_it(box: ConnectBox, liar: Liar) -> None:
    app = await entered(box)
    await box.admin.set_quota("alice@example.org", 5_000_000)
    looked = await app.done("POST", "remotes/test", wish(liar.port))
    assert looked["roomOctets"] == 5_000_000 and looked["suffices"]


async def test_it_goes_on_both_ways_and_at_once(box: ConnectBox, liar: Liar) -> None:
    app = await entered(box)
    given = wish(liar.port, once=False, everyMinutes=5, atOnce=True, twoWay=True)
    number = (await app.done("POST", "remotes", given))["id"]
    found = await settings_of(box, number)
    assert (found.once, found.idle, found.two_way, found.schedule_seconds) == (
        False,
        True,
        True,
        300,
    )
    (one,) = await app.get("remotes")
    assert (one["atOnce"], one["twoWay"]) == (True, True)


async def test_once_waits_for_nothing(box: ConnectBox, liar: Liar) -> None:
    app = await entered(box)
    number = (await app.done("POST", "remotes", wish(liar.port, atOnce=True)))["id"]
    assert not (await settings_of(box, number)).idle


async def test_writing_from_the_address_there(box: ConnectBox, liar: Liar) -> None:
    app = await entered(box)
    there = {"address": "Old@Example.net ", "host": "smtp.example.net", "port": 587}
    given = wish(liar.port, sendAs={**there, "tls": "starttls"})
    number = (await app.done("POST", "remotes", given))["id"]
    found = (await settings_of(box, number)).send_as
    assert found is not None and found.addresses == ("old@example.net",)
    assert (found.server.host, found.server.port, found.server.tls) == (
        "smtp.example.net",
        587,
        "starttls",
    )
    assert (await app.get("remotes"))[0]["sendsAs"] == ["old@example.net"]


@pytest.mark.parametrize(
    "more",
    [
        {"kind": "pop3", "twoWay": True},
        {"kind": "pop3", "atOnce": True, "once": False},
        {"twoWay": True, "atSource": "delete"},
        {"mapped": {"Work": ""}},
        {"leaveOut": [""]},
        {"keyword": "two words"},
        {"sendAs": {"address": "bob@example.org", "host": "smtp.example.net", "port": 587}},
        {"sendAs": {"address": "nobody", "host": "smtp.example.net", "port": 587}},
        {"sendAs": {"address": "old@example.net", "host": "", "port": 587}},
    ],
)
async def test_what_cannot_be_is_refused(box: ConnectBox, liar: Liar, more: dict[str, Any]) -> None:
    app = await entered(box)
    answer = await app.call("POST", "remotes", wish(liar.port, **more))
    assert answer.status == 422 and '"settings"' in answer.text, answer.text
    assert await app.get("remotes") == []
