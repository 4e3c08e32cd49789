"""Runs tests/transcripts/smtp/*.smtp: what a client sends and what it is answered, line by line.

role: submission            settings of the run, until the first line with C: or S:
set: max_recipients=100
quota: bob 2000             octets; before the session begins
S: 220 mx.example.org $_    what must be answered; `$name` is one word, the same each time
C: EHLO client.example.net  lines up to the next S: are sent in one write
C\\: a\\nb                    the same with Python's escapes and no CR LF added
S: <closed>                 the server has closed
! 550                       no line of the session so far begins so
INBOX alice 1               messages in an inbox
TEXT alice ^Subject: hi     the last message of the inbox holds a line like this
QUEUE carol@example.net     recipients that wait to be sent, in order
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Protocol

from support.smtp_bench import Bench
from support.transcript_client import unescape

FOLDER = Path(__file__).parent.parent / "transcripts" / "smtp"
_VARIABLE = re.compile(r"\\\$(\w+)")


class Client(Protocol):
    """A peer in memory or on a socket."""

    async def send(self, octets: bytes, chunk: int = 0) -> None: ...

    async def line(self) -> bytes: ...


class Transcript:
    """One file, parsed."""

    def __init__(self, path: Path) -> None:
        self.role = "mx"
        self.settings: dict[str, Any] = {}
        self.quotas: list[tuple[str, int]] = []
        self.steps: list[tuple[int, str, str]] = []  # line number, what, text
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                self._read(number, line)

    def _read(self, number: int, line: str) -> None:
        what, _, text = line.partition(" ")
        match what:
            case "role:":
                self.role = text
            case "set:":
                name, _, value = text.partition("=")
                self.settings[name] = {"yes": True, "no": False}.get(value) or int(value)
            case "quota:":
                name, octets = text.split()
                self.quotas.append((f"{name}@example.org", int(octets)))
            case "C:" | "C\\:" | "S:" | "!" | "INBOX" | "TEXT" | "QUEUE":
                self.steps.append((number, what, text))
            case _:
                raise ValueError(f"line {number}: {line}")


async def play(transcript: Transcript, bench: Bench, client: Client) -> None:
    """Run it; an AssertionError names the line."""
    seen: list[str] = []
    known: dict[str, str] = {}
    waiting = b""
    for login, octets in transcript.quotas:
        await bench.set_quota(login, octets)
    for number, what, text in transcript.steps:
        if what == "C:":
            waiting += text.encode() + b"\r\n"
            continue
        if what == "C\\:":
            waiting += unescape(text)
            continue
        if waiting:
            await client.send(waiting)
            waiting = b""
        await _check(
            f"line {number}", what, text, bench=bench, client=client, seen=seen, known=known
        )


async def _check(
    at: str,
    what: str,
    text: str,
    *,
    bench: Bench,
    client: Client,
    seen: list[str],
    known: dict[str, str],
) -> None:
    words = text.split(" ", 1)
    match what:
        case "S:":
            line = (await client.line()).decode()
            seen.append(line)
            if text == "<closed>":
                assert line == "", f"{at}: got {line!r}, not the end"
                return
            assert _matches(text, line, known), f"{at}: wanted {text!r}, got {line!r}"
        case "!":
            assert not [line for line in seen if line.startswith(text)], at
        case "INBOX":
            assert len(await bench.octets(f"{words[0]}@example.org")) == int(words[1]), at
        case "TEXT":
            last = (await bench.octets(f"{words[0]}@example.org"))[-1].decode()
            assert re.search(words[1], last, re.MULTILINE), f"{at}: {last!r}"
        case "QUEUE":
            waiting = [
                to.forward_path for row in await bench.queued() for to in row_recipients(row)
            ]
            assert waiting == text.split(), at


def row_recipients(row: Any) -> list[Any]:
    """The recipients of a queued row."""
    return [one[0] for one in row.recipients]


def _matches(wanted: str, line: str, known: dict[str, str]) -> bool:
    def variable(found: re.Match[str]) -> str:
        name = found[1]
        if name == "_":
            return ".*"
        return re.escape(known[name]) if name in known else rf"(?P<{name}>\S+)"

    found = re.fullmatch(_VARIABLE.sub(variable, re.escape(wanted)) + "\r\n", line)
    if found:
        known.update(found.groupdict())
    return found is not None
