"""What a person wants done with mail: forwarding, blocking, answering, deleting when it is old."""

from __future__ import annotations

import msgspec

from pillarbox.errors import NotFound
from pillarbox.ids import AccountId, MailboxId
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.sql.modseq import next_modseq


class Forward(msgspec.Struct, frozen=True):
    """Mail goes on to an address; nothing does before its owner has shown us a code."""

    address: str  # folded
    keep_copy: bool = True
    verified: bool = False


class DeleteAfter(msgspec.Struct, frozen=True):
    """Mail of a sender, or in a mailbox, goes to the trash when it is so old."""

    id: str
    days: int
    sender: str = ""  # folded address; "": any
    mailbox: MailboxId | None = None  # None: any


class MailRules(msgspec.Struct, frozen=True):
    """All but the answer while a person is away."""

    forward: tuple[Forward, ...] = ()
    blocked: tuple[str, ...] = ()  # folded addresses, or "@domain"
    delete_after: tuple[DeleteAfter, ...] = ()


class Vacation(msgspec.Struct, frozen=True):
    """RFC 8621 §8; times are Unix seconds, 0: without that end."""

    is_enabled: bool = False
    begins_at: int = 0
    ends_at: int = 0
    subject: str = ""
    text: str = ""
    html: str = ""

    def holds(self, now: int) -> bool:
        """Whether the person is away."""
        ended = bool(self.ends_at) and now >= self.ends_at
        return self.is_enabled and now >= self.begins_at and not ended


_GET = "SELECT rules, vacation FROM mail_rules WHERE account_id = ?"
_PUT = """
    INSERT INTO mail_rules (account_id, rules, vacation) VALUES (?, ?, ?)
    ON CONFLICT (account_id) DO UPDATE SET rules = excluded.rules, vacation = excluded.vacation
"""
_MARK = "UPDATE account SET has_rules = ? WHERE account_id = ?"
_TELL = """
    INSERT INTO vacation_told (account_id, address, told_at) VALUES (?, ?, ?)
    ON CONFLICT (account_id, address) DO UPDATE SET told_at = excluded.told_at WHERE told_at <= ?
    RETURNING 1
"""
_FORGET_TOLD = "DELETE FROM vacation_told WHERE told_at <= ?"
_TOLD_ALL = "DELETE FROM vacation_told WHERE account_id = ?"
_WITH_AGES = "SELECT account_id, rules FROM mail_rules WHERE account_id > ? ORDER BY 1 LIMIT ?"


async def get(db: Reader, account: AccountId) -> tuple[MailRules, Vacation]:
    """Empty ones where nothing was ever said."""
    row = await db.row(_GET, (account,))
    if row is None:
        return MailRules(), Vacation()
    return (
        msgspec.json.decode(row[0], type=MailRules),
        msgspec.json.decode(row[1], type=Vacation),
    )


async def put(tx: Transaction, account: AccountId, rules: MailRules, vacation: Vacation) -> None:
    """Replace both; clients see a new state."""
    encode = msgspec.json.encode
    await tx.run(_PUT, (account, encode(rules), encode(vacation)))
    acts = any(one.verified for one in rules.forward) or rules.blocked or vacation.is_enabled
    await tx.run(_MARK, (1 if acts else 0, account))
    await next_modseq(tx, account)


async def may_tell(tx: Transaction, account: AccountId, address: str, days: int) -> bool:
    """Whether a correspondent was not told within so many days; then they are counted as told."""
    now = tx.now()
    return bool(await tx.run(_TELL, (account, address, now, now - days * 86_400)))


async def tell_anew(tx: Transaction, account: AccountId) -> None:
    """Another absence: everyone may be told again (RFC 8621 §8)."""
    await tx.run(_TOLD_ALL, (account,))


async def forget_told(tx: Transaction, days: int) -> None:
    """Drop what no longer holds anything back."""
    await tx.run(_FORGET_TOLD, (tx.now() - days * 86_400,))


async def ages(db: Reader, after: AccountId, limit: int) -> list[tuple[AccountId, MailRules]]:
    """The rules of some accounts, in their order."""
    rows = await db.rows(_WITH_AGES, (after, limit))
    return [(AccountId(row[0]), msgspec.json.decode(row[1], type=MailRules)) for row in rows]


_ASK = """
    INSERT INTO forward_proof (account_id, address, digest, sent_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (account_id, address) DO UPDATE SET
        digest = excluded.digest, sent_at = excluded.sent_at, tries = 0
"""
_ASKED = "SELECT count(*) FROM forward_proof WHERE account_id = ? AND sent_at > ?"
_PROOF = "SELECT digest, sent_at, tries FROM forward_proof WHERE account_id = ? AND address = ?"
_TRIED = "UPDATE forward_proof SET tries = tries + 1 WHERE account_id = ? AND address = ?"


class Proof(msgspec.Struct, frozen=True):
    """A code that was sent to an address."""

    digest: bytes
    sent_at: int
    tries: int


async def ask_proof(tx: Transaction, account: AccountId, address: str, digest: bytes) -> None:
    """Remember the code that is being sent; an older one no longer counts."""
    await tx.run(_ASK, (account, address, digest, tx.now()))


async def asked_since(db: Reader, account: AccountId, since: int) -> int:
    """How many addresses were asked for a code."""
    row = await db.row(_ASKED, (account, since))
    return int(row[0]) if row else 0


async def try_proof(tx: Transaction, account: AccountId, address: str) -> Proof:
    """The code that was sent, and one try more. Raises NotFound."""
    row = await tx.row(_PROOF, (account, address))
    if row is None:
        raise NotFound
    await tx.run(_TRIED, (account, address))
    return Proof(*row)


_USAGE = """
    SELECT a.account_id, a.login, a.name, a.quota_octets, a.used_octets,
        coalesce(n.level, 0)
    FROM account a LEFT JOIN quota_notice n ON n.account_id = a.account_id
    WHERE a.account_id > ? AND a.enabled = 1 AND (a.quota_octets > 0 OR n.level > 0)
    ORDER BY a.account_id LIMIT ?
"""
_LEVEL = """
    INSERT INTO quota_notice (account_id, level) VALUES (?, ?)
    ON CONFLICT (account_id) DO UPDATE SET level = excluded.level WHERE level <> excluded.level
    RETURNING 1
"""


class Usage(msgspec.Struct, frozen=True):
    """How full an account with a quota is, and what its owner was told."""

    account: AccountId
    login: str
    name: str
    quota_octets: int
    used_octets: int
    told: int  # per cent


async def usages(db: Reader, after: AccountId, limit: int) -> list[Usage]:
    """Of accounts that have a limit, in their order."""
    return [Usage(*row) for row in await db.rows(_USAGE, (after, limit))]


async def told_quota(tx: Transaction, account: AccountId, level: int) -> bool:
    """Remember what was told, and whether that is news; a lower level: there is room again."""
    return bool(await tx.run(_LEVEL, (account, level)))
