"""SPF macros: strings like `%{ir}.%{v}._spf.%{d2}` (RFC 7208 §7). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from msgspec import Struct

from pillarbox.trust.spf.errors import BadSpfRecord

MAX_NAME = 253  # characters of a name for the DNS

_TOKEN = re.compile(
    r"%\{([slodipvhcrt])([0-9]*)(r?)([.\-+,/_=]*)\}|%([%_-])|([!-$&-~]+)|( +)", re.IGNORECASE
)
_LITERALS = {"%": "%", "_": " ", "-": "%20"}
_ONLY_IN_EXPLANATIONS = frozenset("crt")
_UNRESERVED = "-._~"  # beside letters and digits (RFC 3986 §2.3)
_ALL_PARTS = 128  # a name has 127 labels at most


class Expansion(Struct, frozen=True):
    """One `%{…}`."""

    letter: str
    parts: int  # from the right, after the reversal
    is_reversed: bool
    delimiters: str
    is_escaped: bool  # an upper case letter

    def apply(self, value: str) -> str:
        """The value, split and joined again as the transformers say."""
        if self.is_reversed or self.parts < _ALL_PARTS or self.delimiters != ".":
            pieces = re.split(f"[{re.escape(self.delimiters)}]", value)
            if self.is_reversed:
                pieces.reverse()
            value = ".".join(pieces[-self.parts :])
        return quote(value, safe=_UNRESERVED) if self.is_escaped else value


class MacroString(Struct, frozen=True):
    """A string with its macros found."""

    text: str  # as written
    pieces: tuple[str | Expansion, ...]
    letters: frozenset[str]  # of its macros, lower case

    def expand(self, value_of: Callable[[str], str]) -> str:
        """The string with each macro's value in its place."""
        return "".join(
            piece if isinstance(piece, str) else piece.apply(value_of(piece.letter))
            for piece in self.pieces
        )


def parse_macro_string(text: str) -> MacroString:
    """A term's macro-string. Raises BadSpfRecord."""
    return _parse(text, is_explanation=False)


def parse_explanation(text: str) -> MacroString:
    """The text that exp= leads to: spaces and three more macros are allowed there."""
    return _parse(text, is_explanation=True)


def parse_domain_spec(text: str) -> MacroString:
    """A macro-string that ends like a domain: in a macro or a top label (RFC 7208 §7.1)."""
    parsed = _parse(text, is_explanation=False)
    # The escapes are macro-expand too, and may end a domain-spec.
    if not text or (not text.endswith(("}", "%%", "%_", "%-")) and not _has_top_label(parsed)):
        raise BadSpfRecord(f"{text!r} does not end like a domain")
    return parsed


def fit_name(name: str) -> str:
    """A name for the DNS: without a final dot, labels cut from the left until it fits (§7.3)."""
    name = name.removesuffix(".")
    while len(name) > MAX_NAME:
        dot = name.find(".", len(name) - MAX_NAME - 1)
        if dot < 0:
            return ""
        name = name[dot + 1 :]
    return name


def _parse(text: str, *, is_explanation: bool) -> MacroString:
    pieces: list[str | Expansion] = []
    letters: set[str] = set()
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or (match[7] and not is_explanation):
            raise BadSpfRecord(f"{text[at : at + 20]!r} is not understood")
        at = match.end()
        if match[1] is None:
            pieces.append(_LITERALS[match[5]] if match[5] else match.group())
            continue
        letter = match[1].lower()
        if letter in _ONLY_IN_EXPLANATIONS and not is_explanation:
            raise BadSpfRecord(f"%{{{letter}}} is for explanations only")
        letters.add(letter)
        pieces.append(
            Expansion(letter, _parts(match[2]), bool(match[3]), match[4] or ".", match[1].isupper())
        )
    return MacroString(text, tuple(pieces), frozenset(letters))


def _parts(digits: str) -> int:
    if not digits:
        return _ALL_PARTS
    significant = digits.lstrip("0")
    if not significant:
        raise BadSpfRecord("a macro keeps 0 parts of its value")
    return int(significant) if len(significant) <= 2 else _ALL_PARTS


def _has_top_label(parsed: MacroString) -> bool:
    """Whether the literal end is a dot and a label that is not all digits."""
    last = parsed.pieces[-1]
    if not isinstance(last, str):
        return False
    _, dot, label = last.removesuffix(".").rpartition(".")
    if not dot or not label or label.isdigit():
        return False
    return label.replace("-", "a").isalnum() and label[0] != "-" != label[-1]
