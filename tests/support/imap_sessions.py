"""A signed-in IMAP connection with a mailbox open and a mirror of it that is always fed."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence

from support.imap_client import Answer, ImapClient, Literal
from support.imap_mirror import Mirror, format_set
from support.server import Account, MailServer

SLOW = 60.0


class Session:
    """Every command's untagged data go to the mirror; a BAD ends the test."""

    def __init__(self, client: ImapClient, name: str) -> None:
        self.client = client
        self.name = name
        self.mailbox: str | None = None
        self.uid_validity = 0
        self.mirror = Mirror()
        self.heard: deque[str] = deque(maxlen=80)  # the last lines, for a failure's message
        self._idle: bytes | None = None

    @classmethod
    async def open(
        cls,
        server: MailServer,
        account: Account,
        *,
        name: str = "session",
        enable: str | None = None,
    ) -> Session:
        """Connect and sign in, optionally ENABLE something."""
        client = await ImapClient.connect(server.host, server.ports.imap)
        answer = await client.command(f'LOGIN "{account.login}" "{account.password}"', timeout=SLOW)
        assert answer.ok, answer
        if enable:
            assert (await client.command(f"ENABLE {enable}")).ok
        return cls(client, name)

    async def select(self, mailbox: str, more: str = "") -> Answer:
        """Select with a fresh mirror, then learn every message."""
        self.mirror = Mirror()
        answer = await self.command(f'SELECT "{mailbox}"{more}')
        assert answer.ok, (self.name, answer)
        self.mailbox = mailbox
        found = re.search(r"UIDVALIDITY (\d+)", "\n".join(answer.lines))
        assert found, answer.lines
        self.uid_validity = int(found[1])
        await self.learn()
        return answer

    async def learn(self) -> None:
        """Ask for UID and flags of messages that were only announced.

        While others go on adding and removing, some may stay unknown until the next time.
        """
        for _ in range(100):  # others go on appending meanwhile
            unknown = self.mirror.unknown()
            if not unknown:
                return
            # RFC 9051 §7.5.1: no EXPUNGE may come during FETCH, so the numbers hold.
            await self.command(f"FETCH {format_set(unknown)} (UID FLAGS)")
            if self.mirror.unknown() == unknown:
                await self.noop()  # gone in the meantime: a NOOP may say so

    async def noop(self) -> None:
        """The point at which a server tells everything."""
        await self.command("NOOP")

    async def refresh(self) -> dict[int, frozenset[str]]:
        """The whole picture after a NOOP."""
        await self.wake()
        await self.noop()
        await self.learn()
        return self.mirror.picture()

    async def command(self, *parts: str | bytes | Literal) -> Answer:
        """Send, wait, feed the mirror; NO is the caller's to judge."""
        await self.wake()
        self.heard.append(f"C: {parts[0]!r}")
        answer = await self.client.command(*parts, timeout=SLOW)
        self.heard.extend(answer.lines)
        self.mirror.apply(answer)
        assert answer.kind != "BAD", (self.name, parts, answer)
        return answer

    async def idle(self) -> None:
        """Begin IDLE and leave it open."""
        await self.wake()
        tag = await self.client.start("IDLE")
        await self.client.continuation()
        self._idle = tag

    async def wake(self) -> None:
        """End IDLE, if it is open."""
        if self._idle is None:
            return
        tag, self._idle = self._idle, None
        await self.client.raw(b"DONE\r\n")
        answer = await self.client.finish(tag, timeout=SLOW)
        self.heard.extend(["C: IDLE, DONE", *answer.lines])
        self.mirror.apply(answer)
        assert answer.ok, (self.name, answer)

    async def close(self) -> None:
        """Just cut the connection."""
        await self.client.close()


def code_numbers(answer: Answer, name: str) -> Sequence[str]:
    """The words behind a response code, wherever it came: `COPYUID 7 1:2 5:6`.

    MOVE sends it untagged (RFC 6851 §4.3), COPY and APPEND with the tagged OK.
    """
    for text in [answer.code, *answer.lines]:
        found = re.search(rf"\b{name} ([^\]]*)", text)
        if found:
            return found[1].split()
    return []
