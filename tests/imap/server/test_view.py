"""The view: numbers as this client knows them, pictures shared and never mixed up."""

from __future__ import annotations

import random
from array import array

import pytest

from pillarbox.ids import AccountId, MailboxId, MessageId, ModSeq, Uid, UidValidity
from pillarbox.imap.server.picture import Picture, Pictures
from pillarbox.imap.server.view import View
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.sequence_set import parse_sequence_set
from pillarbox.store.model import Expunged, Flag, Mailbox, MailboxChanges, Placed

BOX = Mailbox(
    id=MailboxId(1),
    account=AccountId(1),
    parent=None,
    name="INBOX",
    path="INBOX",
    role=None,
    selectable=True,
    uid_validity=UidValidity(1),
    uid_next=Uid(1),
    modseq=ModSeq(1),
    messages=0,
    unseen=0,
    deleted=0,
    octets=0,
)


def placed(uid: int, modseq: int, flags: int = 0, keywords: str = "") -> Placed:
    return Placed(Uid(uid), MessageId(uid), flags, keywords, ModSeq(modseq), 10, 0)


def gone(uid: int, modseq: int) -> Expunged:
    return Expunged(Uid(uid), MessageId(uid), ModSeq(modseq))


def changes(upto: int, rows: list[Placed] = [], lost: list[Expunged] = []) -> MailboxChanges:  # noqa: B006
    return MailboxChanges(ModSeq(upto), rows, lost, exists=True)


def opened(pictures: Pictures, uids: list[int], modseq: int = 1) -> View:
    picture = pictures.find(BOX)
    if picture is None:
        picture = Picture.of([placed(uid, 1) for uid in uids], ModSeq(modseq))
        pictures.publish(BOX, picture)
    return View(pictures, BOX, picture, read_only=False)


@pytest.mark.parametrize(
    ("wanted", "by_uid", "found"),
    [
        ("1", False, [0]),
        ("2:3", False, [1, 2]),
        ("3:2,2", False, [1, 2]),
        ("*", False, [3]),
        ("3:*", False, [2, 3]),
        ("9:*", False, [3]),
        ("5", True, [1]),
        ("6", True, []),
        ("1:6", True, [0, 1]),
        ("*", True, [3]),
        ("100:*", True, [3]),
        ("4294967295", True, []),
    ],
)
def test_sets_name_messages(wanted: str, by_uid: bool, found: list[int]) -> None:
    view = opened(Pictures(), [2, 5, 7, 9])
    assert view.resolve(parse_sequence_set(wanted.encode()), by_uid=by_uid) == found


def test_a_number_above_the_last_is_an_error() -> None:
    with pytest.raises(BadSyntax):
        opened(Pictures(), [2, 5]).resolve(parse_sequence_set(b"1:3"), by_uid=False)


def test_an_empty_mailbox_has_no_messages_for_any_set() -> None:
    view = opened(Pictures(), [])
    assert view.resolve(parse_sequence_set(b"1:*"), by_uid=False) == []
    assert view.resolve(parse_sequence_set(b"1:*"), by_uid=True) == []


def test_an_expunge_is_held_back_and_numbers_stay() -> None:
    view = opened(Pictures(), [1, 2, 3])
    told = view.apply(changes(2, [placed(4, 2)], [gone(2, 2)]), tell_expunged=False)
    assert (told.expunged_seqs, told.exists) == ([], 4)
    assert list(view.uids) == [1, 2, 3, 4]
    told = view.apply(changes(2), tell_expunged=True)
    assert (told.expunged_seqs, told.expunged_uids, told.exists) == ([2], [2], None)
    assert list(view.uids) == [1, 3, 4]


def test_expunges_are_told_from_the_top() -> None:
    view = opened(Pictures(), [1, 2, 3, 4])
    told = view.apply(changes(2, [], [gone(1, 2), gone(3, 2), gone(4, 2)]), tell_expunged=True)
    assert told.expunged_seqs == [4, 3, 1]
    assert told.expunged_uids == [1, 3, 4]


def test_a_message_that_came_and_went_is_not_told() -> None:
    view = opened(Pictures(), [1])
    told = view.apply(changes(3, [], [gone(2, 3)]), tell_expunged=True)
    assert (told.expunged_seqs, told.exists, told.changed_uids) == ([], None, [])


def test_own_changes_are_told_once() -> None:
    view = opened(Pictures(), [1, 2])
    seen = placed(1, 2, Flag.SEEN)
    view.note([seen])
    told = view.apply(changes(2, [seen]), tell_expunged=True)
    assert told.changed_uids == []
    flagged = placed(1, 3, Flag.FLAGGED)
    assert view.apply(changes(3, [flagged]), tell_expunged=True).changed_uids == [1]


def test_what_one_session_noted_is_told_to_another_that_shares_its_picture() -> None:
    pictures = Pictures()
    one, other = opened(pictures, [1, 2]), opened(pictures, [1, 2])
    assert one.picture is other.picture
    seen = placed(1, 2, Flag.SEEN)
    one.note([seen])
    assert one.picture is not other.picture
    one.apply(changes(2, [seen]), tell_expunged=True)
    assert other.apply(changes(2, [seen]), tell_expunged=True).changed_uids == [1]
    assert one.picture is other.picture


def test_what_changes_nothing_leaves_the_picture_to_all() -> None:
    pictures = Pictures()
    one, other = opened(pictures, [1, 2]), opened(pictures, [1, 2])
    one.note([placed(1, 1), placed(7, 5)])  # as it is known, and a message that is not here
    assert one.picture is other.picture is pictures.find(BOX)
    other.close()
    one.note([placed(1, 1)])
    assert pictures.find(BOX) is one.picture


def test_a_view_that_holds_back_lends_its_picture_to_nobody() -> None:
    pictures = Pictures()
    holding = opened(pictures, [1, 2])
    holding.apply(changes(2, [placed(3, 2)], [gone(1, 2)]), tell_expunged=False)
    assert pictures.find(BOX) is None


def test_keywords_are_learned_once() -> None:
    view = opened(Pictures(), [1, 2])
    assert view.keyword_list()[-1] == "$Important"
    view.apply(changes(2, [placed(1, 2, 0, "blue")]), tell_expunged=True)
    assert view.learn_keywords([1])
    assert "blue" in view.keyword_list()
    assert not view.learn_keywords([1])


def test_a_left_mailbox_is_kept_and_the_oldest_forgotten() -> None:
    pictures = Pictures(kept_messages=3)
    view = opened(pictures, [1, 2])
    picture = view.picture
    view.close()
    assert picture.holders == 0
    assert pictures.find(BOX) is picture
    del picture
    other = Pictures(kept_messages=1)
    view = opened(other, [1, 2])
    view.close()
    assert other.find(BOX) is None


def test_the_uids_below_a_picture_weigh_less() -> None:
    picture = Picture.of([placed(100, 1)], ModSeq(1))
    picture.below, picture.floor, picture.uids_below = 22, 100, array("I", range(1, 23))
    assert (len(picture), picture.weight) == (1, 3)


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_telling_gives_every_client_the_same_mailbox(seed: int) -> None:
    """Many views of one mailbox, brought up to date at odd times, beside a list of rows."""
    dice = random.Random(seed)
    pictures = Pictures()
    rows = {uid: placed(uid, 1) for uid in range(1, 8)}
    lost: list[Expunged] = []
    modseq, uid_next = 1, 8
    views = [opened(pictures, sorted(rows)) for _ in range(4)]
    told_numbers = [list(view.uids) for view in views]

    def since(known: int) -> MailboxChanges:
        return changes(
            modseq,
            [rows[uid] for uid in sorted(rows) if rows[uid].modseq > known],
            sorted((one for one in lost if one.modseq > known), key=lambda one: one.uid),
        )

    for _ in range(200):
        modseq += 1
        action = dice.random()
        if action < 0.4:
            rows[uid_next] = placed(uid_next, modseq)
            uid_next += 1
        elif rows and action < 0.7:
            uid = dice.choice(sorted(rows))
            del rows[uid]
            lost.append(gone(uid, modseq))
        elif rows:
            uid = dice.choice(sorted(rows))
            rows[uid] = placed(uid, modseq, dice.randrange(8), dice.choice(["", "a", "a b"]))
            if dice.random() < 0.5:
                dice.choice(views).note([rows[uid]])
        n = dice.randrange(4)
        known = told_numbers[n]
        told = views[n].apply(since(views[n].modseq), tell_expunged=dice.random() < 0.6)
        for seqnum in told.expunged_seqs:
            del known[seqnum - 1]
        if told.exists is not None:
            known.extend(views[n].uids[len(known) : told.exists])
        assert known == list(views[n].uids)
    for view in views:
        view.apply(since(view.modseq), tell_expunged=True)
        assert list(view.uids) == sorted(rows)
        assert [view.flags[view.index_of(uid)] for uid in sorted(rows)] == [
            rows[uid].flags for uid in sorted(rows)
        ]
        assert view.keywords == {uid: row.keywords for uid, row in rows.items() if row.keywords}
        assert view.picture is views[0].picture
