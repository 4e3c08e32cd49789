"""An IMAP server that answers what a test tells it to, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from pillarbox.imap.client.connection import ImapCaller, ImapConnection
from pillarbox.net.secret import Secret
from pillarbox.sasl.client import Credentials
from support.fake_clock import FakeClock
from support.memory_network import MemoryNetwork

# $ stands for the tag. "CLOSE" at the end closes the connection, "…" leaves it in silence.
Answer = str | bytes | Callable[[str], "str | bytes"]
Answers = Mapping[str, Answer | Sequence[Answer]]

HOST, PORT = "192.0.2.7", 143
GREETING = "* OK [CAPABILITY IMAP4rev1 LITERAL+ SASL-IR AUTH=PLAIN] ready"
_LITERAL = re.compile(rb"\{([0-9]+)(\+?)\}\Z")
_USUAL = {
    "LOGOUT": "* BYE see you\r\n$ OK done",
    "CAPABILITY": "* CAPABILITY IMAP4rev1 LITERAL+ SASL-IR AUTH=PLAIN\r\n$ OK done",
}


@dataclass
class ImapScript:
    """Answers by how a command begins, the longest first; a list: one for each time."""

    answers: Answers = field(default_factory=dict)
    greeting: str = GREETING
    piece: int = 0  # octets that are written at a time; 0: all at once
    seen: list[str] = field(default_factory=list)  # commands without tags, literals in place
    bursts: list[bytes] = field(default_factory=list)  # octets as they came
    times: dict[str, int] = field(default_factory=dict)
    connections: int = 0

    def connection(self) -> ScriptedImap:
        self.connections += 1
        return ScriptedImap(self)

    def find(self, command: str) -> Answer:
        fitting = [key for key in self.answers if command.upper().startswith(key.upper())]
        if not fitting:
            return _USUAL.get(command.split(" ")[0].upper(), "$ OK done")
        key = max(fitting, key=len)
        answer = self.answers[key]
        if isinstance(answer, str | bytes) or callable(answer):
            return answer
        time = self.times.get(key, 0)
        self.times[key] = time + 1
        return answer[min(time, len(answer) - 1)]


class ScriptedImap(asyncio.Protocol):
    """One connection of it."""

    def __init__(self, script: ImapScript) -> None:
        self.script = script
        self.buffer = b""
        self.command = b""
        self.literal = -1
        self.silent = False
        self.tag = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self.script.greeting:
            self.say(self.script.greeting)

    def data_received(self, data: bytes) -> None:
        self.script.bursts.append(data)
        self.buffer += data
        while not (self.silent or self.transport.is_closing()) and self._step():
            pass

    def say(self, answer: str | bytes) -> None:
        octets = answer.encode() if isinstance(answer, str) else answer
        octets = octets.replace(b"$", self.tag.encode())
        closes = octets.endswith(b"CLOSE")
        octets = octets.removesuffix(b"CLOSE")
        if octets.endswith("…".encode()):
            octets = octets.removesuffix("…".encode())
            self.silent = True
        elif octets and not closes:
            octets += b"\r\n"
        step = self.script.piece or len(octets) or 1
        for start in range(0, len(octets), step):
            self.transport.write(octets[start : start + step])
        if closes:
            self.transport.close()

    def _step(self) -> bool:
        if self.literal >= 0:
            if len(self.buffer) < self.literal:
                return False
            self.command += self.buffer[: self.literal]
            self.buffer = self.buffer[self.literal :]
            self.literal = -1
            return True
        line, found, rest = self.buffer.partition(b"\r\n")
        if not found:
            return False
        self.buffer = rest
        self.command += line
        announced = _LITERAL.search(line)
        if announced is not None:
            self.literal = int(announced[1])
            self.command += b"\r\n"
            if not announced[2]:
                refused = self._answer(self.command, only="LITERAL")
                if not refused:
                    self.say("+ go ahead")
            return True
        command, self.command = self.command, b""
        self._answer(command)
        return True

    def _answer(self, command: bytes, only: str = "") -> bool:
        text = command.decode("latin-1")
        if text in ("DONE", "*") or (self.tag and " " not in text):  # inside a command
            self.script.seen.append(text)
            self.say(self._value(self.script.find(text), text))
            return True
        if only:
            if only not in self.script.answers:
                return False
            self.command, self.literal = b"", -1
        self.tag, _, text = text.partition(" ")
        self.script.seen.append(text)
        self.say(self._value(self.script.find(only or text), text))
        return True

    def _value(self, answer: Answer, text: str) -> str | bytes:
        return answer(text) if callable(answer) else answer


def network_of(script: ImapScript, clock: FakeClock | None = None) -> MemoryNetwork:
    """A network in which the script answers at HOST."""
    network = MemoryNetwork(clock)
    network.listen(HOST, PORT, script.connection)
    return network


async def connect(
    script: ImapScript, clock: FakeClock | None = None, *, sign_in: bool = True, **more: object
) -> ImapConnection:
    """A connection to it, signed in; `more` are limits and timeouts of ImapCaller."""
    caller = ImapCaller(
        clock=clock or FakeClock(),
        connector=network_of(script, clock).connector(),
        **more,  # type: ignore[arg-type]
    )
    connection = await ImapConnection.open(caller, HOST, PORT)
    if sign_in:
        who = Credentials("alice@example.org", Secret("secret"))
        await connection.authenticate(who, in_the_clear=True)
    return connection
