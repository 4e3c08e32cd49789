"""Two IMAP accounts compared by a client that we did not write: imaplib on both sides.

What must agree: every message's octets, how often it is there, its flags and keywords, and the
instant of its INTERNALDATE.
"""

from __future__ import annotations

import calendar
import hashlib
import imaplib
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from support.odd_mailboxes import listed, quoted

_CHUNK = 100
_UID = re.compile(rb"UID (\d+)")
_FLAGS = re.compile(rb"FLAGS \(([^)]*)\)")
_DATE = re.compile(rb'INTERNALDATE "([^"]*)"')


@dataclass(frozen=True, slots=True, order=True)
class Kept:
    """A message as a mailbox has it."""

    digest: str  # SHA-256 of the octets
    size: int
    flags: tuple[str, ...]  # folded and sorted, without \\Recent
    received_at: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An account at one instant."""

    folders: dict[str, list[Kept]] = field(repr=False)  # by the name on its wire
    subscribed: frozenset[str]

    @property
    def messages(self) -> int:
        """In all folders."""
        return sum(len(kept) for kept in self.folders.values())

    def filled(self) -> dict[str, list[Kept]]:
        """Without the empty folders."""
        return {name: kept for name, kept in self.folders.items() if kept}


def signed_in(host: str, port: int, login: str, password: str) -> imaplib.IMAP4:
    """A connection in the clear, on loopback."""
    client = imaplib.IMAP4(host, port, timeout=120)
    client.login(login, password)
    return client


def snapshot(client: imaplib.IMAP4) -> Snapshot:
    """Everything that an account holds."""
    folders = {
        name: contents(client, name)
        for name, attributes in listed(client).items()
        if not {"\\noselect", "\\nonexistent"} & set(attributes.lower().split())
    }
    return Snapshot(folders, frozenset(listed(client, "LSUB")))


def contents(client: imaplib.IMAP4, name: str) -> list[Kept]:
    """The messages of one folder in the order of their UIDs."""
    typ, found = client.select(quoted(name), readonly=True)
    assert typ == "OK", (name, found)
    count = int(found[0] or 0)
    kept: list[Kept] = []
    for first in range(1, count + 1, _CHUNK):
        typ, rows = client.fetch(
            f"{first}:{min(first + _CHUNK - 1, count)}", "(UID FLAGS INTERNALDATE BODY.PEEK[])"
        )
        assert typ == "OK", (name, rows)
        kept += _kept_of(rows)
    assert len(kept) == count, f"{name}: {len(kept)} of {count} could be fetched"
    return kept


def _kept_of(rows: Sequence[object]) -> list[Kept]:
    kept = []
    for place, row in enumerate(rows):
        if not isinstance(row, tuple):
            continue
        after = rows[place + 1] if place + 1 < len(rows) else b""
        head = row[0] + (after if isinstance(after, bytes) else b"")
        flags, date = _FLAGS.search(head), _DATE.search(head)
        assert _UID.search(head) and flags and date, head
        kept.append(
            Kept(
                hashlib.sha256(row[1]).hexdigest(),
                len(row[1]),
                tuple(sorted({f.lower().decode() for f in flags[1].split()} - {"\\recent"})),
                _instant(date[1].decode()),
            )
        )
    return kept


def _instant(date: str) -> int:
    """Unix seconds of ` 1-Feb-1999 10:00:00 +0100`."""
    wall, zone = date.strip().rsplit(" ", 1)
    minutes = int(zone[1:3]) * 60 + int(zone[3:5])
    seconds = calendar.timegm(time.strptime(wall, "%d-%b-%Y %H:%M:%S"))
    return seconds - minutes * 60 * (-1 if zone[0] == "-" else 1)


def differences(
    source: Snapshot, here: Snapshot, names: Mapping[str, str], *, without: frozenset[str]
) -> list[str]:
    """What is missing, twice or otherwise, in words; `names`: there → here.

    Flags in `without` (folded) are not looked at.
    """
    found = []
    for there, kept in source.folders.items():
        if there not in names:
            found.append(f"nobody says where {there!r} went")
            continue
        mine = here.folders.get(names[there])
        if mine is None:
            found.append(f"the folder {there!r} is not here as {names[there]!r}")
            continue
        found += [f"{there!r}: {text}" for text in _unequal(kept, mine, without)]
    return found


def _unequal(there: list[Kept], here: list[Kept], without: frozenset[str]) -> list[str]:
    found = []
    if len(there) != len(here):
        found.append(f"{len(there)} messages there, {len(here)} here")
    octets_there, octets_here = Counter(k.digest for k in there), Counter(k.digest for k in here)
    if missing := octets_there - octets_here:
        found.append(f"{missing.total()} are missing or have other octets")
    if more := octets_here - octets_there:
        found.append(f"{more.total()} are here too often, or are unknown there")
    if not found:
        whole_there, whole_here = _whole(there, without), _whole(here, without)
        for kept in (whole_there - whole_here).elements():
            twins = [k for k in whole_here if k[0] == kept[0]]
            found.append(f"flags or date of {kept} became {twins}")
    return found[:10]


def _whole(kept: list[Kept], without: frozenset[str]) -> Counter[tuple[str, tuple[str, ...], int]]:
    return Counter(
        (one.digest, tuple(f for f in one.flags if f not in without), one.received_at)
        for one in kept
    )
