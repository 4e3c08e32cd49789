"""Under which names and addresses an account writes (RFC 8621 §6)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from pillarbox.errors import NotFound
from pillarbox.ids import AccountId
from pillarbox.store.database import Reader, Row, Transaction
from pillarbox.store.sql import sending_gone
from pillarbox.store.sql.modseq import next_modseq

OF_ADDRESS, OWN = "address", "own"  # kinds
Addresses = list[dict[str, Any]]  # as JMAP writes them: name and email


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """What a person may set."""

    name: str = ""
    reply_to: Addresses | None = None
    bcc: Addresses | None = None
    text_signature: str = ""
    html_signature: str = ""


class IdentityRow(msgspec.Struct, frozen=True):
    """One of them."""

    id: int
    kind: str
    address: str  # "*@domain": any of the domain
    texts: Texts


_COLUMNS = """identity_id, kind, address, name, reply_to, bcc, text_signature, html_signature"""
_ALL = f"SELECT {_COLUMNS} FROM identity WHERE account_id = ? ORDER BY identity_id"  # noqa: S608 - only names of columns are put in
_ADD = """
    INSERT INTO identity (account_id, identity_id, kind, address, name, reply_to, bcc,
        text_signature, html_signature, created_modseq, modseq)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?2, ?2)
"""
_SET = """
    UPDATE identity SET name = ?, reply_to = ?, bcc = ?, text_signature = ?, html_signature = ?,
        modseq = ?
    WHERE account_id = ? AND identity_id = ? RETURNING identity_id
"""
_REMOVE = """
    DELETE FROM identity WHERE account_id = ? AND identity_id = ? RETURNING created_modseq
"""


async def all_of(db: Reader, account: AccountId) -> list[IdentityRow]:
    """In the order in which they came."""
    return [_row(row) for row in await db.rows(_ALL, (account,))]


async def add(tx: Transaction, account: AccountId, kind: str, address: str, texts: Texts) -> int:
    """Its number."""
    number = int(await next_modseq(tx, account))
    await tx.run(_ADD, (account, number, kind, address, *_values(texts)))
    return number


async def update(tx: Transaction, account: AccountId, number: int, texts: Texts) -> None:
    """Raises NotFound."""
    modseq = await next_modseq(tx, account)
    if not await tx.run(_SET, (*_values(texts), modseq, account, number)):
        raise NotFound


async def remove(tx: Transaction, account: AccountId, number: int) -> None:
    """Raises NotFound."""
    rows = await tx.run(_REMOVE, (account, number))
    if not rows:
        raise NotFound
    modseq = await next_modseq(tx, account)
    await sending_gone.bury(tx, account, "identity", number, rows[0][0], modseq)


def is_in_step(rows: Iterable[IdentityRow], addresses: Iterable[str]) -> bool:
    """Whether there is one for each address, and no more."""
    return {one.address for one in rows if one.kind == OF_ADDRESS} == set(addresses)


async def keep_in_step(
    tx: Transaction, account: AccountId, addresses: Iterable[str], name: str
) -> None:
    """One identity for each address that the account may write under; others of that kind go."""
    wanted = list(addresses)
    there = {one.address: one for one in await all_of(tx, account) if one.kind == OF_ADDRESS}
    for address in wanted:
        if address not in there:
            await add(tx, account, OF_ADDRESS, address, Texts(name=name))
    for address, one in there.items():
        if address not in wanted:
            await remove(tx, account, one.id)


def _values(texts: Texts) -> tuple[str | None, ...]:
    return (
        texts.name,
        None if texts.reply_to is None else json.dumps(texts.reply_to),
        None if texts.bcc is None else json.dumps(texts.bcc),
        texts.text_signature,
        texts.html_signature,
    )


def _row(row: Row) -> IdentityRow:
    number, kind, address, name, reply_to, bcc, text, html = row
    texts = Texts(
        name=name,
        reply_to=None if reply_to is None else json.loads(reply_to),
        bcc=None if bcc is None else json.loads(bcc),
        text_signature=text,
        html_signature=html,
    )
    return IdentityRow(number, kind, address, texts)
