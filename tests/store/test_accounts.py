"""Accounts, domains, addresses, credentials and the queue."""

from __future__ import annotations

import pytest

from pillarbox.errors import AlreadyExists, NoSuchAccount, NoSuchDomain, NotFound
from pillarbox.ids import AccountId
from pillarbox.message.digest import digest
from pillarbox.store.blobs.record import seal_bytes
from pillarbox.store.model import (
    AddressKind,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
)
from pillarbox.store.sql import accounts, addresses, credentials, messages, queue
from support.store_box import Box, letter


async def test_accounts(box: Box) -> None:
    bob = await box.new_account("bob@example.org", quota_octets=10)
    assert (bob.quota_octets, bob.quota_messages, bob.enabled) == (10, 0, True)
    assert [one.login for one in await box.store.read(accounts.all_accounts)] == [
        "alice@example.org",
        "bob@example.org",
    ]
    with pytest.raises(AlreadyExists):
        await box.new_account("bob@example.org")
    await box.store.write(lambda tx: accounts.set_enabled(tx, bob.id, False))
    await box.store.write(lambda tx: accounts.set_quota(tx, bob.id, 20, 30))
    changed = await box.account(bob.id)
    assert (changed.enabled, changed.quota_octets, changed.quota_messages) == (False, 20, 30)
    assert await box.store.read(lambda db: accounts.find(db, "nobody@example.org")) is None


async def test_missing_accounts(box: Box) -> None:
    nobody = AccountId(99)
    with pytest.raises(NoSuchAccount):
        await box.account(nobody)
    for change in (
        lambda tx: accounts.set_quota(tx, nobody, 1),
        lambda tx: accounts.set_enabled(tx, nobody, True),
        lambda tx: accounts.remove(tx, nobody),
    ):
        with pytest.raises(NoSuchAccount):
            await box.store.write(change)


async def test_a_removed_account_leaves_nothing_and_its_number_never_returns(box: Box) -> None:
    bob = await box.new_account("bob@example.org")
    inbox = await box.mailbox("INBOX", bob.id)
    await box.append(account=bob.id, mailbox=inbox.id)
    await box.store.write(lambda tx: credentials.set_password(tx, bob.id, "x", b"y"))
    await box.store.write(lambda tx: accounts.remove(tx, bob.id))
    tables = await box.store.read(
        lambda db: db.rows(
            "SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c "
            "WHERE m.type = 'table' AND c.name = 'account_id'"
        )
    )
    assert len(tables) >= 10
    for (table,) in tables:
        rows = await box.store.read(
            lambda db, table=table: db.rows(
                f"SELECT 1 FROM {table} WHERE account_id = ?", (bob.id,)
            )
        )
        assert rows == [], table
    assert (await box.new_account("bob@example.org")).id > bob.id


async def test_domains(box: Box) -> None:
    await box.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
    with pytest.raises(AlreadyExists):
        await box.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
    assert await box.store.read(accounts.all_domains) == ["example.org"]
    assert await box.store.read(lambda db: accounts.has_domain(db, "example.org"))
    await box.store.write(lambda tx: accounts.remove_domain(tx, "example.org"))
    assert not await box.store.read(lambda db: accounts.has_domain(db, "example.org"))
    with pytest.raises(NoSuchDomain):
        await box.store.write(lambda tx: accounts.remove_domain(tx, "example.org"))


async def test_addresses(box: Box) -> None:
    alice = "alice@example.org"
    targets = ["carol@example.net", alice, alice]
    await box.store.write(lambda tx: addresses.add_alias(tx, "team@example.org", targets))
    await box.store.write(lambda tx: addresses.add_alias(tx, "@example.org", [alice]))
    own, team, rest, none = [
        await box.store.read(lambda db, address=address: addresses.find_address(db, address))
        for address in (alice, "team@example.org", "@example.org", "x@example.org")
    ]
    assert own is not None
    assert (own.kind, own.account, own.targets) == (AddressKind.ACCOUNT, box.alice.id, ())
    assert team is not None
    assert (team.kind, team.targets) == (AddressKind.ALIAS, ("carol@example.net", alice))
    assert rest is not None
    assert rest.kind is AddressKind.CATCHALL
    assert none is None
    assert [row.address for row in await box.store.read(addresses.list_aliases)] == [
        "@example.org",
        "team@example.org",
    ]
    for taken in (alice, "team@example.org"):
        with pytest.raises(AlreadyExists):
            await box.store.write(
                lambda tx, taken=taken: addresses.add_alias(tx, taken, ["x@example.org"])
            )
    with pytest.raises(AlreadyExists):
        await box.new_account("team@example.org")
    await box.store.write(lambda tx: addresses.remove_alias(tx, "team@example.org"))
    for gone in ("team@example.org", alice):
        with pytest.raises(NotFound):
            await box.store.write(lambda tx, gone=gone: addresses.remove_alias(tx, gone))


async def test_the_main_password(box: Box) -> None:
    alice = box.alice.id
    assert await box.store.read(lambda db: credentials.password(db, alice)) is None
    for argon2 in ("first", "second"):
        await box.store.write(
            lambda tx, argon2=argon2: credentials.set_password(tx, alice, argon2, b"keys")
        )
    kept = await box.store.read(lambda db: credentials.password(db, alice))
    assert kept is not None
    assert (kept.argon2, kept.scram) == ("second", b"keys")


async def test_app_passwords(box: Box) -> None:
    alice = box.alice.id
    for name in ("phone", "laptop"):
        await box.store.write(
            lambda tx, name=name: credentials.add_app_password(
                tx, alice, name, b"d" * 32, "imap smtp", None
            )
        )
    await box.store.write(lambda tx: credentials.touch_app_password(tx, alice, 2, 77))
    phone, laptop = await box.store.read(lambda db: credentials.app_passwords(db, alice))
    assert (phone.id, phone.name, phone.last_used_at) == (1, "phone", None)
    assert (laptop.id, laptop.scopes, laptop.last_used_at) == (2, "imap smtp", 77)
    await box.store.write(lambda tx: credentials.remove_app_password(tx, alice, 1))
    with pytest.raises(NotFound):
        await box.store.write(lambda tx: credentials.remove_app_password(tx, alice, 1))


def queued(*recipients: str) -> QueuedMessage:
    return QueuedMessage(
        account=None,
        reverse_path="",
        trace=b"Received: x\r\n",
        recipients=tuple(QueuedRecipient(path, "NEVER", "rfc822;x") for path in recipients),
        journey="j",
        smtputf8=True,
    )


async def test_the_queue(box: Box) -> None:
    blob = seal_bytes(letter())
    for recipients in (["a@x.example"], ["b@x.example", "c@x.example"]):
        await box.store.write(
            lambda tx, recipients=recipients: queue.add(tx, queued(*recipients), blob)
        )
    counts = await box.store.read(queue.counts)
    assert counts == dict.fromkeys(RecipientState, 0) | {RecipientState.WAITING: 3}
    one, two = await box.store.read(queue.list_queued)
    assert (one.id, one.smtputf8, one.body, one.size) == (1, True, "7BIT", len(letter()) + 13)
    assert [one.forward_path for one, _ in two.recipients] == ["b@x.example", "c@x.example"]
    assert two.recipients[0][1] is RecipientState.WAITING
    assert await box.store.read(lambda db: queue.list_queued(db, 5, after=1)) == [two]
    assert (await box.store.verify()).problems == []


async def test_delivery_and_queueing_are_one_commit(box: Box) -> None:
    raw = letter()
    blob = seal_bytes(raw)

    async def both(tx: object) -> None:
        await queue.add(tx, queued("a@x.example"), blob)  # type: ignore[arg-type]
        for mailbox in (box.inbox.id, 99):
            await messages.append(
                tx,  # type: ignore[arg-type]
                messages.NewMessage(
                    account=box.alice.id,
                    mailbox=mailbox,  # type: ignore[arg-type]
                    blob=blob,
                    digest=digest(raw),
                ),
            )

    with pytest.raises(NotFound):
        await box.store.write(both)
    assert await box.store.read(queue.list_queued) == []
    assert await box.placed() == []
    assert await box.store.read(lambda db: db.rows("SELECT * FROM blob")) == []
