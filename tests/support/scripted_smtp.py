"""An SMTP server that answers what a test tells it to, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

Answer = str | Sequence[str] | None  # None: no answer at all; a list: one for each time

EVERYTHING = (
    "PIPELINING", "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8", "DSN", "SIZE 10485760",
    "ENHANCEDSTATUSCODES", "REQUIRETLS",
)  # fmt: skip
_BDAT = re.compile(rb"BDAT ([0-9]+)( LAST)?", re.IGNORECASE)


@dataclass
class Script:
    """Answers by the first word of a command, or by the whole line; CLOSE ends the connection.

    `answers["."]` is for the end of the message. Behind an answer that begins with "…",
    which is sent without its line end, the server falls silent.
    """

    offers: Sequence[str] = EVERYTHING
    greeting: Answer = "220 mx.example.net ready"
    answers: Mapping[str, Answer] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)  # command lines, over all connections
    bursts: list[bytes] = field(default_factory=list)  # octets as they came
    messages: list[bytes] = field(default_factory=list)  # as written, dots unstuffed
    times: dict[str, int] = field(default_factory=dict)

    def connection(self) -> ScriptedSmtp:
        return ScriptedSmtp(self)

    def find(self, line: str) -> str | None:
        """The answer to a command line."""
        word = line.split(" ")[0].upper()
        for key in (line, word):
            if key in self.answers:
                answer = self.answers[key]
                if answer is None or isinstance(answer, str):
                    return answer
                time = self.times.get(key, 0)
                self.times[key] = time + 1
                return answer[min(time, len(answer) - 1)]
        return self._usual(word)

    def _usual(self, word: str) -> str:
        if word == "EHLO":
            lines = ["mx.example.net", *self.offers]
            return "\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"])
        return {
            "DATA": "354 go on",
            "QUIT": "221 2.0.0 bye",
            "STARTTLS": "220 2.0.0 go ahead",
            ".": "250 2.0.0 taken",
            "BDAT": "250 2.0.0 chunk taken",
        }.get(word, "250 2.1.0 ok")


class ScriptedSmtp(asyncio.Protocol):
    """One connection of it."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.buffer = b""
        self.in_data = False
        self.chunk: int | None = None
        self.chunk_last = False
        self.hangs = False
        self.message = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self.buffer = b""
        if isinstance(self.script.greeting, str):
            self.send(self.script.greeting)

    def data_received(self, data: bytes) -> None:
        self.script.bursts.append(data)
        self.buffer += data
        while not (self.hangs or self.transport.is_closing()) and self._step():
            pass

    def send(self, answer: str | None) -> None:
        if answer is None:
            return
        if answer == "CLOSE":
            self.transport.close()
            return
        if answer.startswith("…"):
            self.transport.write(answer[1:].encode())
            self.hangs = True
            return
        text, closes = answer.removesuffix("\nCLOSE"), answer.endswith("\nCLOSE")
        self.transport.write(text.replace("\n", "\r\n").encode() + b"\r\n")
        if closes:
            self.transport.close()

    def _step(self) -> bool:
        if self.chunk is not None:
            return self._take_chunk()
        if self.in_data:
            return self._take_data()
        line, found, rest = self.buffer.partition(b"\r\n")
        if not found:
            return False
        self.buffer = rest
        self._answer(line)
        return True

    def _answer(self, line: bytes) -> None:
        text = line.decode()
        self.script.seen.append(text)
        bdat = _BDAT.fullmatch(line)
        if bdat is not None:
            self.chunk, self.chunk_last = int(bdat[1]), bdat[2] is not None
            return
        answer = self.script.find(text)
        if text.upper() == "DATA" and answer is not None and answer.startswith("354"):
            self.in_data = True
            self.buffer = b"\r\n" + self.buffer
        self.send(answer)

    def _take_data(self) -> bool:
        end = self.buffer.find(b"\r\n.\r\n")
        if end < 0:
            return False
        text, self.buffer = self.buffer[2 : end + 2], self.buffer[end + 5 :]
        self.in_data = False
        text = b"\r\n" + text
        self.script.messages.append(text.replace(b"\r\n.", b"\r\n")[2:])
        self.send(self.script.find("."))
        return True

    def _take_chunk(self) -> bool:
        assert self.chunk is not None
        if len(self.buffer) < self.chunk:
            return False
        self.message += self.buffer[: self.chunk]
        self.buffer = self.buffer[self.chunk :]
        self.chunk = None
        if self.chunk_last:
            self.script.messages.append(self.message)
            self.message = b""
            self.send(self.script.find("."))
        else:
            self.send(self.script.find("BDAT"))
        return True
