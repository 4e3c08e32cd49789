"""The TRANSACTION state: looking at messages and marking them (RFC 1939 §5, §7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pillarbox.errors import NoSuchMessage
from pillarbox.pop3.server.maildrop import Maildrop
from pillarbox.pop3.server.sending import NeedsUtf8, Wire, send_message
from pillarbox.pop3.server.texts import Say
from pillarbox.pop3.wire.replies import END, Code, Err, Ok

_LISTED_AT_ONCE = 5000  # lines of LIST and UIDL between two looks at the client


class Speak(Protocol):
    """Says a sentence in the session's language."""

    def __call__(self, what: Say, *values: object) -> str: ...


class Transaction:
    """The commands that need a maildrop; each sends its own answer."""

    def __init__(self, maildrop: Maildrop, wire: Wire, non_ascii: str, say: Speak) -> None:
        self.maildrop = maildrop
        self._wire = wire
        self._non_ascii = non_ascii
        self._say = say

    def stat(self) -> None:
        """Messages and octets, deleted ones left out."""
        self._wire.send(b"+OK %d %d\r\n" % (self.maildrop.count, self.maildrop.octets))

    def rset(self) -> None:
        """Nothing is deleted after all."""
        self.maildrop.restore()
        self._ok(Say.RESTORED, self.maildrop.count, self.maildrop.octets)

    def dele(self, number: int) -> None:
        """Mark a message. Raises NoSuchMessage."""
        if number in self.maildrop.deleted:
            self._wire.send(Err(self._say(Say.ALREADY_DELETED)).encode())
            return
        self.maildrop.delete(number)
        self._ok(Say.DELETED, number)

    async def list(self, number: int | None) -> None:
        """Sizes. Raises NoSuchMessage."""
        await self._listing(number, self.maildrop.size)

    async def uidl(self, number: int | None) -> None:
        """Unique ids. Raises NoSuchMessage."""
        await self._listing(number, self.maildrop.unique_id)

    async def retr(self, number: int) -> None:
        """A whole message. Raises NoSuchMessage, Damaged."""
        await self._send_message(number, None)
        self.maildrop.note_retrieved(number)

    async def top(self, number: int, lines: int) -> None:
        """Header and some lines of the body. Raises NoSuchMessage, Damaged."""
        await self._send_message(number, lines)

    async def _send_message(self, number: int, lines: int | None) -> None:
        content = await self.maildrop.content(number)
        if lines is None:
            first = Ok(self._say(Say.OCTETS, content.size)).encode()
        else:
            first = Ok(self._say(Say.HEADER)).encode()
        try:
            await send_message(self._wire, content, first, lines=lines, non_ascii=self._non_ascii)
        except NeedsUtf8:
            self._wire.send(Err(self._say(Say.NEEDS_UTF8), Code.UTF8).encode())

    async def _listing(self, number: int | None, value: Callable[[int], object]) -> None:
        if number is not None:
            self._wire.send(f"+OK {number} {value(number)}\r\n".encode())
            return
        numbers = self.maildrop.numbers()
        self._ok(Say.MAILDROP, self.maildrop.count, self.maildrop.octets)
        for start in range(0, len(numbers), _LISTED_AT_ONCE):
            some = numbers[start : start + _LISTED_AT_ONCE]
            self._wire.send("".join([f"{n} {value(n)}\r\n" for n in some]).encode())
            if not await self._wire.room():
                raise NoSuchMessage
        self._wire.send(END)

    def _ok(self, what: Say, *values: object) -> None:
        self._wire.send(Ok(self._say(what, *values)).encode())
