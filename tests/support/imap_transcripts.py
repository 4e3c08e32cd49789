"""Runs tests/transcripts/imap/*.imap: what a client sends and what it is answered, line by line.

set: max_line=8192          settings of the run
remote: yes                 the client counts as far away: no password without TLS
mail: Subject: a\\r\\n\\r\\nb     a message in alice's INBOX, with Python's escapes
mail(\\Seen x): …            … with flags
mail[Archive/2026]: …       … in another mailbox, which is made if need be; flags may follow
in: INBOX                   each connection signs in and selects this before its first line
in: -                       … only signs in
S: a OK <_>                 what must be answered: `<name>` is one word, the same each time,
                            `<_>` is anything; in C: lines, too, once it was answered
S+: * 2 EXISTS              must be answered before the next S: line, in any order and among others
S!: * <_> EXPUNGE           must not be answered before the next S: line
S?: * 4 EXISTS              may be answered here, or not
C: a NOOP                   lines up to the next S: are sent in one write
C\\: a NOOP\\nx\\x00            the same with Python's escapes and no CR LF added
C64: plain text             a base64 line
S64: plain text             a challenge ("+ " and base64)
2C: / 2S:                   the same for a second connection
TLS                         the client begins TLS
S: <closed>                 the server has closed
HANG UP                     the client closes without a word

A literal's octets are lines like others; a line end inside a literal must be CR LF.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pillarbox.config.imap import ImapSettings
from support.imap_bench import ImapBench, imap_bench
from support.people import ALICE_PASSWORD
from support.transcript_client import TranscriptClient, setting, unescape

FOLDER = Path(__file__).parent.parent / "transcripts" / "imap"
_VARIABLE = re.compile(r"<([a-z_]\w*)>")
_MAIL = re.compile(r"mail(?:\[([^]]*)\])?(?:\(([^)]*)\))?:\Z")


class Mail(NamedTuple):
    path: str
    flags: str
    octets: bytes


class Transcript:
    """One file, parsed."""

    def __init__(self, path: Path) -> None:
        self.settings: dict[str, Any] = {}
        self.remote = False
        self.mail: list[Mail] = []
        self.start: str | None = None
        self.steps: list[tuple[int, str, str]] = []  # line number, what, text
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                self._read(number, line)

    def _read(self, number: int, line: str) -> None:
        found = re.match(r"(mail[^:]*:|\S+) ?(.*)\Z", line)
        assert found, line
        what, text = found[1], found[2]
        if what == "set:":
            name, value = setting(text)
            self.settings[name] = value
        elif what == "remote:":
            self.remote = text == "yes"
        elif what == "in:":
            self.start = text
        elif mail := _MAIL.match(what):
            self.mail.append(Mail(mail[1] or "INBOX", mail[2] or "", unescape(text)))
        else:
            self.steps.append((number, what, text))


class Client(TranscriptClient):
    """Signs in first, where the transcript begins behind that."""

    def __init__(self, bench: ImapBench, start: str | None) -> None:
        super().__init__(bench.port)
        self._start = start
        self._ahead: str | None = None
        self.unwanted: list[str] = []
        self.wanted: list[str] = []

    async def begin(self) -> None:
        """LOGIN and SELECT, answers included."""
        if self._start is None:
            return
        commands = [f'LOGIN alice@example.org "{ALICE_PASSWORD}"']
        if self._start != "-":
            commands.append(f'SELECT "{self._start}"')
        assert (await self.line()).startswith("* OK")
        for command in commands:
            self.waiting, later = f"begin {command}\r\n".encode(), self.waiting
            await self.flush()
            self.waiting = later
            while not (line := await self.line()).startswith("begin "):
                pass
            assert line.startswith("begin OK"), line

    async def line(self) -> str:
        """One answered line; "<closed>" at the end."""
        if self._ahead is not None:
            line, self._ahead = self._ahead, None
            return line
        return await super().line()

    def give_back(self, line: str) -> None:
        """It is the next line again."""
        self._ahead = line


async def play(transcript: Transcript, folder: Path) -> None:
    """Run it; an AssertionError names the line."""
    settings = msgspec.convert(transcript.settings, ImapSettings)
    async with imap_bench(folder, settings, remote=transcript.remote) as bench:
        for mail in transcript.mail:
            await bench.deliver(mail.octets, mail.path, mail.flags)
        clients = {which: Client(bench, transcript.start) for which in ("", "2")}
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
    bench: ImapBench, clients: dict[str, Client], known: dict[str, str], what: str, text: str
) -> None:
    which = "2" if what.startswith("2") else ""
    client = clients[which]
    match what.removeprefix("2"):
        case "C:":
            client.waiting += _filled(text, known).encode() + b"\r\n"
        case "C\\:":
            client.waiting += unescape(_filled(text, known))
        case "C64:":
            client.waiting += base64.b64encode(unescape(text)) + b"\r\n"
        case "S:":
            await client.flush()
            await _expect(client, text, known)
        case "S!:":
            client.unwanted.append(text)
        case "S+:":
            client.wanted.append(text)
        case "S?:":
            await client.flush()
            line = await client.line()
            if not _matches(text, line, known):
                client.give_back(line)
        case "S64:":
            await client.flush()
            line = await client.line()
            assert line.startswith("+ "), line
            plain = base64.b64decode(line[2:]).decode()
            assert _matches(text, plain, known), f"got {plain!r}"
        case "TLS":
            await client.start_tls()
        case "HANG":
            await client.flush()
            await client.hang_up()
        case _:
            raise ValueError(f"{what} {text}")


async def _expect(client: Client, text: str, known: dict[str, str]) -> None:
    """The next line; behind S+: lines the first that fits, those lines all being among the rest."""
    wanted, unwanted = client.wanted, client.unwanted
    client.wanted, client.unwanted = [], []
    skips = bool(wanted)
    seen: list[str] = []
    while True:
        line = await client.line()
        seen.append(line)
        for one in unwanted:
            assert not _matches(one, line, dict(known)), f"got {line!r}"
        found = next((one for one in wanted if _matches(one, line, known)), None)
        if found is not None:
            wanted.remove(found)
        elif not skips or not line.startswith("* ") or _matches(text, line, dict(known)):
            break
    assert not wanted, f"missing {wanted} in {seen}"
    assert _matches(text, line, known), f"got {line!r}"


def _filled(text: str, known: dict[str, str]) -> str:
    """A client's line with the words that `<name>` stands for."""
    return _VARIABLE.sub(lambda found: known.get(found[1], found[0]), text)


def _matches(expected: str, line: str, known: dict[str, str]) -> bool:
    """Compare, binding the words that `<name>` stands for."""
    if expected == "<closed>":
        return line == expected
    names: list[str] = []
    pattern = ""
    at = 0
    for variable in _VARIABLE.finditer(expected):
        pattern += re.escape(expected[at : variable.start()])
        at = variable.end()
        name = variable[1]
        if name == "_":
            pattern += ".*"
        elif name in known:
            pattern += re.escape(known[name])
        elif name in names:
            pattern += f"(?P={name})"
        else:
            names.append(name)
            pattern += rf"(?P<{name}>[^\s()\[\]]+)"
    found = re.fullmatch(pattern + re.escape(expected[at:]), line)
    if found:
        known.update({name: found[name] for name in names})
    return found is not None
