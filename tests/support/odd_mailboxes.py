"""Folders with odd names and messages of every sort, for what brings mail over from elsewhere.

All comes from a seed. Each message says in which folder it is and which it is, so no two are equal
but the ones that are meant to be.
"""

from __future__ import annotations

import imaplib
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from benchmarks.messages import MessageMaker

from pillarbox.imap.wire import modified_utf7

Levels = tuple[str, ...]

# Every level as a person would read it. A server that refuses one gets PLAIN_NAMES instead.
ODD_NAMES: tuple[Levels, ...] = (
    ("Work",),
    ("Work", "2019"),
    ("Work", "2019", "Q3 & Q4"),
    ("Work", "2019", "Q3 & Q4", "deeper", "and deeper"),
    ("work",),  # twins that differ in case only
    ("WORK",),
    ("Entwürfe älter",),
    ("日本語", "下書き"),
    ("Archiv 📬 2020",),
    ("🗂️", "👩‍👩‍👧 family"),
    ("either/or",),
    ("and/or", "1/2"),
    ("dotted.name",),
    ('a "quoted" one',),
    ("back\\slash",),
    ('both \\" of them',),
    ("~tilde",),
    ("#hash",),
    ("100%",),
    ("star*",),
    ("(round) [square] {curly}",),
    ("  two spaces ahead",),
    ("a  b",),
    ("&-ampersand&",),
    ("very long " + "x" * 160,),
    ("nil",),
    ("INBOX2",),
    ("žluťoučký kůň",),
    ("Здравствуй",),
    ("مرحبا",),
)
PLAIN_NAMES = tuple((f"Plain {number}",) for number in range(len(ODD_NAMES)))

KEYWORDS = ("$Forwarded", "$MDNSent", "NonJunk", "Important", "Holiday-2019", "$label3")
FLAGS = ("\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_OLDEST, _NEWEST = 500_000_000, 1_790_000_000  # November 1985 to September 2026
_SIZES = (200, 200 * 1024)
_TAG = b"X-Odd: "


@dataclass(frozen=True, slots=True)
class OddMessage:
    """One message as it is put into the source."""

    octets: bytes = field(repr=False)
    flags: tuple[str, ...]
    received_at: int  # Unix seconds
    zone: int  # minutes east, in which the date is written

    @property
    def internal_date(self) -> str:
        """As APPEND wants it (RFC 9051 §9, date-time)."""
        local = time.gmtime(self.received_at + self.zone * 60)
        sign, zone = ("-" if self.zone < 0 else "+"), abs(self.zone)
        return (
            f'"{local.tm_mday:2}-{_MONTHS[local.tm_mon - 1]}-{local.tm_year} '
            f'{time.strftime("%H:%M:%S", local)} {sign}{zone // 60:02}{zone % 60:02}"'
        )


def odd_messages(folder: int, count: int, seed: int) -> Iterator[OddMessage]:
    """The messages of one folder; about one in ten has a broken structure."""
    rng = random.Random(f"{seed} {folder}")
    for number in range(count):
        octets = _octets(rng, folder, number)
        flags = rng.sample(FLAGS, rng.choice((0, 0, 1, 1, 2, 3)))
        flags += rng.sample(KEYWORDS, rng.choice((0, 0, 0, 1, 2)))
        yield OddMessage(
            octets,
            tuple(flags),
            rng.randrange(_OLDEST, _NEWEST),
            rng.choice((0, 60, 120, -480, 330, 765)),
        )


def _octets(rng: random.Random, folder: int, number: int) -> bytes:
    tag = _TAG + b"%d/%d\r\n" % (folder, number)
    if rng.random() < 0.1:
        return tag + rng.choice(_BROKEN)(rng)
    smallest, largest = _SIZES
    size = int(smallest * (largest / smallest) ** (rng.random() ** 1.6))
    return tag + MessageMaker(size, rng.randrange(2**31)).make(number)


def _no_end_of_parts(rng: random.Random) -> bytes:
    text = MessageMaker(3000, rng.randrange(2**31)).make(1)
    return text[: len(text) * 2 // 3] + b"\r\n"


def _no_header(_: random.Random) -> bytes:
    return b"\r\nthere is no header at all, only this\r\n"


def _only_header(_: random.Random) -> bytes:
    return b"Subject: there is no text\r\nFrom: carol@example.net\r\n\r\n"


def _odd_octets(rng: random.Random) -> bytes:
    raw = bytes(octet for octet in rng.randbytes(900) if octet not in b"\r\n\0")
    return b"Subject: =?utf-8?q?broken=ZZ?= \xe9\xff\r\nContent-Type: text/\r\n\r\n" + raw + b"\r\n"


def _odd_parts(_: random.Random) -> bytes:
    deep = b"".join(b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" for _ in range(40))
    head = b"From: <<carol@@example.net>\r\nDate: yesterday\r\nTo: undisclosed:;, ,;\r\n"
    return head + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + deep


def _long_line(_: random.Random) -> bytes:
    return b"Subject: " + b"long " * 4000 + b"\r\nNo colon in this line\r\n\r\n.\r\n..\r\n.x\r\n"


_BROKEN = (_no_end_of_parts, _no_header, _only_header, _odd_octets, _odd_parts, _long_line)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was put into a source."""

    folders: dict[str, Levels]  # the name on its wire → levels, INBOX too
    messages: int
    octets: int


def load(client: imaplib.IMAP4, count: int, seed: int, *, pop3: int = 0) -> Loaded:
    """Put `count` messages into the odd folders and `pop3` more into INBOX.

    One message in 50 is there twice in its folder, as happens.
    """
    prefix, delimiter = _namespace(client)
    folders: dict[str, Levels] = {"INBOX": ("INBOX",)}
    put = octets = 0
    for number, (odd, plain) in enumerate(zip(ODD_NAMES, PLAIN_NAMES, strict=True)):
        name = _create(client, prefix, delimiter, odd)
        levels = odd
        if name is None:
            name, levels = _create(client, prefix, delimiter, plain), plain
            assert name is not None, f"the source refuses {plain}"
        folders[name] = levels
        if number % 3 != 2:
            assert client.subscribe(quoted(name))[0] == "OK"
        share = count * (number + 1) // len(ODD_NAMES) - count * number // len(ODD_NAMES)
        for message in _with_doubles(odd_messages(number, share, seed), share):
            put, octets = put + 1, octets + _append(client, name, message)
    for message in odd_messages(len(ODD_NAMES), pop3, seed):
        put, octets = put + 1, octets + _append(client, "INBOX", message)
    return Loaded(folders, put, octets)


def _with_doubles(messages: Iterator[OddMessage], count: int) -> Iterator[OddMessage]:
    """So many, one in 50 of them a second time."""
    given = 0
    for number, message in enumerate(messages):
        for one in (message, message) if number % 50 == 3 else (message,):
            if given == count:
                return
            given += 1
            yield one


def _append(client: imaplib.IMAP4, name: str, message: OddMessage) -> int:
    """How many octets were put: of a sound message instead where the server refuses this one."""
    if _appended(client, name, message):
        return len(message.octets)
    tag = message.octets.partition(b"\r\n")[0]
    sound = tag + b"\r\n" + MessageMaker(900).make(1)
    assert _appended(client, name, replace(message, octets=sound)), (name, message)
    return len(sound)


def _appended(client: imaplib.IMAP4, name: str, message: OddMessage) -> bool:
    # imaplib's own append() rewrites line endings, and these are broken on purpose.
    tag = client._new_tag()
    flags = " ".join(message.flags)
    head = f"{quoted(name)} ({flags}) {message.internal_date} {{{len(message.octets)}}}"
    client.send(tag + b" APPEND " + head.encode() + b"\r\n")
    answer = client.readline()
    assert answer.startswith(b"+"), (name, answer)
    client.send(message.octets + b"\r\n")
    while not (answer := client.readline()).startswith(tag):
        assert answer, "the source closed the connection"
    return answer.split()[1] == b"OK"


def _namespace(client: imaplib.IMAP4) -> tuple[str, str]:
    """Prefix and delimiter of one's own folders (RFC 2342 §5)."""
    typ, found = client.namespace()
    assert typ == "OK"
    own = re.match(rb'\(\("([^"]*)" "(.)"', found[0])
    assert own is not None, found
    return own[1].decode(), own[2].decode()


def _create(client: imaplib.IMAP4, prefix: str, delimiter: str, levels: Levels) -> str | None:
    """The name on the wire; None where the server does not want it, or reads it otherwise."""
    if any(delimiter in level for level in levels):
        return None
    name = prefix + delimiter.join(modified_utf7.encode(level).decode() for level in levels)
    if client.create(quoted(name))[0] != "OK":
        return None
    if name not in listed(client):
        client.delete(quoted(name))
        return None
    return name


def listed(client: imaplib.IMAP4, command: str = "LIST") -> dict[str, str]:
    """All names that LIST or LSUB gives, with their attributes."""
    method = client.list if command == "LIST" else client.lsub
    found = {}
    for row in method('""', "*")[1]:
        if row is None:
            continue
        if isinstance(row, tuple):  # the name came as a literal
            attributes, name = row[0], row[1].decode()
        else:
            match = re.fullmatch(rb'(\(.*?\)) (?:"(?:\\.|.)"|NIL) (.*)', row)
            assert match is not None, row
            attributes, name = match[1], match[2].decode()
            if name.startswith('"'):
                name = re.sub(r"\\(.)", r"\1", name[1:-1])
        found[name] = attributes.decode().partition(")")[0][1:]
    return found


def quoted(name: str) -> str:
    """As a quoted string."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
