"""Messages that are as old as their owner wants them to become."""

from __future__ import annotations

import msgspec

from pillarbox.ids import AccountId, MailboxId, Uid
from pillarbox.message.address import mailboxes, parse_address_list
from pillarbox.store.database import Reader
from pillarbox.store.sql.rules import DeleteAfter

_OLD = """
    SELECT p.mailbox_id, p.uid, m.folded_from FROM placement p
    JOIN mailbox b ON b.account_id = p.account_id AND b.mailbox_id = p.mailbox_id
    JOIN message m ON m.account_id = p.account_id AND m.message_id = p.message_id
    WHERE p.account_id = ?1 AND p.received_at < ?2
        AND (?3 = 0 OR p.mailbox_id = ?3)
        AND (b.role IS NULL OR b.role NOT IN ('trash', 'junk', 'drafts'))
        AND (?4 = '' OR instr(m.folded_from, ?4) > 0) AND (p.mailbox_id, p.uid) > (?6, ?7)
    ORDER BY p.mailbox_id, p.uid LIMIT ?5
"""


class Place(msgspec.Struct, frozen=True):
    """How far a rule was followed."""

    mailbox: MailboxId = MailboxId(0)
    uid: Uid = Uid(0)


async def find_old(
    db: Reader, account: AccountId, rule: DeleteAfter, before: int, after: Place, limit: int
) -> tuple[dict[MailboxId, list[Uid]], Place | None]:
    """What a rule is about, by mailbox; never what lies in the trash, junk or drafts already.

    And where to go on; None: that was all.
    """
    asked = (account, before, rule.mailbox or 0, rule.sender, limit, after.mailbox, after.uid)
    rows = await db.rows(_OLD, asked)
    found: dict[MailboxId, list[Uid]] = {}
    for mailbox, uid, author in rows:
        if not rule.sender or _is_from(author, rule.sender):
            found.setdefault(MailboxId(mailbox), []).append(Uid(uid))
    more = len(rows) == limit
    return found, Place(MailboxId(rows[-1][0]), Uid(rows[-1][1])) if more else None


def _is_from(author: str, sender: str) -> bool:
    """The text alone may also stand in a name, or begin a longer domain."""
    addresses = (
        f"{one.local.decode()}@{one.domain.decode()}".casefold()
        for one in mailboxes(parse_address_list(author.encode("utf-8", "replace")))
    )
    if sender.startswith("@"):
        return any(address.endswith(sender) for address in addresses)
    return sender in addresses
