"""An account's mailboxes as JMAP shows them (RFC 8621 §2)."""

from __future__ import annotations

import msgspec

from pillarbox.ids import MailboxId, ModSeq
from pillarbox.jmap.context import Context
from pillarbox.jmap.ids import mailbox_id
from pillarbox.jmap.method import Answer
from pillarbox.store.database import Reader
from pillarbox.store.model import Mailbox, Role
from pillarbox.store.sql import changes, doubles, mailbox_counts, mailboxes
from pillarbox.store.sql.doubles import Surplus
from pillarbox.store.sql.mailbox_counts import Threads
from pillarbox.store.sql.names import INBOX

COUNTS = ("totalEmails", "unreadEmails", "totalThreads", "unreadThreads")
THREAD_COUNTS = frozenset(COUNTS[2:])
PROPERTIES = (
    "id",
    "name",
    "parentId",
    "role",
    "sortOrder",
    *COUNTS,
    "myRights",
    "isSubscribed",
)
INBOX_NAME = "Inbox"
# Where nobody gave an order: the special ones first.
_ORDERS = {role: number for number, role in enumerate(Role, 1)}
ORDER_OF_OTHERS = 100


class Tree(msgspec.Struct, frozen=True):
    """All mailboxes of one account at one instant."""

    modseq: ModSeq
    mailboxes: list[Mailbox]  # each after its parent
    subscribed: set[str]
    orders: dict[MailboxId, int]
    not_unread: dict[MailboxId, int]  # counted as unseen all the same
    surplus: dict[MailboxId, Surplus]  # what IMAP put there twice


async def tree_of(ctx: Context) -> Tree:
    """Of the request's account, as it is now."""
    is_known = ctx.services.doubles.find(ctx.account) is not None
    look = ctx.store.read if is_known else ctx.store.scan
    return await look(lambda db: read_tree(db, ctx))


async def read_tree(db: Reader, ctx: Context) -> Tree:
    """Some milliseconds for thousands of mailboxes."""
    account, known = ctx.account, ctx.services.doubles
    modseq = await changes.account_modseq(db, account)
    there = await doubles.find(db, account, modseq, known.find(account))
    known.keep(account, there)
    return Tree(
        modseq,
        await mailboxes.tree(db, account),
        await mailboxes.subscriptions(db, account),
        await mailbox_counts.sort_orders(db, account),
        await mailbox_counts.not_unread(db, account),
        await doubles.surplus(db, account, there),
    )


def shown_name(mailbox: Mailbox) -> str:
    """IMAP's INBOX has a name for people."""
    return INBOX_NAME if mailbox.path == INBOX else mailbox.name


def sort_order(tree: Tree, mailbox: Mailbox) -> int:
    """As somebody set it, or by its use."""
    by_use = _ORDERS[mailbox.role] if mailbox.role else ORDER_OF_OTHERS
    return tree.orders.get(mailbox.id, by_use)


def rights(mailbox: Mailbox) -> dict[str, bool]:
    """An account's owner may do anything but what IMAP cannot."""
    holds_mail, is_inbox = mailbox.selectable, mailbox.path == INBOX
    return {
        "mayReadItems": holds_mail,
        "mayAddItems": holds_mail,
        "mayRemoveItems": holds_mail,
        "maySetSeen": holds_mail,
        "maySetKeywords": holds_mail,
        "mayCreateChild": True,
        "mayRename": not is_inbox,
        "mayDelete": not is_inbox,
        "maySubmit": holds_mail,
    }


def record(
    tree: Tree, mailbox: Mailbox, wanted: frozenset[str], threads: dict[MailboxId, Threads]
) -> Answer:
    """The wanted properties. A place that IMAP marked seen in one mailbox only counts there."""
    counted = threads.get(mailbox.id, Threads())
    surplus = tree.surplus.get(mailbox.id, Surplus())
    whole: Answer = {
        "id": mailbox_id(mailbox.id),
        "name": shown_name(mailbox),
        "parentId": None if mailbox.parent is None else mailbox_id(mailbox.parent),
        "role": mailbox.role.value if mailbox.role else None,
        "sortOrder": sort_order(tree, mailbox),
        "totalEmails": mailbox.messages - mailbox.deleted - surplus.messages,
        "unreadEmails": mailbox.unseen - tree.not_unread.get(mailbox.id, 0) - surplus.unread,
        "totalThreads": counted.total,
        "unreadThreads": counted.unread,
        "myRights": rights(mailbox),
        "isSubscribed": mailbox.path in tree.subscribed,
    }
    return {name: value for name, value in whole.items() if name in wanted}
