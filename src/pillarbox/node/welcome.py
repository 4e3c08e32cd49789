"""The first message of a new account."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from pillarbox.ids import MailboxId
from pillarbox.message.builder import Address, build
from pillarbox.message.digest import digest
from pillarbox.node.administration import Opened
from pillarbox.store import Reader, Transaction
from pillarbox.store.model import Account, Role
from pillarbox.store.sql import mailboxes, messages


async def deliver_welcome(
    opened: Opened, account: Account, subject: str, lines: Sequence[str]
) -> None:
    """Put a message from the server into the account's inbox."""
    domain = account.login.rpartition("@")[2]
    octets = build(
        sender=Address(f"postmaster@{domain}", "Pillarbox"),
        recipients=[Address(account.login, account.name)],
        subject=subject,
        content="\n".join(lines),
        date=opened.store.clock.now(),
        message_id=f"{secrets.token_hex(12)}@{domain}",
    )

    async def find_inbox(db: Reader) -> MailboxId:
        inbox = await mailboxes.by_role(db, account.id, Role.INBOX)
        assert inbox is not None
        return inbox.id

    inbox = await opened.store.read(find_inbox)
    with opened.store.spool() as spool:
        spool.write(octets)
        blob = await spool.seal()
        found = digest(octets)

        async def append(tx: Transaction) -> None:
            new = messages.NewMessage(account=account.id, mailbox=inbox, blob=blob, digest=found)
            await messages.append(tx, new)

        await opened.store.write(append)
