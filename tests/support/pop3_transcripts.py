"""Runs tests/transcripts/pop3/*.pop3: what a client sends and what it is answered, line by line.

set: exclusive=no           settings of the run, before the first C: or S:
remote: yes                 the client counts as far away: no password without TLS
mail: Subject: a\\r\\n\\r\\nb     a message in alice's inbox, with Python's escapes
S: +OK $_                   what must be answered; `$name` is one word, the same each time
C: STAT                     lines up to the next S: are sent in one write
C\\: NOOP\\nSTAT\\n            the same with Python's escapes and no CR LF added
C64: plain text             a base64 line
S64: plain text             a challenge ("+ " and base64)
2C: / 2S:                   the same for a second connection
TLS                         the client begins TLS
S: <closed>                 the server has closed
HANG UP                     the client closes without a word
MAIL 2                      messages that are in the inbox now
TRASH 1                     messages that are in the Trash now
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import msgspec

from pillarbox.config.pop3 import Pop3Settings
from pillarbox.store.model import Role
from pillarbox.store.sql import mailboxes
from support.pop3_bench import Pop3Bench, pop3_bench
from support.transcript_client import TranscriptClient, setting, unescape

FOLDER = Path(__file__).parent.parent / "transcripts" / "pop3"
_VARIABLE = re.compile(r"\\\$(\w+)")


class Transcript:
    """One file, parsed."""

    def __init__(self, path: Path) -> None:
        self.settings: dict[str, Any] = {}
        self.remote = False
        self.mail: list[bytes] = []
        self.steps: list[tuple[int, str, str]] = []  # line number, what, text
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                self._read(number, line)

    def _read(self, number: int, line: str) -> None:
        what, _, text = line.partition(" ")
        if what == "set:":
            name, value = setting(text)
            self.settings[name] = value
        elif what == "remote:":
            self.remote = text == "yes"
        elif what == "mail:":
            self.mail.append(unescape(text))
        else:
            self.steps.append((number, what, text))


async def play(transcript: Transcript, folder: Path) -> None:
    """Run it; an AssertionError names the line."""
    settings = msgspec.convert(transcript.settings, Pop3Settings)
    async with pop3_bench(folder, settings, remote=transcript.remote) as bench:
        for octets in transcript.mail:
            await bench.deliver(octets)
        clients = {"": TranscriptClient(bench.port), "2": TranscriptClient(bench.port)}
        known: dict[str, str] = {}
        try:
            for number, what, text in transcript.steps:
                try:
                    await _step(bench, clients, known, what, text)
                except (AssertionError, TimeoutError) as error:
                    raise AssertionError(f"line {number}: {what} {text}\n{error!r}") from error
        finally:
            for client in clients.values():
                await client.hang_up()


async def _step(
    bench: Pop3Bench,
    clients: dict[str, TranscriptClient],
    known: dict[str, str],
    what: str,
    text: str,
) -> None:
    which = "2" if what.startswith("2") else ""
    client = clients[which]
    match what.removeprefix("2"):
        case "C:":
            client.waiting += text.encode() + b"\r\n"
        case "C\\:":
            client.waiting += unescape(text)
        case "C64:":
            client.waiting += base64.b64encode(unescape(text)) + b"\r\n"
        case "S:":
            await client.flush()
            _match(text, await client.line(), known)
        case "S64:":
            await client.flush()
            line = await client.line()
            assert line.startswith("+ "), line
            _match(text, base64.b64decode(line[2:]).decode(), known)
        case "TLS":
            await client.start_tls()
        case "HANG":
            await client.flush()
            await client.hang_up()
            await bench.all_gone()
        case "MAIL":
            assert await _count(bench, Role.INBOX) == int(text)
        case "TRASH":
            assert await _count(bench, Role.TRASH) == int(text)
        case _:
            raise ValueError(f"{what} {text}")


def _match(expected: str, line: str, known: dict[str, str]) -> None:
    """Compare, binding the words that `$name` stands for."""
    pattern = re.escape(expected).replace(r"\$_", r".*")
    names: list[str] = []

    def named(found: re.Match[str]) -> str:
        name = found[1]
        if name in known:
            return re.escape(known[name])
        if name in names:
            return f"(?P={name})"
        names.append(name)
        return rf"(?P<{name}>\S+)"

    found = re.fullmatch(_VARIABLE.sub(named, pattern), line)
    assert found, f"got {line!r}"
    known.update({name: found[name] for name in names})


async def _count(bench: Pop3Bench, role: Role) -> int:
    account = bench.people.alice.id
    mailbox = await bench.people.store.read(lambda db: mailboxes.by_role(db, account, role))
    assert mailbox is not None
    return mailbox.messages
