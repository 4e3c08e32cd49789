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

import asyncio
import base64
import codecs
import re
import ssl
from pathlib import Path
from typing import Any

import msgspec

from pillarbox.config.pop3 import Pop3Settings
from pillarbox.store.model import Role
from pillarbox.store.sql import mailboxes
from support.pop3_bench import Pop3Bench, pop3_bench

FOLDER = Path(__file__).parent.parent / "transcripts" / "pop3"
_VARIABLE = re.compile(r"\\\$(\w+)")
_PATIENCE = 5.0  # seconds for one answer


def unescape(text: str) -> bytes:
    """Python's escapes to octets; other characters as UTF-8."""
    octets: bytes = codecs.escape_decode(text.encode())[0]  # type: ignore[attr-defined]
    return octets


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
            name, _, value = text.partition("=")
            known = {"yes": True, "no": False}
            self.settings[name] = int(value) if value.isdigit() else known.get(value, value)
        elif what == "remote:":
            self.remote = text == "yes"
        elif what == "mail:":
            self.mail.append(unescape(text))
        else:
            self.steps.append((number, what, text))


class Client:
    """One connection of a transcript."""

    def __init__(self, bench: Pop3Bench) -> None:
        self._bench = bench
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.waiting = b""

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect at the first use."""
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(
                "127.0.0.1", self._bench.port
            )
        return self._reader, self._writer

    async def flush(self) -> None:
        """Send what the C: lines gathered."""
        _, writer = await self.connect()
        if not self.waiting:
            return
        writer.write(self.waiting)
        self.waiting = b""
        await writer.drain()

    async def line(self) -> str:
        """One answered line; "<closed>" at the end."""
        reader, _ = await self.connect()
        try:
            line = await asyncio.wait_for(reader.readline(), _PATIENCE)
        except ConnectionError:
            return "<closed>"
        assert not line or line.endswith(b"\r\n"), line
        return line[:-2].decode("utf-8", "backslashreplace") if line else "<closed>"

    async def start_tls(self) -> None:
        """The client's side of STLS."""
        _, writer = await self.connect()
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        await writer.start_tls(context)

    async def hang_up(self) -> None:
        """Close."""
        if self._writer is not None:
            self._writer.close()
            self._reader = self._writer = None


async def play(transcript: Transcript, folder: Path) -> None:
    """Run it; an AssertionError names the line."""
    settings = msgspec.convert(transcript.settings, Pop3Settings)
    async with pop3_bench(folder, settings, remote=transcript.remote) as bench:
        for octets in transcript.mail:
            await bench.deliver(octets)
        clients = {"": Client(bench), "2": Client(bench)}
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
    bench: Pop3Bench, clients: dict[str, Client], known: dict[str, str], what: str, text: str
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
