"""Taking tokens off a response, more leniently than a server takes them off a command. Sans-IO."""

from __future__ import annotations

import re
from datetime import date

from pillarbox.errors import PillarboxError
from pillarbox.imap.client.frames import ServerFrame
from pillarbox.imap.client.responses import ServerLiteral, Value
from pillarbox.imap.wire.encoder import MONTHS

_ATOM = re.compile(rb"[^\x00-\x20\x7f(){\"]+")  # "%", "*" and "\" occur in names that servers send
_WORD = re.compile(rb"[A-Za-z0-9.=+\-_/:$]+")
_NUMBER = re.compile(rb"[0-9]{1,20}")
_QUOTED = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_SPACES = re.compile(rb" *")
_DATE_TIME = re.compile(
    rb" *([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4}) +([0-9]{1,2}):([0-9]{2}):([0-9]{2})"
    rb"(?: +([+-])([0-9]{2})([0-9]{2}))?"
)
_MONTHS = {name.lower().encode(): number for number, name in enumerate(MONTHS, 1)}
_EPOCH = date(1970, 1, 1).toordinal()
_DEEPEST = 200  # parentheses inside one another; body structures have some ten


class BadResponse(PillarboxError):
    """The octets do not follow the grammar."""

    sentence = "The other server's answer cannot be understood."


class Tokens:
    """Walks forward over one response. Every method raises BadResponse."""

    def __init__(self, frame: ServerFrame, at: int) -> None:
        """`at`: where to begin in the first line."""
        first = frame[0]
        assert isinstance(first, bytes)
        self._frame = frame
        self._next = 1
        self.line = first
        self.at = at

    @property
    def at_end(self) -> bool:
        """Whether nothing is left but spaces."""
        self.spaces()
        return self.at >= len(self.line) and self._next >= len(self._frame)

    def spaces(self) -> None:
        """Pass over any number of spaces."""
        found = _SPACES.match(self.line, self.at)
        assert found is not None
        self.at = found.end()

    def take(self, octets: bytes) -> bool:
        """Whether `octets` come next; they are taken if so."""
        if not self.line.startswith(octets, self.at):
            return False
        self.at += len(octets)
        return True

    def expect(self, octets: bytes) -> None:
        """Take `octets`, which must come next."""
        if not self.take(octets):
            raise BadResponse

    def word(self) -> str:
        """A name of the grammar in upper case."""
        found = _WORD.match(self.line, self.at)
        if found is None:
            raise BadResponse
        self.at = found.end()
        return found[0].decode("ascii").upper()

    def number(self) -> int:
        """Digits."""
        found = _NUMBER.match(self.line, self.at)
        if found is None:
            raise BadResponse
        self.at = found.end()
        return int(found[0])

    def atom(self) -> bytes:
        """Octets up to a space, a parenthesis or a quote."""
        found = _ATOM.match(self.line, self.at)
        if found is None:
            raise BadResponse
        self.at = found.end()
        return found[0]

    def is_literal(self) -> bool:
        """Whether a literal comes next: the line then ends with its announcement."""
        line, at = self.line, self.at
        if line.startswith(b"~", at):
            at += 1
        is_last = line.startswith(b"{", at) and line.endswith(b"}")
        return is_last and self._next < len(self._frame) and line.rfind(b"{") == at

    def literal(self) -> ServerLiteral:
        """A literal."""
        if not self.is_literal():
            raise BadResponse
        literal, line = self._frame[self._next : self._next + 2]
        assert isinstance(literal, ServerLiteral)
        assert isinstance(line, bytes)
        self._next += 2
        self.line, self.at = line, 0
        return literal

    def nstring(self) -> bytes | None:
        """A string or an atom; None for NIL. A literal must have been kept."""
        if self.line.startswith(b'"', self.at):
            found = _QUOTED.match(self.line, self.at)
            if found is None:
                raise BadResponse
            self.at = found.end()
            return _ESCAPE.sub(rb"\1", found[1]) if b"\\" in found[1] else found[1]
        if self.is_literal():
            literal = self.literal()
            if len(literal.octets) != literal.size:
                raise BadResponse
            return literal.octets
        atom = self.atom()
        return None if atom.upper() == b"NIL" else atom

    def astring(self) -> bytes:
        """The same where there is no NIL, so that the atom is one like any other."""
        if self.line[self.at : self.at + 1] in (b'"', b"{", b"~"):
            found = self.nstring()
            assert found is not None
            return found
        return self.atom()

    def atoms(self) -> tuple[bytes, ...]:
        """Atoms in parentheses."""
        self.expect(b"(")
        found: list[bytes] = []
        while True:
            self.spaces()
            if self.take(b")"):
                return tuple(found)
            found.append(self.atom())

    def value(self) -> Value:
        """Whatever comes next: NIL, a string, an atom, or a list of such."""
        open_lists: list[list[Value]] = []
        while True:
            self.spaces()
            if self.take(b"("):
                if len(open_lists) >= _DEEPEST:
                    raise BadResponse
                open_lists.append([])
                continue
            closes = bool(open_lists) and self.take(b")")
            found = tuple(open_lists.pop()) if closes else self.nstring()
            if not open_lists:
                return found
            open_lists[-1].append(found)


def parse_date_time(octets: bytes) -> int | None:
    """INTERNALDATE as Unix seconds; None where it is none. A zone that is missing is UTC."""
    found = _DATE_TIME.fullmatch(octets)
    if found is None:
        return None
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = found.groups()
    try:
        of_day = date(int(year), _MONTHS[month.lower()], int(day))
    except (KeyError, ValueError):
        return None
    at = (of_day.toordinal() - _EPOCH) * 86_400
    at += int(hour) * 3600 + int(minute) * 60 + int(second)
    if sign is None:
        return at
    offset = int(zone_hours) * 3600 + int(zone_minutes) * 60
    return at + offset if sign == b"-" else at - offset
