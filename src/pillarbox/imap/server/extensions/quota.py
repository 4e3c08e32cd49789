"""QUOTA: how much of an account is used (RFC 9208). All its mailboxes share one quota root."""

from __future__ import annotations

from dataclasses import dataclass

from pillarbox.imap.server.command import AUTHENTICATED, CommandSpec, Done, Extension, Hooks
from pillarbox.imap.server.context import Context, No
from pillarbox.imap.wire import codes, responses
from pillarbox.imap.wire.reader import Reader
from pillarbox.store import Reader as Db
from pillarbox.store.model import Account, Flag, Mailbox
from pillarbox.store.sql import accounts, changes, mailboxes

ROOT = "account"
_UNIT = 1024  # octets in one of STORAGE (RFC 9208 §5.1)


@dataclass(frozen=True, slots=True)
class SetQuota:
    """What a client wished to set; only the administrator may."""

    root: str


def parse_root(reader: Reader, hooks: Hooks) -> str:
    """A quota root's name."""
    return reader.astring().decode("utf-8", "replace")


def parse_mailbox(reader: Reader, hooks: Hooks) -> str:
    """A mailbox."""
    return reader.mailbox()


def parse_set_quota(reader: Reader, hooks: Hooks) -> SetQuota:
    """`root SP "(" *(resource SP limit) ")"`."""
    root = parse_root(reader, hooks)
    reader.space()
    reader.expect(b"(")
    first = True
    while not reader.take(b")"):
        if not first:
            reader.space()
        first = False
        reader.atom()
        reader.space()
        reader.number64()
    return SetQuota(root)


async def run_get_quota(root: str, ctx: Context) -> Done:
    """The one root's usage and limits."""
    if root != ROOT:
        raise No("There is no such quota root.", codes.NONEXISTENT)
    await _tell_quota(ctx)
    return Done()


async def run_get_quota_root(path: str, ctx: Context) -> Done:
    """The root that a mailbox counts for, with its usage and limits.

    The mailbox need not exist: one asks where it would count (RFC 9208 §4.1.2).
    """
    ctx.send(responses.QuotaRootData(path, [ROOT]))
    await _tell_quota(ctx)
    return Done()


async def run_set_quota(command: SetQuota, ctx: Context) -> Done:
    """Refused: QUOTASET is not advertised."""
    raise No("Quotas are set by the administrator.", codes.NO_PERM)


async def _tell_quota(ctx: Context) -> None:
    number = ctx.account

    async def ask(db: Db) -> tuple[Account, int]:
        return await accounts.get(db, number), len(await mailboxes.tree(db, number))

    account, count = await ctx.read(ask)
    resources = [("MAILBOX", count, ctx.store.settings.max_mailboxes)]
    if account.quota_messages:
        resources.insert(0, ("MESSAGE", account.used_messages, account.quota_messages))
    if account.quota_octets:
        used, most = -(-account.used_octets // _UNIT), -(-account.quota_octets // _UNIT)
        resources.insert(0, ("STORAGE", used, most))
    ctx.send(responses.QuotaData(ROOT, resources))


async def _deleted_storage(mailbox: Mailbox, ctx: Context) -> bytes:
    """Octets that EXPUNGE would free (RFC 9208 §5.1; RFC 9051's DELETED counts messages)."""
    if not mailbox.deleted:
        return b"0"

    async def ask(db: Db) -> int:
        placed = await changes.placed(db, mailbox.account, mailbox.id)
        return sum(row.size for row in placed if row.flags & Flag.DELETED)

    return b"%d" % await ctx.store.scan(ask)


EXTENSION = Extension(
    rfc=9208,
    capabilities=("QUOTA", "QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE", "QUOTA=RES-MAILBOX"),
    commands=(
        CommandSpec("GETQUOTA", AUTHENTICATED, parse_root, run_get_quota),
        CommandSpec("GETQUOTAROOT", AUTHENTICATED, parse_mailbox, run_get_quota_root),
        CommandSpec("SETQUOTA", AUTHENTICATED, parse_set_quota, run_set_quota),
    ),
    status_items={"DELETED-STORAGE": _deleted_storage},
    response_codes=("OVERQUOTA",),
)
