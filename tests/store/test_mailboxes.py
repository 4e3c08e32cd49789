"""The tree of mailboxes, names, roles, subscriptions."""

from __future__ import annotations

import unicodedata

import pytest

from pillarbox.errors import (
    AlreadyExists,
    BadName,
    LimitReached,
    MailboxHasChildren,
    NoSuchMailbox,
    NotAllowed,
)
from pillarbox.store.model import Role
from pillarbox.store.sql import accounts, changes, mailboxes
from support.store_box import Box


async def paths(box: Box) -> list[str]:
    return [one.path for one in await box.store.read(lambda db: mailboxes.tree(db, box.alice.id))]


async def rename(box: Box, old: str, new: str) -> None:
    await box.store.write(lambda tx: mailboxes.rename(tx, box.alice.id, old, new))


async def delete(box: Box, path: str) -> None:
    await box.store.write(lambda tx: mailboxes.delete(tx, box.alice.id, path))


async def test_a_new_account_has_its_mailboxes(box: Box) -> None:
    tree = await box.store.read(lambda db: mailboxes.tree(db, box.alice.id))
    assert {one.path: one.role for one in tree} == dict(accounts.FIRST_MAILBOXES)
    assert tree[0].path == "INBOX"
    subscribed = await box.store.read(lambda db: mailboxes.subscriptions(db, box.alice.id))
    assert subscribed == {path for path, _ in accounts.FIRST_MAILBOXES}


async def test_parents_are_made_and_come_first(box: Box) -> None:
    made = await box.create("work/2026/may")
    assert (made.name, made.path) == ("may", "work/2026/may")
    tree = await box.store.read(lambda db: mailboxes.tree(db, box.alice.id))
    by_id = {one.id: one for one in tree}
    assert made.parent is not None
    assert by_id[made.parent].path == "work/2026"
    places = [one.path for one in tree]
    assert places.index("work") < places.index("work/2026") < places.index("work/2026/may")
    await box.create("work2")
    assert (await paths(box))[-1] == "work2"


@pytest.mark.parametrize("path", ["inbox", "Inbox", "INBOX"])
async def test_inbox_in_any_case(box: Box, path: str) -> None:
    found = await box.store.read(lambda db: mailboxes.find(db, box.alice.id, path))
    assert found is not None
    assert found.path == "INBOX"
    with pytest.raises(AlreadyExists):
        await box.create(path)
    assert (await box.create(f"{path}/sub")).path == "INBOX/sub"


async def test_names_are_composed(box: Box) -> None:
    decomposed = unicodedata.normalize("NFD", "Grüße")
    made = await box.create(decomposed)
    assert made.path == "Grüße"
    assert (await box.mailbox(decomposed)).id == made.id


@pytest.mark.parametrize(
    "path",
    ["", "/", "a//b", "/a", "a/", "a\x00b", "a\nb", "a\x7f", "\u2028", "\ud800", "x" * 256,
     "/".join("a" * 21)],
)  # fmt: skip
async def test_bad_names(box: Box, path: str) -> None:
    with pytest.raises(BadName):
        await box.create(path)
    with pytest.raises(BadName):
        await rename(box, "Sent", path)


@pytest.mark.parametrize("path", ["..", "../../etc/passwd", "%", "*", "a%b_c", "x" * 255, " "])
async def test_odd_names_are_only_names(box: Box, path: str) -> None:
    await box.create(path)
    await rename(box, path, "plain")
    assert (await box.mailbox("plain")).path == "plain"


async def test_the_number_of_mailboxes_has_a_cap(box: Box) -> None:
    box.change_settings(max_mailboxes=10)
    await box.reopen()
    await box.create("a/b/c")
    with pytest.raises(LimitReached):
        await box.create("d/e")
    await box.create("d")
    with pytest.raises(LimitReached):
        await rename(box, "d", "e/f")


async def test_rename_takes_the_children_along(box: Box) -> None:
    inner = await box.create("old/a_b/c")
    await box.create("old%/x")
    before = (await box.account()).modseq
    await rename(box, "old", "new/place")
    assert [path for path in await paths(box) if "/" in path or path == "new"] == [
        "new",
        "new/place",
        "new/place/a_b",
        "new/place/a_b/c",
        "old%/x",
    ]
    moved = await box.mailbox("new/place/a_b/c")
    assert moved.id == inner.id
    assert moved.modseq > before
    assert moved.uid_validity == inner.uid_validity
    assert (await box.store.verify()).problems == []


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("nothing", "x", NoSuchMailbox),
        ("Sent", "Trash", AlreadyExists),
        ("Sent", "INBOX", AlreadyExists),
        ("Sent", "Sent/below", NotAllowed),
        ("Sent", "Sent", AlreadyExists),
    ],
)
async def test_refused_renames(box: Box, old: str, new: str, error: type[Exception]) -> None:
    before = await paths(box)
    with pytest.raises(error):
        await rename(box, old, new)
    assert await paths(box) == before


async def test_renaming_counts_the_depth_of_the_children(box: Box) -> None:
    await box.create("a/" + "/".join("b" * 10))
    with pytest.raises(BadName):
        await rename(box, "a", "/".join("c" * 11))
    await rename(box, "a", "/".join("c" * 10))


async def test_renaming_inbox_moves_its_messages(box: Box) -> None:
    await box.fill(3)
    await rename(box, "inbox", "old/mail")
    assert await box.placed() == []
    assert len(await box.placed((await box.mailbox("old/mail")).id)) == 3
    assert (await box.append()).uid == 4


async def test_delete(box: Box) -> None:
    made = await box.create("work")
    box.inbox = made
    await box.fill(2)
    seen = (await box.mailbox("work")).modseq
    await delete(box, "work")
    assert "work" not in await paths(box)
    gone = await box.store.read(lambda db: changes.since(db, box.alice.id, made.id, seen))
    assert not gone.exists
    assert (await box.account()).used_messages == 0
    again = await box.create("work")
    assert again.uid_validity > made.uid_validity
    assert again.id != made.id
    with pytest.raises(NoSuchMailbox):
        await delete(box, "nothing")
    with pytest.raises(NotAllowed):
        await delete(box, "INBOX")


async def test_deleting_a_parent_leaves_a_level(box: Box) -> None:
    await box.create("a/b")
    old = await box.mailbox("a")
    await delete(box, "a")
    level = await box.mailbox("a")
    assert (level.selectable, level.id) == (False, old.id)
    with pytest.raises(MailboxHasChildren):
        await delete(box, "a")
    revived = await box.create("a")
    assert revived.selectable
    assert revived.uid_validity > old.uid_validity
    await delete(box, "a/b")
    await delete(box, "a")
    assert "a" not in await paths(box)


async def test_a_revived_mailbox_shows_nothing_of_its_former_life(box: Box) -> None:
    await box.create("a/b")
    box.inbox = await box.mailbox("a")
    await box.fill(2)
    await delete(box, "a")
    revived = await box.create("a")
    assert await box.placed(revived.id) == []
    assert (await box.append(mailbox=revived.id)).uid == 1
    assert (await box.store.verify()).problems == []


async def test_roles(box: Box) -> None:
    made = await box.create("Important")
    await box.store.write(lambda tx: mailboxes.set_role(tx, box.alice.id, made.id, Role.IMPORTANT))
    found = await box.store.read(lambda db: mailboxes.by_role(db, box.alice.id, Role.IMPORTANT))
    assert found is not None
    assert found.id == made.id
    for role, error in [(Role.SENT, AlreadyExists), (Role.INBOX, NotAllowed)]:
        with pytest.raises(error):
            await box.store.write(
                lambda tx, role=role: mailboxes.set_role(tx, box.alice.id, made.id, role)
            )
    with pytest.raises(AlreadyExists):
        await box.store.write(lambda tx: mailboxes.create(tx, box.alice.id, "Sent2", Role.SENT))
    await box.store.write(lambda tx: mailboxes.set_role(tx, box.alice.id, made.id, None))
    assert (await box.mailbox("Important")).role is None


async def test_subscriptions_are_names(box: Box) -> None:
    for path in ("not/there", "not/there", "inbox"):
        await box.store.write(lambda tx, path=path: mailboxes.subscribe(tx, box.alice.id, path))
    await box.store.write(lambda tx: mailboxes.unsubscribe(tx, box.alice.id, "Sent"))
    await box.store.write(lambda tx: mailboxes.unsubscribe(tx, box.alice.id, "never"))
    names = await box.store.read(lambda db: mailboxes.subscriptions(db, box.alice.id))
    assert names == {"INBOX", "Drafts", "Junk", "Trash", "Archive", "not/there"}


async def test_uid_validity_only_grows(box: Box) -> None:
    seen = [(await box.mailbox("Archive")).uid_validity]
    for leap in (0, -1_000_000, 1_000_000):
        box.clock.leap(leap) if hasattr(box.clock, "leap") else await box.clock.advance(leap)
        await box.create("x")
        seen.append((await box.mailbox("x")).uid_validity)
        await delete(box, "x")
    assert seen == sorted(set(seen))
