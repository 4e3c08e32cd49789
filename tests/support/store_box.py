"""A store in a temporary folder with an account in it, and short ways to use it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from pillarbox.config.store import StoreSettings
from pillarbox.ids import AccountId, MailboxId, ModSeq, Uid
from pillarbox.message.digest import digest
from pillarbox.store import Store
from pillarbox.store.blobs.disk import Disk
from pillarbox.store.model import Account, FlagChange, Mailbox, MailboxChanges, Placed, StoreOutcome
from pillarbox.store.open import open_store
from pillarbox.store.sql import accounts, changes, mailboxes, messages
from support.fake_clock import FakeClock


def letter(subject: str = "Hello", body: str = "A few words.", **fields: str) -> bytes:
    """A small message; `fields` are further header fields, `_` for `-`."""
    head = {
        "From": "Bob <bob@example.org>",
        "To": "alice@example.org",
        "Subject": subject,
        "Date": "Mon, 23 Nov 2026 08:00:00 +0000",
    } | {name.replace("_", "-"): value for name, value in fields.items()}
    lines = [f"{name}: {value}" for name, value in head.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body + "\r\n").encode()


class Box:
    """`async with Box(folder) as box`: an open store with the account alice."""

    store: Store
    alice: Account
    inbox: Mailbox

    def __init__(
        self,
        folder: Path,
        *,
        clock: Any = None,
        disk: Disk | None = None,
        **settings: Any,
    ) -> None:
        self.folder = folder
        self.clock = clock or FakeClock()
        self.disk = disk
        self._entered = False
        # The indexer runs when a test says so.
        settings = {"index_seconds": 3600.0} | settings
        self.settings = StoreSettings(data_dir=str(folder / "data"), **settings)

    def change_settings(self, **settings: Any) -> None:
        """For the next `open`."""
        self.settings = msgspec.structs.replace(self.settings, **settings)

    async def open(self) -> None:
        self.store = await open_store(self.settings, self.clock, disk=self.disk)
        found = await self.store.read(lambda db: accounts.find(db, "alice@example.org"))
        self.alice = found or await self.new_account("alice@example.org")
        self.inbox = await self.mailbox("INBOX")

    async def reopen(self) -> None:
        await self.store.close()
        await self.open()

    async def __aenter__(self) -> Self:
        assert not self._entered, "it is open already, or its second store would stay so"
        self._entered = True
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._entered = False
        await self.store.close()

    async def new_account(self, login: str, **quota: int) -> Account:
        return await self.store.write(lambda tx: accounts.create(tx, login, "", **quota))

    async def account(self, account: AccountId | None = None) -> Account:
        return await self.store.read(lambda db: accounts.get(db, account or self.alice.id))

    async def mailbox(self, path: str, account: AccountId | None = None) -> Mailbox:
        found = await self.store.read(lambda db: mailboxes.find(db, account or self.alice.id, path))
        assert found is not None, path
        return found

    async def create(self, path: str) -> Mailbox:
        return await self.store.write(lambda tx: mailboxes.create(tx, self.alice.id, path))

    async def append(
        self,
        raw: bytes | None = None,
        mailbox: MailboxId | None = None,
        account: AccountId | None = None,
        *,
        short: bool = True,
        **more: Any,
    ) -> messages.Appended:
        raw = letter() if raw is None else raw
        with self.store.spool() as spool:
            spool.write(raw)
            new = messages.NewMessage(
                account=account or self.alice.id,
                mailbox=mailbox or self.inbox.id,
                digest=digest(spool.octets()),
                blob=await spool.seal(),
                **more,
            )
            return await self.store.write(lambda tx: messages.append(tx, new), short=short)

    async def fill(self, count: int, mailbox: MailboxId | None = None) -> list[Uid]:
        """Append so many different letters at once."""
        done = await asyncio.gather(
            *(self.append(letter(f"Letter {n}"), mailbox) for n in range(count))
        )
        return sorted(one.uid for one in done)

    async def placed(self, mailbox: MailboxId | None = None) -> list[Placed]:
        return await self.store.read(
            lambda db: changes.placed(db, self.alice.id, mailbox or self.inbox.id)
        )

    async def since(self, modseq: int, mailbox: MailboxId | None = None) -> MailboxChanges:
        return await self.store.read(
            lambda db: changes.since(db, self.alice.id, mailbox or self.inbox.id, ModSeq(modseq))
        )

    async def flag(
        self, uids: list[Uid], change: FlagChange, flags: int, keywords: str = "", **more: Any
    ) -> StoreOutcome:
        return await self.store.write(
            lambda tx: messages.store_flags(
                tx, self.alice.id, self.inbox.id, uids, change, flags, keywords, **more
            )
        )

    async def octets(self, message: messages.Appended) -> bytes:
        row = await self.store.read(lambda db: messages.get(db, self.alice.id, message.message))
        return await self.store.content(row).read(0, row.size)
