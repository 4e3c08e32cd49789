"""Field values as they are written into a header: folded, encoded, safe from injection."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

_LINE = 76  # octets a line at most (RFC 5322 §2.1.1 asks for 78 with the line end)
_LONGEST_WORD = 900  # characters; a line holds 998 octets at most
_WORD_OCTETS = 39  # of UTF-8 in one encoded word: 52 digits and 12 around them (RFC 2047 §2)
_ATOM_TEXT = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_DOT_ATOM = re.compile(
    r"[^\s()<>\[\]:;@\\,\".\x00-\x1f\x7f]+(?:\.[^\s()<>\[\]:;@\\,\".\x00-\x1f\x7f]+)*"
)
_TOKEN = re.compile(r"[A-Za-z0-9!#$&+.^_`{|}~-]+")
_BREAKS = re.compile(r"[\r\n\0]+")
_PLAIN_TEXT = re.compile(r"(?:[!-~](?:[ -~]*[!-~])?)?")
_DOMAIN_LITERAL = re.compile(r"\[[^\[\]\\\s]*\]")
_QUOTED_LOCAL = re.compile(r'"(?:[^"\\\r\n]|\\[^\r\n])*"')
_PARAM_PIECE = 45  # octets of a value in one piece of a parameter (RFC 2231 §3)


def fold_field(name: str, value: str, *, utf8: bool) -> bytes:
    """One field with its line end. Without `utf8` other than ASCII becomes encoded words."""
    value = _BREAKS.sub(" ", value).strip()
    words = value.split(" ")
    if not utf8 and (not value.isascii() or max(map(len, words)) > _LONGEST_WORD):
        words = encode_words(value).split(" ")
    lines: list[str] = []
    line = f"{name}: {words[0]}"
    for word in words[1:]:
        # Only break before a word: a line of white space alone would end the header.
        if word and len(line) + 1 + len(word) > _LINE:
            lines.append(line)
            line = ""
        line += " " + word
    lines.append(line)
    return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n"


def encode_words(text: str) -> str:
    """Text as encoded words in UTF-8 and base64, cut between characters (RFC 2047 §5)."""
    words: list[str] = []
    run = b""
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(run) + len(octets) > _WORD_OCTETS:
            words.append(_encoded(run))
            run = b""
        run += octets
    words.append(_encoded(run))
    return " ".join(words)


def _encoded(octets: bytes) -> str:
    return f"=?utf-8?B?{base64.b64encode(octets).decode()}?="


def format_address(name: str, addr_spec: str, *, utf8: bool) -> str:
    """`Name <local@domain>`, quoted or encoded where needed (RFC 5322 §3.4, RFC 6532 §3.2)."""
    name = _BREAKS.sub(" ", name).strip()
    local, _, domain = _BREAKS.sub("", addr_spec).rpartition("@")
    if not _DOT_ATOM.fullmatch(local):
        local = quote(local)
    spec = f"{local}@{domain}"
    if not name:
        return spec
    if not utf8 and not name.isascii():
        return f"{encode_words(name)} <{spec}>"
    if not name.isascii() or not _ATOM_TEXT.fullmatch(name) or "=?" in name:
        name = quote(name)
    return f"{name} <{spec}>"


def quote(text: str) -> str:
    """A quoted string (RFC 5322 §3.2.4)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def format_param(name: str, value: str) -> str:
    """`; name=value` of a MIME field; RFC 2231 where the value is not ASCII."""
    value = _BREAKS.sub(" ", value)
    if not value.isascii():
        octets = value.encode("utf-8", "replace")
        text = "".join(
            chr(o) if chr(o).isascii() and chr(o).isalnum() else f"%{o:02X}" for o in octets
        )
        return f"; {name}*=utf-8''{text}"
    return f"; {name}={value}" if _TOKEN.fullmatch(value) else f"; {name}={quote(value)}"


def fold_words(name: str, words: Sequence[str]) -> bytes:
    """One field of words that are encoded already; a line ends between two of them only."""
    lines: list[str] = []
    line = f"{name}:"
    for word in words:
        # Only before a word: a line of white space alone would end the header.
        if word and len(line) + 1 + len(word) > _LINE:
            lines.append(line)
            line = ""
        line += " " + word
    lines.append(line)
    return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n"


def encode_text(text: str) -> str:
    """Any text for an unstructured field: as it is, or as encoded words (RFC 2047 §5)."""
    plain = _PLAIN_TEXT.fullmatch(text) and "=?" not in text
    return text if plain and _longest_word(text) <= _LONGEST_WORD else encode_words(text)


def encode_phrase(name: str) -> str:
    """A display name: atoms, a quoted string, or encoded words (RFC 5322 §3.2.5)."""
    name = name.strip()
    if not _PLAIN_TEXT.fullmatch(name) or "=?" in name or _longest_word(name) > _LINE:
        return encode_words(name)
    return name if _ATOM_TEXT.fullmatch(name) and "  " not in name else quote(name)


def encode_mailbox(name: str, address: str) -> str:
    """One entry of an address list; of a half-written address nothing can leave its place."""
    spec = _encode_spec(address)
    if not name.strip():
        return spec or "<>"
    return f"{encode_phrase(name)} <{spec}>"


def encode_group(name: str, members: Sequence[str]) -> str:
    """A named list of entries that are encoded already (RFC 5322 §3.4)."""
    return f"{encode_phrase(name)}: {', '.join(members)};"


def _encode_spec(address: str) -> str:
    local, at, domain = address.strip().rpartition("@")
    if at and (_DOT_ATOM.fullmatch(domain) or _DOMAIN_LITERAL.fullmatch(domain)):
        if "=?" in local or not (_DOT_ATOM.fullmatch(local) or _QUOTED_LOCAL.fullmatch(local)):
            local = quote(local)
        return f"{local}@{domain}"
    whole = address.strip()
    return whole if not whole or _DOT_ATOM.fullmatch(whole) else quote(whole)


def _longest_word(text: str) -> int:
    return max(map(len, text.split(" ")))


def encode_param(name: str, value: str) -> list[str]:
    """`name=value` of a MIME field, in as many pieces as its length needs (RFC 2231 §3, §4)."""
    # Not every program takes quoted quotes and backslashes apart rightly.
    plain = _PLAIN_TEXT.fullmatch(value) and not any(bad in value for bad in ("=?", '"', "\\"))
    if plain and len(value) <= _PARAM_PIECE:
        return [f"{name}={value}" if _TOKEN.fullmatch(value) else f"{name}={quote(value)}"]
    octets = value.encode("utf-8", "replace")
    runs = _cut(value) if len(octets) > _PARAM_PIECE // 3 else [octets]
    texts = ["".join(map(_percent, run)) for run in runs]
    texts[0] = "utf-8''" + texts[0]
    if len(texts) == 1:
        return [f"{name}*={texts[0]}"]
    return [f"{name}*{number}*={text}" for number, text in enumerate(texts)]


def _cut(value: str) -> list[bytes]:
    """UTF-8 in runs that stay short with each octet as three, cut between characters."""
    runs: list[bytes] = []
    run = b""
    for character in value:
        octets = character.encode("utf-8", "replace")
        if len(run) + len(octets) > _PARAM_PIECE // 3:
            runs.append(run)
            run = b""
        run += octets
    return [*runs, run]


def _percent(octet: int) -> str:
    character = chr(octet)
    return character if character.isascii() and character.isalnum() else f"%{octet:02X}"
