"""MIME header values: type, parameters, RFC 2231 continuations and charsets, disposition."""

from __future__ import annotations

import re
from functools import lru_cache

from pillarbox.message import charset, encoded_word
from pillarbox.message.part import Params

RawParams = tuple[tuple[bytes, bytes], ...]  # names in lower case, values unquoted, else as written

_TYPE = re.compile(
    rb"[\s]*+([^\s/;()\"<>@,:=\[\]?\\]++)[ \t\r\n]*+/[ \t\r\n]*+([^\s/;()\"<>@,:=\[\]?\\]++)"
)
_TOKEN = re.compile(rb"\s*+([^\s;()]++)")
# A value without quotes ends at a semicolon, not at white space: names of files are written so.
_PARAM = re.compile(
    rb";[ \t\r\n]*+([^\s=;\"]++)[ \t\r\n]*+=[ \t\r\n]*+"
    rb"(?:\"((?:[^\"\\]++|\\.)*)\"?|([^;]*+))",
    re.DOTALL,
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_SECTION = re.compile(rb"([^*]+)(?:\*(0|[1-9][0-9]{0,2}))?(\*)?")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_MOST_PARAMS = 100
_SHORT_TYPE = 45  # octets: a type and its charset, not a type and a boundary


def parse_content_type(raw: bytes) -> tuple[bytes, bytes, RawParams] | None:
    """Type, subtype (both in lower case) and parameters; None where there is no valid type."""
    # A few short values make up most of all mail; those with a boundary never come again.
    return _parse_short_type(raw) if len(raw) <= _SHORT_TYPE else _parse_type(raw)


@lru_cache(maxsize=512)
def _parse_short_type(raw: bytes) -> tuple[bytes, bytes, RawParams] | None:
    return _parse_type(raw)


def _parse_type(raw: bytes) -> tuple[bytes, bytes, RawParams] | None:
    match = _TYPE.match(raw)
    if match is None:
        return None
    return match.group(1).lower(), match.group(2).lower(), raw_params(raw, match.end())


def parse_disposition(raw: bytes) -> tuple[bytes, RawParams] | None:
    """Content-Disposition's word in lower case and its parameters (RFC 2183 §2)."""
    word = token(raw)
    if not word:
        return None
    return word, raw_params(raw, 0)


def token(raw: bytes) -> bytes:
    """The first word of a value in lower case; b"" for none."""
    match = _TOKEN.match(raw)
    return match.group(1).lower() if match is not None else b""


def raw_params(raw: bytes, start: int) -> RawParams:
    """The parameters behind `start`, at most 100, unquoted, not yet decoded."""
    at = raw.find(b";", start)
    if at < 0:
        return ()
    found: list[tuple[bytes, bytes]] = []
    for name, quoted, plain in _PARAM.findall(raw, at):
        if quoted:
            value = _ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted
        else:
            value = plain.strip()
            if b"(" in value:  # a comment; a name with parentheses must be quoted
                value = value[: value.find(b"(")].strip() or value
        found.append((name.lower(), value))
        if len(found) == _MOST_PARAMS:
            break
    return tuple(found)


def decode_params(params: RawParams) -> Params:
    """Values as text: RFC 2231 pieces joined, charsets and encoded words undone; first one wins."""
    decoded: dict[str, str] = {}
    extended: dict[str, str] = {}
    for raw_name, value in join_params(params):
        name = raw_name.decode("ascii", "replace")
        if name.endswith("*"):
            extended.setdefault(name[:-1], _decode_extended(value))
        elif name not in decoded:
            decoded[name] = encoded_word.decode(value)  # forbidden here, and common
    # A plain form beside an extended one is for programs that do not know RFC 2231.
    decoded |= extended
    return tuple(decoded.items())


def join_params(params: RawParams) -> RawParams:
    """The parameters with RFC 2231 §3 pieces joined: under `name*` if any of them is encoded."""
    if not any(b"*" in name for name, _ in params):
        return params
    joined: list[tuple[bytes, bytes]] = []
    pieces: dict[bytes, dict[int, tuple[bytes, bool]]] = {}
    for name, value in params:
        if b"*" not in name:
            joined.append((name, value))
            continue
        match = _SECTION.fullmatch(name)
        if match is not None:
            sections = pieces.setdefault(match.group(1), {})
            sections.setdefault(int(match.group(2) or 0), (value, match.group(3) is not None))
    for name, sections in pieces.items():
        if 0 in sections:
            joined.append(_join(name, sections))
    return tuple(joined)


def _join(name: bytes, sections: dict[int, tuple[bytes, bool]]) -> tuple[bytes, bytes]:
    """The pieces 0, 1, 2 … up to the first gap."""
    run: list[tuple[bytes, bool]] = []
    while len(run) in sections:
        run.append(sections[len(run)])
    if not any(encoded for _, encoded in run):
        return name, b"".join([value for value, _ in run])
    value = b"".join([value if encoded else _quote(value) for value, encoded in run])
    if not run[0][1]:
        value = b"''" + value
    return name + b"*", value


def _quote(value: bytes) -> bytes:
    """Percent signs and apostrophes of an unencoded piece beside encoded ones."""
    return value.replace(b"%", b"%25").replace(b"'", b"%27")


def _decode_extended(value: bytes) -> str:
    """`charset'language'text%20with%20octets` as text (RFC 2231 §4); the labels may be missing."""
    name: str | None = None
    if value.count(b"'") >= 2:
        label, _language, value = value.split(b"'", 2)
        name = label.decode("ascii", "replace")
    return charset.decode(_PERCENT.sub(_octet, value), name)


def _octet(match: re.Match[bytes]) -> bytes:
    return bytes((int(match.group(1), 16),))


def find_param(params: RawParams, name: bytes) -> bytes | None:
    """The first value of a plain parameter."""
    for other, value in params:
        if other == name:
            return value
    return None
