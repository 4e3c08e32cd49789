"""POP3 commands as values (RFC 1939, 2449, 2595, 5034, 6856). Sans-IO."""

from __future__ import annotations

from dataclasses import dataclass

from pillarbox.net.secret import Secret

MAX_DIGITS = 10  # of a message number, which has 32 bits at most: grammar, no setting


class BadSyntax(Exception):
    """Not a command of POP3, or not with these arguments."""


@dataclass(frozen=True, slots=True)
class User:
    name: str


@dataclass(frozen=True, slots=True)
class Pass:
    """RFC 1939 §7: the password is the rest of the line, spaces included."""

    password: Secret


@dataclass(frozen=True, slots=True)
class Auth:
    """RFC 5034 §4. No mechanism: which are there? (RFC 1734's clients ask so.)"""

    mechanism: str
    initial: Secret | None = None  # as written


@dataclass(frozen=True, slots=True)
class Numbered:
    """A command about one message: RETR, DELE."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Listing:
    """LIST or UIDL: of one message, or of all."""

    name: str
    number: int | None


@dataclass(frozen=True, slots=True)
class Top:
    number: int
    lines: int


@dataclass(frozen=True, slots=True)
class Lang:
    """RFC 6856 §3; None asks which there are."""

    range: str | None


@dataclass(frozen=True, slots=True)
class Simple:
    """A command without arguments: STAT, NOOP, RSET, QUIT, CAPA, STLS, UTF8."""

    name: str


@dataclass(frozen=True, slots=True)
class Apop:
    """Understood and never offered: it needs a password that is stored readable."""


Request = User | Pass | Auth | Numbered | Listing | Top | Lang | Simple | Apop

_SIMPLE = frozenset({"STAT", "NOOP", "RSET", "QUIT", "CAPA", "STLS", "UTF8"})
_NUMBERED = frozenset({"RETR", "DELE"})
_LISTING = frozenset({"LIST", "UIDL"})
COMMANDS = _SIMPLE | _NUMBERED | _LISTING | {"USER", "PASS", "APOP", "AUTH", "TOP", "LANG"}


def parse_request(line: bytes) -> Request:
    """A line without its end. Raises BadSyntax."""
    keyword, _, rest = line.partition(b" ")
    name = keyword.decode("ascii", "replace").upper()
    if name in _SIMPLE:
        if rest.strip():
            raise BadSyntax
        return Simple(name)
    if name == "PASS":
        return Pass(Secret(rest))
    if name == "USER":
        return User(_text(rest.strip()))
    args = rest.split()
    if name in _NUMBERED and len(args) == 1:
        return Numbered(name, _number(args[0]))
    if name in _LISTING and len(args) <= 1:
        return Listing(name, _number(args[0]) if args else None)
    if name == "TOP" and len(args) == 2:
        return Top(_number(args[0]), _count(args[1]))
    if name == "LANG" and len(args) <= 1:
        return Lang(_text(args[0]) if args else None)
    if name == "AUTH" and len(args) <= 2:
        return _auth(args)
    if name == "APOP" and len(args) == 2:
        return Apop()
    raise BadSyntax


def command_name(line: bytes) -> str:
    """For metrics and logs: a name that we know, or "?"."""
    name = line.partition(b" ")[0].decode("ascii", "replace").upper()
    return name if name in COMMANDS else "?"


def _auth(args: list[bytes]) -> Auth:
    mechanism = _text(args[0]).upper() if args else ""
    return Auth(mechanism, Secret(args[1]) if len(args) == 2 else None)


def _text(octets: bytes) -> str:
    """RFC 6856 §2.2: names may be UTF-8, anything else is refused."""
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        raise BadSyntax from error
    if not text or "\0" in text:
        raise BadSyntax
    return text


def _number(octets: bytes) -> int:
    """A message number in this session, from 1."""
    number = _count(octets)
    if number < 1:
        raise BadSyntax
    return number


def _count(octets: bytes) -> int:
    if not octets.isdigit() or len(octets) > MAX_DIGITS:
        raise BadSyntax
    return int(octets)
