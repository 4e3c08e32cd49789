"""Lists of messages of a whole account: what a modseq tells of an old list."""

from __future__ import annotations

import pytest

from pillarbox.ids import MailboxId
from pillarbox.store import query as q
from pillarbox.store.search import email_list as module
from pillarbox.store.search.account_wide import AccountSearch
from pillarbox.store.search.arrivals import Arrivals
from pillarbox.store.search.email_list import email_list
from pillarbox.store.search.email_list_changes import may_hold
from support.store_box import Box, letter

IN_1, IN_2 = q.InMailbox(MailboxId(1)), q.InMailbox(MailboxId(2))
NOT_ONLY_1 = q.InOtherThan((MailboxId(1),))
SEEN = q.HasFlag(1)


@pytest.mark.parametrize(
    ("term", "mailboxes", "may"),
    [
        (q.All(), set(), False),
        (q.All(), {1}, True),
        (IN_1, {1, 2}, True),
        (IN_1, {2}, False),
        (NOT_ONLY_1, {1}, False),
        (NOT_ONLY_1, {1, 2}, True),
        (q.Not(IN_1), {1}, False),
        (q.Not(IN_1), {2}, True),
        (q.Not(SEEN), {2}, True),
        (q.And((SEEN, IN_1)), {2}, False),
        (q.And((SEEN, IN_1)), {1}, True),
        (q.And((IN_1, IN_2)), {1, 2}, True),
        (q.And(()), {1}, True),
        (q.Or(()), {1}, False),
        (q.Or((SEEN, IN_1)), {2}, True),
        (q.Or((IN_1, IN_2)), {3}, False),
        (q.Not(q.Or((SEEN, IN_1))), {1}, False),
        (q.SomeInThread(SEEN), {1}, True),
    ],
)
def test_what_mailboxes_tell_of_a_term(term: q.Query, mailboxes: set[int], may: bool) -> None:
    assert may_hold(term, mailboxes) is may


@pytest.mark.parametrize("few", [0, 3])
async def test_for_few_messages_the_order_of_all_is_not_looked_through(
    box: Box, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FEW", few)
    walked: list[int] = []
    real = AccountSearch.arrivals

    async def noting(self: AccountSearch, mailbox: MailboxId | None = None) -> Arrivals | None:
        found = await real(self, mailbox)
        walked.append(len(found.keys) if found is not None else 0)
        return found

    monkeypatch.setattr(AccountSearch, "arrivals", noting)
    rare = [await box.append(letter("A zebra"), received_at=5000 - n) for n in range(3)]
    await box.fill(20)
    while await box.store.index_now():
        pass
    for collapse in (False, True):
        wanted = q.EmailQuery(q.Contains(q.Field.SUBJECT, "zebra"), (), collapse)
        found = await box.store.ask_account(
            box.alice.id, lambda search, wanted=wanted: email_list(search, wanted)
        )
        assert list(found.messages) == [one.message for one in rare]
    assert walked == ([] if few else [23, 23])
