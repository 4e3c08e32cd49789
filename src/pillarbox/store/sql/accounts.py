"""Accounts and the domains that are served."""

from __future__ import annotations

from pillarbox.errors import AlreadyExists, NoSuchAccount, NoSuchDomain
from pillarbox.ids import AccountId
from pillarbox.store.database import Reader, Row, Transaction
from pillarbox.store.model import Account, Role
from pillarbox.store.sql import links, mailboxes, uploads
from pillarbox.store.sql.modseq import next_modseq
from pillarbox.store.sql.quota_changes import limits_changed

FIRST_MAILBOXES: tuple[tuple[str, Role], ...] = (
    ("INBOX", Role.INBOX),
    ("Drafts", Role.DRAFTS),
    ("Sent", Role.SENT),
    ("Junk", Role.JUNK),
    ("Trash", Role.TRASH),
    ("Archive", Role.ARCHIVE),
)

_INSERT = """
    INSERT INTO account (login, name, quota_octets, quota_messages, created_at)
    VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING account_id
"""
_INSERT_ADDRESS = """
    INSERT INTO address (address, kind, account_id) VALUES (?, 'account', ?)
    ON CONFLICT DO NOTHING RETURNING address
"""


async def create(
    tx: Transaction, login: str, name: str, quota_octets: int = 0, quota_messages: int = 0
) -> Account:
    """Make an account with its first mailboxes and its own address; raises AlreadyExists."""
    made = await tx.run(_INSERT, (login, name, quota_octets, quota_messages, tx.now()))
    if not made:
        raise AlreadyExists("There is an account of that name already.")
    account = AccountId(made[0][0])
    if not await tx.run(_INSERT_ADDRESS, (login, account)):
        raise AlreadyExists("There is an alias of that name already.")
    for path, role in FIRST_MAILBOXES:
        await mailboxes.create(tx, account, path, role)
        await mailboxes.subscribe(tx, account, path)
    return await get(tx, account)


_ACCOUNT = """
    SELECT account_id, login, name, enabled, modseq, quota_octets, quota_messages,
        used_octets, used_messages, created_at, has_rules
    FROM account WHERE account_id = ?
"""
_BY_LOGIN = """
    SELECT account_id, login, name, enabled, modseq, quota_octets, quota_messages,
        used_octets, used_messages, created_at, has_rules
    FROM account WHERE login = ?
"""
_BY_ADDRESS = """
    SELECT account.account_id, login, account.name, enabled, modseq, quota_octets, quota_messages,
        used_octets, used_messages, account.created_at, has_rules
    FROM address JOIN account ON account.account_id = address.account_id
        JOIN domain ON domain.name = ?
    WHERE address = ?
"""
_ALL = """
    SELECT account_id, login, name, enabled, modseq, quota_octets, quota_messages,
        used_octets, used_messages, created_at, has_rules
    FROM account ORDER BY login
"""


async def find(db: Reader, login: str) -> Account | None:
    """The account of that login (folded as `accounts.names` does)."""
    row = await db.row(_BY_LOGIN, (login,))
    return _account(row) if row else None


async def find_by_address(db: Reader, address: str, domain: str) -> Account | None:
    """The account whose own address that is, when mail for its `domain` ends here."""
    row = await db.row(_BY_ADDRESS, (domain, address))
    return _account(row) if row else None


async def get(db: Reader, account: AccountId) -> Account:
    """Raises NoSuchAccount."""
    row = await db.row(_ACCOUNT, (account,))
    if row is None:
        raise NoSuchAccount
    return _account(row)


_LOGIN = "SELECT login FROM account WHERE account_id = ?"


async def find_login(db: Reader, account: AccountId) -> str | None:
    """The login of a number, if there is such an account."""
    row = await db.row(_LOGIN, (account,))
    return row[0] if row is not None else None


async def all_accounts(db: Reader) -> list[Account]:
    """Every account, by login."""
    return [_account(row) for row in await db.rows(_ALL)]


def _account(row: Row) -> Account:
    return Account(*(*row[:3], bool(row[3]), *row[4:-1], bool(row[-1])))


_SET_QUOTA = """
    UPDATE account SET quota_octets = ?, quota_messages = ? WHERE account_id = ?
    RETURNING account_id
"""
_SET_ENABLED = "UPDATE account SET enabled = ? WHERE account_id = ? RETURNING account_id"


async def set_quota(
    tx: Transaction, account: AccountId, quota_octets: int, quota_messages: int = 0
) -> None:
    """0 is no limit. What is there already stays, even over the quota."""
    if not await tx.run(_SET_QUOTA, (quota_octets, quota_messages, account)):
        raise NoSuchAccount
    await limits_changed(tx, account)


async def set_enabled(tx: Transaction, account: AccountId, enabled: bool) -> None:
    """A disabled account gets no mail and cannot sign in; its mail stays."""
    if not await tx.run(_SET_ENABLED, (int(enabled), account)):
        raise NoSuchAccount


_DROP_BLOBS = """
    UPDATE blob SET refs = refs - dead.n FROM
        (SELECT blob_id AS id, count(*) AS n FROM message WHERE account_id = ? GROUP BY blob_id)
        AS dead
    WHERE blob.blob_id = dead.id
"""
_REMOVE = (
    "DELETE FROM message WHERE account_id = ?",
    "DELETE FROM placement WHERE account_id = ?",
    "DELETE FROM expunged WHERE account_id = ?",
    "DELETE FROM thread_ref WHERE account_id = ?",
    "DELETE FROM mailbox WHERE account_id = ?",
    "DELETE FROM mailbox_gone WHERE account_id = ?",
    "DELETE FROM subscription WHERE account_id = ?",
    "DELETE FROM keyword WHERE account_id = ?",
    "DELETE FROM password WHERE account_id = ?",
    "DELETE FROM app_password WHERE account_id = ?",
    "DELETE FROM address WHERE account_id = ?",
    "DELETE FROM report_reader WHERE account_id = ?",
    "DELETE FROM collected WHERE remote_id IN (SELECT remote_id FROM remote WHERE account_id = ?)",
    """DELETE FROM remote_folder
        WHERE remote_id IN (SELECT remote_id FROM remote WHERE account_id = ?)""",
    "DELETE FROM remote_run WHERE account_id = ?",
    "DELETE FROM remote WHERE account_id = ?",
    "DELETE FROM send_as WHERE account_id = ?",
    "DELETE FROM identity WHERE account_id = ?",
    "DELETE FROM bulk WHERE account_id = ?",
    "DELETE FROM bulk_list WHERE account_id = ?",
    "DELETE FROM bulk_former WHERE account_id = ?",
    "DELETE FROM bulk_made WHERE account_id = ?",
    "DELETE FROM bulk_failure WHERE account_id = ?",
    "DELETE FROM submission WHERE account_id = ?",
    "DELETE FROM submission_copy WHERE account_id = ?",
    "DELETE FROM sending_gone WHERE account_id = ?",
    "DELETE FROM browser_session WHERE account_id = ?",
    "DELETE FROM ended WHERE account_id = ?",
    "DELETE FROM sign_in WHERE account_id = ?",
    "DELETE FROM second_factor WHERE account_id = ?",
    "DELETE FROM passkey WHERE account_id = ?",
    "DELETE FROM web_person WHERE account_id = ?",
    "DELETE FROM mail_rules WHERE account_id = ?",
    "DELETE FROM forward_proof WHERE account_id = ?",
    "DELETE FROM vacation_told WHERE account_id = ?",
    "DELETE FROM quota_notice WHERE account_id = ?",
    "DELETE FROM recovery_address WHERE account_id = ?",
    "DELETE FROM recovery_code WHERE account_id = ?",
    "DELETE FROM reset_link WHERE account_id = ?",
    "DELETE FROM help_request WHERE account_id = ?",
    "DELETE FROM approval WHERE account_id = ?",
    "DELETE FROM pop_view WHERE account_id = ?",
    "DELETE FROM pop_fetched WHERE account_id = ?",
    "DELETE FROM account WHERE account_id = ?",
)


async def remove(tx: Transaction, account: AccountId) -> None:
    """Delete the account and all its mail for good; queued messages still leave."""
    modseq = await next_modseq(tx, account)
    await tx.run(_DROP_BLOBS, (account,))
    await uploads.forget_all(tx, account)
    await links.forget_all(tx, account)
    for statement in _REMOVE:
        await tx.run(statement, (account,))
    tx.changed(account, modseq)


_ADD_DOMAIN = """
    INSERT INTO domain (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING name
"""
_REMOVE_DOMAIN = "DELETE FROM domain WHERE name = ? RETURNING name"
_ALL_DOMAINS = "SELECT name FROM domain ORDER BY name"
_HAS_DOMAIN = "SELECT 1 FROM domain WHERE name = ?"


async def add_domain(tx: Transaction, name: str) -> None:
    """Serve a domain; raises AlreadyExists."""
    if not await tx.run(_ADD_DOMAIN, (name, tx.now())):
        raise AlreadyExists("That domain is served already.")


async def remove_domain(tx: Transaction, name: str) -> None:
    """Serve it no longer; its accounts stay. Raises NoSuchDomain."""
    if not await tx.run(_REMOVE_DOMAIN, (name,)):
        raise NoSuchDomain


async def all_domains(db: Reader) -> list[str]:
    """In alphabetical order."""
    return [name for (name,) in await db.rows(_ALL_DOMAINS)]


async def has_domain(db: Reader, name: str) -> bool:
    """Whether the domain (lower case, A-labels) is served."""
    return await db.row(_HAS_DOMAIN, (name,)) is not None
