"""Sending over JMAP in tests: two people here, drafts, and a queue that is worked off on demand."""

from __future__ import annotations

from functools import partial
from typing import Any

from pillarbox.accounts.directory import Directory
from pillarbox.flow.outbound.outcome import Job, Outcome
from pillarbox.flow.queue.home import HomeDelivery
from pillarbox.ids import AccountId
from pillarbox.jmap.ids import mailbox_id
from pillarbox.store.model import Account, LeasedMessage, LeasedRecipient
from pillarbox.store.sql import accounts, messages
from support.jmap_bench import JmapBox
from support.queue_bench import FakeSender, outcome, until, worker

FAR = "carol@example.net"


class SendingBox(JmapBox):
    """Alice sends, bob is here too, everybody else is far away."""

    bob: Account
    identity: str

    async def open(self) -> None:
        """With the identity that alice's login is."""
        await super().open()
        self.bob = await self._bob()
        answer = await self.call("Identity/get", ids=None)
        self.identity = answer["list"][0]["id"]

    async def _bob(self) -> Account:
        found = await self.store.read(lambda db: accounts.find(db, "bob@example.org"))
        if found is not None:
            return found
        await self.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
        return await self.new_account("bob@example.org")

    async def draft(self, to: str = "bob@example.org", **fields: Any) -> str:
        """A message of alice's in her inbox; its Email id."""
        email = {
            "mailboxIds": {mailbox_id(self.inbox.id): True},
            "from": [{"name": "Alice", "email": "alice@example.org"}],
            "to": [{"name": None, "email": one} for one in to.split()],
            "subject": "Hello",
            "keywords": {"$draft": True, "$seen": True},
            "bodyStructure": {"partId": "1", "type": "text/plain"},
            "bodyValues": {"1": {"value": "A few words."}},
        } | fields
        answer = await self.call("Email/set", create={"e": email})
        assert answer["created"], answer
        made: str = answer["created"]["e"]["id"]
        return made

    async def send(self, email: str, **more: Any) -> dict[str, Any]:
        """EmailSubmission/set with one creation, "s"."""
        given = {"identityId": self.identity, "emailId": email} | more
        return await self.call("EmailSubmission/set", create={"s": given})

    async def sent(self, email: str, **more: Any) -> dict[str, Any]:
        """The same; the record that was made."""
        answer = await self.send(email, **more)
        assert answer["created"], answer
        made: dict[str, Any] = answer["created"]["s"]
        return made

    async def submission(self, given: str) -> dict[str, Any]:
        """As EmailSubmission/get has it."""
        answer = await self.call("EmailSubmission/get", ids=[given])
        found: dict[str, Any] = answer["list"][0]
        return found

    async def cancel(self, given: str) -> dict[str, Any]:
        """Take it back; the answer."""
        return await self.call("EmailSubmission/set", update={given: {"undoStatus": "canceled"}})

    async def texts(self, account: AccountId) -> list[bytes]:
        """All that lies in somebody's inbox."""
        inbox = await self.mailbox("INBOX", account)

        async def read(db: Any) -> list[bytes]:
            rows = await db.rows(
                "SELECT message_id FROM placement WHERE account_id = ? AND mailbox_id = ?",
                (account, inbox.id),
            )
            found = await messages.get_many(db, account, [row[0] for row in rows])
            return [await self.store.content(one).read(0, one.size) for one in found.values()]

        return await self.store.read(read)

    def sender(self, reply: str = "250 2.0.0 OK") -> FakeSender:
        """Puts bob's mail into his inbox, and answers for all others."""
        home = HomeDelivery(
            self.store, Directory(self.store), hostname="mail.example.org", clock=self.clock
        )

        async def answer(message: LeasedMessage, recipient: LeasedRecipient) -> Outcome:
            if recipient.domain == "example.org":
                (found,) = await home.deliver(Job(message, (recipient,)))
                return found
            return outcome(recipient, reply=reply)

        return FakeSender(answer)

    async def work_off(self, holds: Any, sender: FakeSender | None = None) -> None:
        """Let a worker of the queue run until something holds."""
        running = worker(self.store, self.clock, sender or self.sender())
        running.start()
        await until(holds)
        await running.drain(5)


async def status_is(box: SendingBox, given: str, undo: str, **delivered: str) -> bool:
    """Whether a submission has come so far; `delivered` by the first word of the address."""
    now = await box.submission(given)
    found = {one.partition("@")[0]: to["delivered"] for one, to in now["deliveryStatus"].items()}
    return now["undoStatus"] == undo and all(found[one] == to for one, to in delivered.items())


def comes(box: SendingBox, given: str, undo: str, **delivered: str) -> Any:
    """The same, to wait for."""
    return partial(status_is, box, given, undo, **delivered)
