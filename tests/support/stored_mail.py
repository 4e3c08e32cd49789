"""Messages written straight into a running server's store."""

from __future__ import annotations

from collections.abc import Iterable

from pillarbox.jmap.ids import account_id, message_blob_id
from pillarbox.message.digest import digest
from pillarbox.node.administration import Opened
from pillarbox.store import Store
from pillarbox.store.sql import accounts, mailboxes, messages
from pillarbox.testing import RunningServer


async def keep_all(store: Store, login: str, raws: Iterable[bytes]) -> list[str]:
    """Into INBOX, in their order; where each one's content is found: `/m/A1/B7`."""
    account = await store.read(lambda db: accounts.find(db, login))
    assert account is not None, login
    inbox = await store.read(lambda db: mailboxes.find(db, account.id, "INBOX"))
    assert inbox is not None
    paths: list[str] = []
    for raw in raws:
        with store.spool() as spool:
            spool.write(raw)
            new = messages.NewMessage(
                account=account.id,
                mailbox=inbox.id,
                digest=digest(spool.octets(), store.settings.message),
                blob=await spool.seal(),
            )
            done = await store.write(lambda tx, new=new: messages.append(tx, new), short=True)
        paths.append(f"/m/{account_id(account.id)}/{message_blob_id(done.message)}")
    return paths


def deliver_all(server: RunningServer, login: str, raws: Iterable[bytes]) -> list[str]:
    """The same to a server that runs."""

    async def work(opened: Opened) -> list[str]:
        return await keep_all(opened.store, login, raws)

    return server.administer(work)
