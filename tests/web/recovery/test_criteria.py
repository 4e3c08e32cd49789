"""REC-2 to REC-4: how often one may ask, what tokens are good for, and changes of the address."""

from __future__ import annotations

import asyncio
import itertools
import re
from pathlib import Path

import pytest

from pillarbox.accounts.recovery import AddressChange
from pillarbox.net.secret import Secret
from pillarbox.store.sql import browser_sessions, recovery
from support.recovery_box import FAR, GOOD, RecoveryBox, bare

ALICE = "alice@example.org"
DAY = 86_400


@pytest.fixture
def box(tmp_path: Path) -> RecoveryBox:
    return RecoveryBox(tmp_path)


async def test_rec_2_three_for_an_account_in_an_hour(box: RecoveryBox) -> None:
    """From any number of networks; silently, and the account itself is never locked."""
    await box.has_address()
    for number in range(8):
        answer = await box.post("/forgot", f"198.51.{number}.1", email=ALICE)
        assert answer.status == 200
    assert len(await box.sent(3)) == 3
    assert await box.opens("the old password")
    old = Secret("the old password")
    person = await box.authenticator.check_person(ALICE, old, peer="192.0.2.1")
    assert person.identity.account == box.alice.id
    await box.clock.advance(3601)
    await box.post("/forgot", "198.51.1.1", email=ALICE)
    assert len(await box.sent(4)) == 4


@pytest.mark.parametrize(
    ("near", "far"),
    [("198.51.100.{}", "198.51.101.1"), ("2001:db8:1:2:{}::1", "2001:db8:1:3::1")],
)
async def test_rec_2_ten_for_a_network_in_an_hour(box: RecoveryBox, near: str, far: str) -> None:
    """IPv4 /24, IPv6 /64; the neighbour network is not touched."""
    await box.has_address()
    for number in range(1, 15):
        assert (await box.post("/addresses", near.format(number), email=FAR)).status == 200
    assert len(await box.sent(10)) == 10
    await box.post("/addresses", far, email=FAR)
    assert len(await box.sent(11)) == 11


async def test_rec_2_a_thousand_in_a_day_from_everywhere(box: RecoveryBox) -> None:
    await box.has_address()

    async def asked_before(tx: object, times: int) -> None:
        for _ in range(times):
            await recovery.count(tx, "all", DAY)  # type: ignore[arg-type]

    await box.store.write(lambda tx: asked_before(tx, 998))
    for number in range(4):
        answer = await box.post("/addresses", f"203.0.{number}.1", email=FAR)
        assert answer.status == 200
    assert len(await box.sent(2)) == 2
    await box.clock.advance(DAY)
    await box.post("/addresses", "203.0.1.1", email=FAR)
    assert len(await box.sent(3)) == 3


async def test_rec_2_pauses_between_codes_double(box: RecoveryBox) -> None:
    """For known and unknown names alike; after the pause the right code is heard."""
    codes = await box.recovering.new_codes(box.alice.id)
    told = []
    for name, peer in (("nobody@example.org", "198.51.1.1"), (ALICE, "198.51.2.1")):
        seen = []
        for number in itertools.count():
            typed = {"email": name, "code": f"1-aaaa-bbbb-cc{number:02}"}
            answer = await box.post("/forgot/code", peer, **typed)
            seen.append((answer.status, answer.headers.get("retry-after")))
            if answer.status == 429:
                await box.clock.advance(float(answer.headers["retry-after"]))
                if len([one for one in seen if one[0] == 429]) == 3:
                    break
        told.append(seen)
    assert told[0] == told[1]
    assert [seconds for status, seconds in told[0] if status == 429] == ["1", "2", "4"]
    right = codes[0].reveal().decode()
    assert (await box.post("/forgot/code", "198.51.2.1", email=ALICE, code=right)).status == 303


async def test_rec_3_every_dead_token_is_the_same_page(box: RecoveryBox) -> None:
    """Used, too old, the one before the newest, cut off, of nobody: by GET and by POST."""
    await box.has_address()
    dead = {"of nobody": "/reset/" + "A" * 43, "empty": "/reset/x"}
    await box.post("/forgot", email=ALICE)
    dead["second newest"] = await box.link()
    await box.post("/forgot", email=ALICE)
    await box.sent(2)
    used = await box.link()
    dead |= {"cut off": used[:-1], "longer": used + "A"}
    assert (await box.post(used, password=GOOD, again=GOOD)).status == 200
    dead["used"] = used
    await box.post("/forgot", email=ALICE)
    await box.sent(5)  # with the notices
    dead["too old"] = await box.link()
    await box.clock.advance(30 * 60 + 1)
    seen = {why: bare(await box.page(path)) for why, path in dead.items()}
    seen |= {
        f"{why}, by POST": bare(await box.post(path, password="another " + GOOD, again="x"))
        for why, path in dead.items()
    }
    assert {answer[0] for answer in seen.values()} == {404}
    assert len({answer[2] for answer in seen.values()}) == 1
    assert all(answer[1]["referrer-policy"] == "no-referrer" for answer in seen.values())
    assert await box.opens(GOOD)


async def test_rec_3_a_token_is_good_for_its_account_and_no_other(box: RecoveryBox) -> None:
    """Whoever is signed in, whatever name the form claims."""
    await box.has_address()
    bob = await box.admin.create_account("bob@example.org", Secret("the password of bob"))
    await box.post("/forgot", email=ALICE)
    path = await box.link()
    fields = {"password": GOOD, "again": GOOD, "username": "bob@example.org", "login": bob.login}
    assert (await box.post(path, **fields)).status == 200
    assert await box.opens(GOOD)
    old = Secret("the password of bob")
    await box.authenticator.check_person("bob@example.org", old, peer="192.0.2.7")


async def test_rec_3_two_at_the_same_moment_and_one_is_used(box: RecoveryBox) -> None:
    await box.has_address()
    await box.post("/forgot", email=ALICE)
    path = await box.link()
    answers = await asyncio.gather(
        *(box.post(path, password=f"{GOOD} {n}", again=f"{GOOD} {n}") for n in range(5))
    )
    assert sorted(answer.status for answer in answers) == [200, 404, 404, 404, 404]


async def change(box: RecoveryBox, address: str) -> AddressChange:
    """Another recovery address, proved."""
    code = box.recovering.new_proof()
    await box.store.write(lambda tx: box.recovering.remember_proof(tx, box.alice.id, address, code))
    return await box.recovering.prove(box.alice.id, code)


async def test_rec_4_seventy_two_hours(box: RecoveryBox) -> None:
    """Then the new one is as good as any; the very first one is at once."""
    assert (await change(box, "first@example.net")).former == ""
    await box.post("/forgot", "198.51.1.1", email=ALICE)
    assert [to for to, _ in await box.sent(1)] == ["first@example.net"]
    assert (await change(box, "second@example.net")).former == "first@example.net"
    await box.clock.advance(72 * 3600 - 5)
    await box.post("/forgot", "198.51.2.1", email=ALICE)
    await box.post("/admin-help", "198.51.2.1", email=ALICE)  # it waits behind that one
    while not await box.store.read(recovery.help_requests):
        await asyncio.sleep(0.01)
    await box.clock.advance(10)
    await box.post("/forgot", "198.51.3.1", email=ALICE)
    assert [to for to, _ in await box.sent(2)] == ["first@example.net", "second@example.net"]


@pytest.mark.parametrize("way", ["twice", "removed before", "removed after"])
async def test_rec_4_no_detour_gets_rid_of_the_owner(box: RecoveryBox, way: str) -> None:
    """Whoever changes it twice, or removes it first, waits as well, and the owner can object."""
    await box.has_address(address="owner@example.net")
    if way == "removed before":
        gone = await box.recovering.remove_address(box.alice.id)
        assert gone is not None
        assert gone.former == "owner@example.net"
    else:
        assert (await change(box, "thief@example.net")).former == "owner@example.net"
    if way == "removed after":
        last = await box.recovering.remove_address(box.alice.id)
    else:
        last = await change(box, "thief2@example.net")
    assert last is not None
    assert last.former == "owner@example.net"
    await box.post("/forgot", email=ALICE)
    await box.post("/admin-help", email=ALICE)
    while not await box.store.read(recovery.help_requests):
        await asyncio.sleep(0.01)
    assert await box.sent(0) == []
    assert last.undo is not None
    path = f"/recovery/undo/{last.undo.reveal().decode()}"
    assert (await box.post(path)).status == 200
    assert (await box.recovering.state(box.alice.id)).address == "owner@example.net"
    assert await box.store.read(lambda db: browser_sessions.all_sessions(db, box.alice.id)) == []
    await box.post("/forgot", "198.51.9.1", email=ALICE)
    assert [to for to, _ in await box.sent(1)] == ["owner@example.net"]
    assert re.search(r"/reset/\S{43}", (await box.sent(1))[0][1])


async def test_rec_4_the_owner_may_come_back(box: RecoveryBox) -> None:
    """The former address set again is nobody's change; and one removed long ago is forgotten."""
    await box.has_address(address="owner@example.net")
    await change(box, "thief@example.net")
    assert (await change(box, "owner@example.net")).former == ""
    await box.recovering.remove_address(box.alice.id)
    await box.clock.advance(73 * 3600)
    assert (await change(box, "fresh@example.net")).former == ""
    await box.post("/forgot", email=ALICE)
    assert [to for to, _ in await box.sent(1)] == ["fresh@example.net"]
