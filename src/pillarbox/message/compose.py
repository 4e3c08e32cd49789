"""Field values as they are written into a header: folded, encoded, safe from injection."""

from __future__ import annotations

import base64
import re

_LINE = 76  # octets a line at most (RFC 5322 §2.1.1 asks for 78 with the line end)
_LONGEST_WORD = 900  # characters; a line holds 998 octets at most
_WORD_OCTETS = 39  # of UTF-8 in one encoded word: 52 digits and 12 around them (RFC 2047 §2)
_ATOM_TEXT = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_DOT_ATOM = re.compile(
    r"[^\s()<>\[\]:;@\\,\".\x00-\x1f\x7f]+(?:\.[^\s()<>\[\]:;@\\,\".\x00-\x1f\x7f]+)*"
)
_TOKEN = re.compile(r"[A-Za-z0-9!#$&+.^_`{|}~-]+")
_BREAKS = re.compile(r"[\r\n\0]+")


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
