"""A framed command → tokens (RFC 9051 §9, RFC 4466 §6). Raises nothing but BadSyntax.

The reader walks forward only; what a command expects is said by the command's own `parse`.
"""

from __future__ import annotations

import calendar
import re
from datetime import date
from typing import Protocol

from pillarbox.imap.wire import modified_utf7
from pillarbox.imap.wire.encoder import MONTHS
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.framing import Literal, Segment
from pillarbox.imap.wire.sequence_set import SequenceSet, parse_sequence_set

_ATOM = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_ASTRING = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\]+")
_TAG = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+]+(?= |\Z)")  # no part of "a+b" is one
_LIST_MAILBOX = re.compile(rb"[^\x00-\x20\x7f-\xff(){\"\\]+")
_LABEL = re.compile(rb"[A-Za-z0-9.\-]+")
_FLAG = re.compile(rb"\\?[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_ATOMS = re.compile(
    rb"\(([^\x00-\x20\x7f-\xff(){%*\"\\\]]+(?: [^\x00-\x20\x7f-\xff(){%*\"\\\]]+)*)\)"
)
_NUMBER = re.compile(rb"[0-9]+")
_SET = re.compile(rb"\$|[0-9*:,]+")
_PLAIN_QUOTED = re.compile(rb'"([^"\\\r\n\x00]*)"')
_QUOTED = re.compile(rb'"((?:[^"\\\r\n\x00]|\\["\\])*)"')
_ESCAPE = re.compile(rb"\\(.)")
_DATE = re.compile(rb"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})")
_DATE_TIME = re.compile(
    rb'"( ?[0-9]|[0-9]{2})-([A-Za-z]{3})-([0-9]{4}) '
    rb'([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"'
)
_MONTH_NUMBERS = {name.lower().encode(): number for number, name in enumerate(MONTHS, 1)}
MAX_NUMBER = 2**32 - 1
MAX_NUMBER64 = 2**63 - 1


class HasSegments(Protocol):
    """`Framed`, or `WantLiteral` for the part of a command before a literal."""

    @property
    def segments(self) -> tuple[Segment, ...]: ...


class Reader:
    """Takes one token after the other off a command."""

    def __init__(self, framed: HasSegments, utf8: bool = False) -> None:
        self._segments = framed.segments
        self._utf8 = utf8
        self._next = 1  # the segment behind the present line
        first = self._segments[0]
        assert isinstance(first, bytes)
        self._line = first
        self._at = 0

    # Where we are

    @property
    def at_end(self) -> bool:
        """Whether nothing is left, literals included."""
        return self._at >= len(self._line) and self._next >= len(self._segments)

    def peek(self, octets: bytes) -> bool:
        """Whether `octets` come next."""
        return self._line.startswith(octets, self._at)

    def peek_word(self) -> str:
        """The atom that comes next in upper case, not taken; "" where none does."""
        found = _ATOM.match(self._line, self._at)
        return found[0].decode("ascii").upper() if found else ""

    def take(self, octets: bytes) -> bool:
        """Whether `octets` come next; they are taken if so."""
        if self._line.startswith(octets, self._at):
            self._at += len(octets)
            return True
        return False

    def take_any_case(self, octets: bytes) -> bool:
        """The same for a phrase of the grammar, whose case does not count."""
        end = self._at + len(octets)
        if self._line[self._at : end].upper() != octets.upper():
            return False
        self._at = end
        return True

    def expect(self, octets: bytes) -> None:
        """Take `octets`, which must come next."""
        if not self.take(octets):
            raise BadSyntax(f"{octets.decode('ascii')!r} is missing {self._place()}.")

    def space(self) -> None:
        """Take exactly one space."""
        if not self.take(b" "):
            raise BadSyntax(f"An argument is missing {self._place()}.")

    def end(self) -> None:
        """Nothing may be left."""
        if not self.at_end:
            raise BadSyntax(f"There is more than the command takes {self._place()}.")

    def rest(self) -> bytes:
        """All that is left of the present line."""
        octets = self._line[self._at :]
        self._at = len(self._line)
        return octets

    # Words

    def tag(self) -> bytes:
        """A command's tag."""
        return self._match(_TAG, "A command begins with a tag")[0]

    def atom(self) -> bytes:
        """An atom as it was sent."""
        return self._match(_ATOM, "A word is missing")[0]

    def word(self) -> str:
        """An atom in upper case: a name of the grammar."""
        return self.atom().decode("ascii").upper()

    def words(self) -> list[str]:
        """Atoms in parentheses in upper case, at least one."""
        found = self._match(_ATOMS, "Names in parentheses are missing")
        return found[1].decode("ascii").upper().split(" ")

    def name(self) -> str:
        """A command's name in upper case."""
        return self.word()

    def label(self) -> str:
        """Letters, digits, dots and dashes in upper case: an item's name in front of its "["."""
        return self._match(_LABEL, "A name is missing")[0].decode("ascii").upper()

    def flag(self) -> str:
        r"""A flag as it was sent: `\Seen`, `$Forwarded`, a keyword."""
        return self._match(_FLAG, "A flag is missing")[0].decode("ascii")

    def flag_list(self) -> list[str]:
        """Flags in parentheses, maybe none."""
        self.expect(b"(")
        flags: list[str] = []
        while not self.take(b")"):
            if flags:
                self.space()
            flags.append(self.flag())
        return flags

    # Strings

    def string(self) -> bytes:
        """A quoted string or a literal."""
        if self.peek(b'"'):
            return self._quoted()
        return self._plain_literal("A string is missing")

    def astring(self) -> bytes:
        """An atom (`]` allowed), a quoted string or a literal."""
        found = _ASTRING.match(self._line, self._at)
        if found:
            self._at = found.end()
            return found[0]
        return self.string()

    def nstring(self) -> bytes | None:
        """A string, or None for NIL."""
        if self.peek_word() == "NIL":
            self.atom()
            return None
        return self.string()

    def literal(self) -> Literal:
        """A literal, also a binary one, also a diverted one."""
        if self._at < len(self._line) or self._next >= len(self._segments):
            raise BadSyntax(f"A literal is missing {self._place()}.")
        found = self._segments[self._next]
        line = self._segments[self._next + 1]
        assert isinstance(found, Literal)
        assert isinstance(line, bytes)
        self._next += 2
        self._line = line
        self._at = 0
        return found

    def mailbox(self) -> str:
        """A mailbox name, decoded."""
        return self._decoded(self.astring())

    def list_mailbox(self) -> str:
        """A mailbox name that may hold the wildcards % and *, decoded."""
        found = _LIST_MAILBOX.match(self._line, self._at)
        if found:
            self._at = found.end()
            return self._decoded(found[0])
        return self._decoded(self.string())

    # Numbers, sets and dates

    def number(self) -> int:
        """0 to 2**32 - 1."""
        return self._bounded(0, MAX_NUMBER)

    def nz_number(self) -> int:
        """1 to 2**32 - 1."""
        return self._bounded(1, MAX_NUMBER)

    def number64(self, least: int = 0) -> int:
        """`least` to 2**63 - 1."""
        return self._bounded(least, MAX_NUMBER64)

    def sequence_set(self) -> SequenceSet:
        """Sequence numbers or UIDs, or `$`."""
        return parse_sequence_set(self._match(_SET, "A message set is missing")[0])

    def date(self) -> date:
        """A day such as 1-Feb-1994, quoted or not."""
        quoted = self.take(b'"')
        found = self._match(_DATE, "A date (such as 1-Feb-1994) is missing")
        if quoted:
            self.expect(b'"')
        return _day(found[3], found[2], found[1])

    def date_time(self) -> int:
        """An instant such as "17-Jul-1996 02:44:25 -0700", as Unix seconds."""
        found = self._match(_DATE_TIME, "A date and time is missing")
        day = _day(found[3], found[2], found[1])
        hour, minute, second = int(found[4]), int(found[5]), int(found[6])
        zone_hours, zone_minutes = int(found[8]), int(found[9])
        if hour > 23 or minute > 59 or second > 60 or zone_hours > 23 or zone_minutes > 59:
            raise BadSyntax("There is no such time of day.")
        offset = (zone_hours * 60 + zone_minutes) * (-60 if found[7] == b"-" else 60)
        return calendar.timegm((day.year, day.month, day.day, hour, minute, second)) - offset

    # Inside

    def _match(self, token: re.Pattern[bytes], complaint: str) -> re.Match[bytes]:
        found = token.match(self._line, self._at)
        if found is None:
            raise BadSyntax(f"{complaint} {self._place()}.")
        self._at = found.end()
        return found

    def _quoted(self) -> bytes:
        found = _PLAIN_QUOTED.match(self._line, self._at)
        if found:
            self._at = found.end()
            return found[1]
        return _ESCAPE.sub(rb"\1", self._match(_QUOTED, "A quoted string is broken")[1])

    def _plain_literal(self, complaint: str) -> bytes:
        if self._at < len(self._line) or self._next >= len(self._segments):
            raise BadSyntax(f"{complaint} {self._place()}.")
        found = self.literal()
        if found.diverted or found.binary or b"\0" in found.octets:
            raise BadSyntax(f"A binary literal cannot stand {self._place()}.")
        return found.octets

    def _decoded(self, octets: bytes) -> str:
        if octets.isascii():
            return octets.decode("ascii") if self._utf8 else modified_utf7.decode(octets)
        try:
            # Before UTF8=ACCEPT, too: nothing else than UTF-8 can be meant, and clients send it.
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            raise BadSyntax("A mailbox name is not in UTF-8.") from None

    def _bounded(self, least: int, most: int) -> int:
        digits = self._match(_NUMBER, "A number is missing")[0]
        number = int(digits) if len(digits) <= 20 else most + 1
        if not least <= number <= most:
            raise BadSyntax(f"A number is out of range {self._place()}.")
        return number

    def _place(self) -> str:
        if self._at >= len(self._line):
            return "at the end"
        shown = self._line[self._at : self._at + 20].decode("ascii", "replace")
        return "before " + "".join(c if c.isascii() and c.isprintable() else "?" for c in shown)


def _day(year: bytes, month: bytes, day: bytes) -> date:
    try:
        return date(int(year), _MONTH_NUMBERS[month.lower()], int(day))
    except (KeyError, ValueError):
        raise BadSyntax("There is no such day.") from None
