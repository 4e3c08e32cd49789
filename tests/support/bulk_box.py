"""A JMAP box whose operations on many messages are done when a test says so."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

from pillarbox.clock import unix_seconds
from pillarbox.config.bulk import BulkSettings
from pillarbox.flow.bulk.run import Run
from pillarbox.ids import AccountId
from pillarbox.jmap.ids import mailbox_id
from pillarbox.store.sql import bulk_lease
from support.jmap_bench import JmapBox

OWNER = "a test"


class BulkBox(JmapBox):
    """`await box.order(...)`, then `await box.work()`."""

    bulk = BulkSettings(
        quiet_rest_percent=0, rest_percent=0, first_step_messages=7, most_step_messages=7
    )

    async def id_of(self, path: str) -> str:
        """The JMAP id of a mailbox."""
        return mailbox_id((await self.mailbox(path)).id)

    async def order(self, **given: Any) -> dict[str, Any]:
        """Create one; its record."""
        answer = await self.call("BulkOperation/set", create={"b": given})
        assert answer["notCreated"] is None, answer
        made: dict[str, Any] = answer["created"]["b"]
        return made

    async def change(self, one: str, **patch: Any) -> dict[str, Any]:
        """Update one; what came back."""
        answer = await self.call("BulkOperation/set", update={one: patch})
        assert answer["notUpdated"] is None, answer
        told: dict[str, Any] = answer["updated"][one]
        return told

    async def operation(self, one: str) -> dict[str, Any]:
        """As it is now."""
        answer = await self.call("BulkOperation/get", ids=[one])
        found: dict[str, Any] = answer["list"][0]
        return found

    async def take(self) -> Run | None:
        """Lease the next one."""
        now = unix_seconds(self.clock.now())
        for account, number in await self.store.read(lambda db: bulk_lease.due(db, now, 1)):
            seconds = self.bulk.lease_seconds
            row = await self.store.write(
                partial(
                    bulk_lease.take, account=account, number=number, owner=OWNER, seconds=seconds
                )
            )
            return None if row is None else Run(self.store, self.bulk, self.clock, OWNER, row)
        return None

    async def work(self) -> int:
        """Do all that waits; how many there were."""
        done = 0
        while (run := await self.take()) is not None:
            await run.to_the_end()
            done += 1
        return done

    async def digest(self, account: AccountId | None = None) -> str:
        """Of (id, mailboxes, flags, keywords) of all messages."""
        rows = await self.store.read(
            lambda db: db.rows(
                "SELECT message_id, mailbox_id, flags, keywords FROM placement"
                " WHERE account_id = ? ORDER BY 1, 2, 3, 4",
                (account or self.alice.id,),
            )
        )
        return hashlib.sha256(repr(rows).encode()).hexdigest()

    async def check(self) -> None:
        """Nothing is counted wrongly."""
        report = await self.store.verify()
        assert report.problems == []
