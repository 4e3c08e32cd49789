"""A POP3 server with a maildrop that answers as a test tells it to, also wrongly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

Answer = str | Sequence[str] | None  # None: no answer at all; a list: one for each time

EVERYTHING = ("TOP", "UIDL", "PIPELINING", "RESP-CODES", "USER", "SASL PLAIN LOGIN", "STLS")


@dataclass
class Drop:
    """What is there, and how it is told. `answers` by the whole line or its first word come first;
    CLOSE ends the connection there. `deleted` is what QUIT made last."""

    messages: list[bytes]
    names: list[str] | None = None  # for UIDL; None: those of their content
    sizes: list[int] | None = None  # for LIST; None: the truth
    offers: Sequence[str] | None = EVERYTHING  # None: CAPA is not known
    greeting: str = "+OK ready"
    end: str = "\r\n"  # line end of all that is said
    answers: Mapping[str, Answer] = field(default_factory=dict)
    deletes: bool = True  # QUIT makes deletions last
    seen: list[str] = field(default_factory=list)  # command lines, over all sessions
    bursts: list[bytes] = field(default_factory=list)  # octets as they came
    deleted: list[bytes] = field(default_factory=list)
    sessions: int = 0
    times: dict[str, int] = field(default_factory=dict)

    def connection(self) -> ScriptedPop3:
        return ScriptedPop3(self)

    def find(self, line: str) -> tuple[bool, str | None]:
        """Whether the test says something about a command, and what."""
        for key in (line, line.split(" ")[0].upper()):
            if key in self.answers:
                answer = self.answers[key]
                if answer is None or isinstance(answer, str):
                    return True, answer
                time = self.times.get(key, 0)
                self.times[key] = time + 1
                chosen = answer[min(time, len(answer) - 1)]
                return chosen != "USUAL", chosen
        return False, None


class ScriptedPop3(asyncio.Protocol):
    """One session of it."""

    def __init__(self, drop: Drop) -> None:
        self.drop = drop
        self.buffer = b""
        self.marked: set[int] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self.drop.sessions += 1
        self.marked = set()
        self.there = list(enumerate(self.drop.messages, 1))
        if self.drop.greeting:
            self.say(self.drop.greeting)

    def data_received(self, data: bytes) -> None:
        self.drop.bursts.append(data)
        self.buffer += data
        while b"\r\n" in self.buffer and not self.transport.is_closing():
            line, _, self.buffer = self.buffer.partition(b"\r\n")
            text = line.decode("latin-1")
            self.drop.seen.append(text)
            told, answer = self.drop.find(text)
            if not told:
                self.answer(text)
            elif answer is not None:
                self.say(answer)

    def say(self, text: str) -> None:
        text, closes = text.removesuffix("CLOSE"), text.endswith("CLOSE")
        if text:
            lines = text.rstrip("\n").replace("\n", self.drop.end)
            self.transport.write((lines + self.drop.end).encode("latin-1"))
        if closes:
            self.transport.close()

    def answer(self, line: str) -> None:
        word, *rest = line.split(" ")
        number = int(rest[0]) if rest and rest[0].isdigit() else 0
        match word.upper():
            case "CAPA" if self.drop.offers is not None:
                self.say("\n".join(["+OK", *self.drop.offers, "."]))
            case "CAPA" | "LAST" | "UTF8":
                self.say("-ERR what?")
            case "LIST":
                self.say("\n".join(["+OK", *self._sizes(), "."]))
            case "UIDL":
                self.say("\n".join(["+OK", *self._names(), "."]))
            case "RETR" | "TOP" if 0 < number <= len(self.there):
                self._give(number, only_header=word.upper() == "TOP")
            case "DELE":
                self.marked.add(number)
                self.say("+OK")
            case "QUIT":
                self._quit()
            case "RETR" | "TOP":
                self.say("-ERR no such message")
            case _:
                self.say("+OK")

    def _sizes(self) -> list[str]:
        sizes = self.drop.sizes or [len(octets) for octets in self.drop.messages]
        return [f"{number} {sizes[number - 1]}" for number, _ in self.there]

    def _names(self) -> list[str]:
        names = self.drop.names or [f"n{hash(octets):x}" for octets in self.drop.messages]
        return [f"{number} {names[number - 1]}" for number, _ in self.there]

    def _give(self, number: int, *, only_header: bool) -> None:
        octets = self.drop.messages[number - 1]
        if only_header:
            octets = octets.partition(b"\r\n\r\n")[0] + b"\r\n"
        text = octets.replace(b"\r\n", self.drop.end.encode())
        stuffed = (b"\n" + text).replace(b"\n.", b"\n..")[1:]
        end = self.drop.end.encode()
        if stuffed and not stuffed.endswith(end):
            stuffed += end
        self.transport.write(b"+OK" + end + stuffed + b"." + end)

    def _quit(self) -> None:
        if self.drop.deletes:
            gone = sorted(self.marked, reverse=True)
            for number in gone:
                self.drop.deleted.append(self.drop.messages.pop(number - 1))
                if self.drop.names is not None:
                    self.drop.names.pop(number - 1)
                if self.drop.sizes is not None:
                    self.drop.sizes.pop(number - 1)
        self.say("+OK byeCLOSE" if self.drop.deletes else "-ERR some are not deletedCLOSE")
