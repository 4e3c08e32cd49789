"""Address lists as in From and To (RFC 5322 §3.4), groups and EAI included. Any octets."""

from __future__ import annotations

import re

import msgspec

from pillarbox.message import encoded_word

_ATOM = rb'[^()<>\[\]:;@\\,"\x00-\x20\x7f]'
_PHRASE = rb'[^()<>\[\]:;@\\,"\x00-\x1f\x7f]'  # spaces and dots too, as people write

# `Name <a@b>`, `"Name" <a@b>` and `a@b`: nearly all addresses there are.
_SIMPLE = re.compile(
    rb'[ \t]*+(?:"([^"\\]*+)"[ \t]*+|(' + _PHRASE + rb"*+))"
    rb"<(" + _ATOM + rb"++)@(" + _ATOM + rb"++)>[ \t]*+(?:,|\Z)"
)
_BARE = re.compile(rb"[ \t]*+(" + _ATOM + rb"++)@(" + _ATOM + rb"++)[ \t]*+(?:,|\Z)")
_TOKEN = re.compile(
    rb'[\x00-\x20\x7f]++|"((?:[^"\\]++|\\.)*)(?:"|\\?\Z)|(\[[^\]]*+\]?)|(' + _ATOM + rb"++)|(.)",
    re.DOTALL,
)
_PAREN = re.compile(rb"[()]|\\.", re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


class Mailbox(msgspec.Struct, frozen=True):
    """One address. All octets as written, but quoting and comments removed."""

    name: bytes  # display name, encoded words kept; else the trailing comment; b"" for none
    local: bytes
    domain: bytes  # b"" where the address has none
    route: bytes = b""  # obsolete source route, without its colon

    @property
    def display_name(self) -> str:
        """The name as text; "" for none."""
        return encoded_word.decode(self.name)

    @property
    def addr_spec(self) -> str:
        """`local@domain` as text, not quoted again."""
        spec = self.local + b"@" + self.domain if self.domain else self.local
        return spec.decode("utf-8", "replace")


class Group(msgspec.Struct, frozen=True):
    """A named list of addresses, often empty."""

    name: bytes
    members: tuple[Mailbox, ...]

    @property
    def display_name(self) -> str:
        """The name as text."""
        return encoded_word.decode(self.name)


def parse_address_list(raw: bytes) -> list[Mailbox | Group]:
    """The addresses of an unfolded field value; what is broken is read as well as it can be."""
    return _parse(raw)[0]


def is_ambiguous(raw: bytes) -> bool:
    """Whether other readers may take another address from this field value than we do.

    Two pairs of angle brackets, two addresses without a comma, a source route, an encoded word as
    an address: none is right in mail of today, and each shows one person and is another's.
    """
    found, is_doubtful = _parse(raw)
    return is_doubtful or any(b"=?" in one.local + one.domain for one in mailboxes(found))


def _parse(raw: bytes) -> tuple[list[Mailbox | Group], bool]:
    """The addresses, and whether some can be read in another way."""
    found: list[Mailbox | Group] = []
    is_doubtful = False
    at = 0
    size = len(raw)
    while at < size:
        match = _SIMPLE.match(raw, at)
        if match is not None:
            quoted, phrase, local, domain = match.groups()
            name = quoted if quoted is not None else phrase.strip()
            found.append(Mailbox(name, local, domain))
        else:
            match = _BARE.match(raw, at)
            if match is None:
                reader = _Reader(raw, at)
                found += reader.read()
                is_doubtful = reader.is_doubtful
                break
            found.append(Mailbox(b"", match.group(1), match.group(2)))
        at = match.end()
    return found, is_doubtful


def mailboxes(addresses: list[Mailbox | Group]) -> list[Mailbox]:
    """All addresses, those inside groups too."""
    flat: list[Mailbox] = []
    for address in addresses:
        if isinstance(address, Mailbox):
            flat.append(address)
        else:
            flat += address.members
    return flat


class _Reader:
    """The slow way, for comments, quoting, routes, groups and wrecks. One pass over the tokens."""

    def __init__(self, raw: bytes, at: int) -> None:
        self._raw = raw
        self._at = at
        self._found: list[Mailbox | Group] = []
        self._group: bytes | None = None
        self._members: list[Mailbox] = []
        self.is_doubtful = False
        self._clear()

    def _clear(self) -> None:
        self._words: list[bytes] = []  # outside angle brackets; b"@" only as a sign
        self._signs: list[bool] = []  # for each word: is it a special character?
        self._spaced = False
        self._comment = b""
        self._angle: list[bytes] | None = None
        self._angle_signs: list[bool] = []
        self._in_angle = False

    def read(self) -> list[Mailbox | Group]:
        raw = self._raw
        size = len(raw)
        while self._at < size:
            match = _TOKEN.match(raw, self._at)
            if match is None:  # cannot be: the last alternative takes any octet
                break
            self._at = match.end()
            quoted, literal, atom, special = match.groups()
            if special is not None:
                self._special(special)
            elif atom is not None:
                self._word(atom)
            elif quoted is not None:
                self._word(_ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted)
            elif literal is not None:
                self._word(literal)
            else:
                self._spaced = True
        self._flush()
        self._end_group()
        return self._found

    def _word(self, text: bytes, sign: bool = False) -> None:
        if sign and self._angle is not None and not self._in_angle:
            self.is_doubtful = True  # an address behind the one in brackets
        if self._in_angle and self._angle is not None:
            self._angle.append(text)
            self._angle_signs.append(sign)
        else:
            self._words.append(text)
            self._signs.append(sign)
        self._spaced = False

    def _special(self, special: bytes) -> None:
        if special == b"(":
            self._skip_comment()
        elif special == b"<":
            self.is_doubtful |= self._angle is not None
            self._in_angle = True
            self._angle = []
            self._angle_signs = []
        elif special == b">":
            self._in_angle = False
        elif special == b"@" or (special == b":" and self._in_angle):
            self._word(special, True)
        elif special == b":":
            if self._group is None:
                self.is_doubtful |= True in self._signs
                name = b" ".join(self._words)
                self._clear()
                self._group = name
        elif special == b";":
            self._flush()
            self._end_group()
        elif special == b",":
            # Inside a source route commas stand between domains: <@a,@b:user@c>.
            if self._in_angle and self._angle and self._angle[0] == b"@":
                self._word(special, True)
            else:
                self._flush()

    def _skip_comment(self) -> None:
        """Behind the closing parenthesis; nesting is counted (RFC 5322 §3.2.2)."""
        depth = 1
        start = self._at
        for match in _PAREN.finditer(self._raw, start):
            octet = match.group()
            if octet == b"(":
                depth += 1
            elif octet == b")":
                depth -= 1
                if not depth:
                    self._comment = self._raw[start : match.start()].strip()
                    self._at = match.end()
                    return
        self._comment = self._raw[start:].strip()
        self._at = len(self._raw)

    def _flush(self) -> None:
        if self._words or self._angle is not None:
            mailbox = self._mailbox()
            if mailbox is not None:
                if self._group is None:
                    self._found.append(mailbox)
                else:
                    self._members.append(mailbox)
        self._clear()

    def _end_group(self) -> None:
        if self._group is not None:
            self._found.append(Group(self._group, tuple(self._members)))
        self._group = None
        self._members = []

    def _mailbox(self) -> Mailbox | None:
        name = b""
        if self._angle is not None:
            words, signs = self._angle, self._angle_signs
            name = b" ".join(self._words)
        else:
            words, signs = self._words, self._signs
        self.is_doubtful |= signs.count(True) > 1
        route = b""
        if words and words[0] == b"@" and signs[0]:
            for i, word in enumerate(words):
                if word == b":" and signs[i]:
                    route = b"".join(words[:i])
                    words, signs = words[i + 1 :], signs[i + 1 :]
                    break
        cut = len(words)
        for i in range(len(words) - 1, -1, -1):
            if words[i] == b"@" and signs[i]:
                cut = i
                break
        domain = b"".join(words[cut + 1 :])
        locals_ = words[:cut]
        if self._angle is None and cut < len(words):
            local, name = _split_bare(locals_)
        elif self._angle is None:
            local = b" ".join(locals_)
        else:
            local = b"".join(locals_)
        if not (local or domain or name):
            return None
        return Mailbox(name or self._comment, local, domain, route)


def _split_bare(words: list[bytes]) -> tuple[bytes, bytes]:
    """`Alice alice@…` without angle brackets: the last word is the local part, dots join it."""
    start = len(words) - 1
    while start > 0 and (words[start][:1] == b"." or words[start - 1][-1:] == b"."):
        start -= 1
    start = max(start, 0)
    return b"".join(words[start:]), b" ".join(words[:start])
