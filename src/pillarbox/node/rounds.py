"""Housekeeping of what people asked for: old mail goes, nearly full mailboxes are told of."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pillarbox.clock import unix_seconds
from pillarbox.flow.delivery.letters import Letters, keep_letter
from pillarbox.flow.delivery.rules import TELL_AGAIN_DAYS
from pillarbox.ids import AccountId, MailboxId, Uid
from pillarbox.message.builder import Address
from pillarbox.store.model import Role
from pillarbox.store.sql import aging, mailboxes, moving, recovery, rules

if TYPE_CHECKING:
    from pillarbox.store import Store, Transaction
    from pillarbox.store.sql.rules import DeleteAfter, Usage

LEVELS = (80, 95, 100)  # per cent of a quota at which its owner is told
_ACCOUNTS_AT_ONCE = 500
_MESSAGES_AT_ONCE = 200  # in one transaction: deliveries wait for it
_MOST_STEPS = 50  # of one rule in one round; the rest is done in the next
_DAY = 86_400

_WARNING = """\
The mailbox of {login} is {level} % full: {used} of {quota}.

When it is full, new mail is held back; whoever sent it tries again for some days, then gives up.
You can read, send and delete all the time.

Ways to make room: empty the trash and the junk; delete large or old messages. On the web page,
Settings has a clean-up assistant that shows what takes the most.
"""
_FULL = """\
The mailbox of {login} is full: {used} of {quota}.

New mail is being held back now; whoever sent it tries again for some days, then gives up. You can
still read, send and delete.

Ways to make room: empty the trash and the junk; delete large or old messages. On the web page,
Settings has a clean-up assistant that shows what takes the most.
"""


async def delete_old_mail(store: Store) -> None:
    """One round of the rules that say after how many days; it moves to the trash."""
    after = AccountId(0)
    while True:
        read = partial(rules.ages, after=after, limit=_ACCOUNTS_AT_ONCE)
        found = await store.read(read)
        for account, given in found:
            after = account
            for rule in given.delete_after:
                await _delete_by(store, account, rule)
        if len(found) < _ACCOUNTS_AT_ONCE:
            break
    await store.write(lambda tx: rules.forget_told(tx, TELL_AGAIN_DAYS))


async def _delete_by(store: Store, account: AccountId, rule: DeleteAfter) -> None:
    before = unix_seconds(store.clock.now()) - rule.days * _DAY

    place: aging.Place | None = aging.Place()
    for _ in range(_MOST_STEPS):
        if place is None:
            return
        look = partial(
            aging.find_old,
            account=account,
            rule=rule,
            before=before,
            after=place,
            limit=_MESSAGES_AT_ONCE,
        )
        old, place = await store.scan(look)
        for mailbox, uids in old.items():
            await store.write(partial(_to_trash, account=account, mailbox=mailbox, uids=uids))


async def _to_trash(
    tx: Transaction, account: AccountId, mailbox: MailboxId, uids: list[Uid]
) -> None:
    trash = await mailboxes.by_role(tx, account, Role.TRASH)
    if trash is not None:
        await moving.move(tx, account, mailbox, uids, trash.id)


async def forget_ways_back(store: Store) -> None:
    """One round: links, counts and invitations whose time is over."""
    await store.write(recovery.forget)


async def warn_of_quotas(store: Store, letters: Letters) -> None:
    """One round: a letter for each level that was crossed, and none twice."""
    after = AccountId(0)
    while True:
        read = partial(rules.usages, after=after, limit=_ACCOUNTS_AT_ONCE)
        found = await store.read(read)
        for usage in found:
            after = usage.account
            await _warn(store, letters, usage)
        if len(found) < _ACCOUNTS_AT_ONCE:
            return


def level_of(usage: Usage) -> int:
    """The highest of LEVELS that is reached; 0: none, or no limit."""
    if not usage.quota_octets:
        return 0
    percent = 100 * usage.used_octets / usage.quota_octets
    return max((level for level in LEVELS if percent >= level), default=0)


async def _warn(store: Store, letters: Letters, usage: Usage) -> None:
    level = level_of(usage)
    if level == usage.told:
        return

    if level < usage.told:  # there is room again
        await store.write(lambda tx: rules.told_quota(tx, usage.account, level))
        return
    text = _FULL if level == LEVELS[-1] else _WARNING
    letter = await letters.write(
        Address(usage.login, usage.name),
        f"Your mailbox is {level} % full",
        text.format(
            login=usage.login,
            level=level,
            used=_shown(usage.used_octets),
            quota=_shown(usage.quota_octets),
        ),
        domain=usage.login.rpartition("@")[2],
        despite_quota=True,
    )

    async def tell(tx: Transaction) -> None:
        is_news = await rules.told_quota(tx, usage.account, level)
        if is_news and letter is not None:  # no other worker was faster
            await keep_letter(tx, letter)

    await store.write(tell)


def _shown(octets: int) -> str:
    """As people read it: 1.2 GB."""
    size = float(octets)
    for unit in ("octets", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "octets" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
