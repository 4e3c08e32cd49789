"""Lists of messages of a whole account: what a modseq tells of an old list."""

from __future__ import annotations

import pytest

from pillarbox.ids import MailboxId
from pillarbox.store import query as q
from pillarbox.store.search.email_list_changes import may_hold

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
