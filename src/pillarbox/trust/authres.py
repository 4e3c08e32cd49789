"""Authentication-Results: written, read, and found where somebody forged ours (RFC 8601)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from pillarbox.trust.folding import fold

_FIELD = re.compile(
    rb"^authentication-results[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)\n?", re.MULTILINE | re.IGNORECASE
)
# What may stand bare as a value: a token of RFC 2045 §5.1, or an address or domain.
_BARE = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+\Z")
_BARE_ADDRESS = re.compile(
    r"(?:[A-Za-z0-9!#$%&'*+/^_`{|}~.-][A-Za-z0-9!#$%&'*+/=^_`{|}~.-]*)?@[A-Za-z0-9.-]+\Z"
)
_TOKEN = re.compile(
    r'[ \t\r\n]+|(?P<comment>\()|(?P<quoted>"(?:[^"\\]|\\.)*")'
    r'|(?P<sign>[;=])|(?P<word>[^\s;=()"]+)',
    re.DOTALL,
)
_COMMENT = re.compile(r"\\.|[()]", re.DOTALL)
_NO_NAME = re.compile(r"[^a-z0-9.-]+")
_LONGER_NAME = re.compile(r"[a-z-]|\.[a-z0-9-]")  # what makes another name of one; no version
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
_LONGEST_START = 4096  # octets in which the name must stand: no comment in front is so long
# What is more was made to take long, and is taken for forged.
_MOST_FIELDS = 100
_MOST_SIGNS = 100  # parentheses and backslashes in that part of a field
_LONGEST_VALUE = 400  # characters: an address has 320 at most; a line of mail 998


class Finding(Struct, frozen=True):
    """The result of one method; properties are (ptype, property, value)."""

    method: str
    result: str
    reason: str = ""
    properties: tuple[tuple[str, str, str], ...] = ()


class AuthRes(Struct, frozen=True):
    """One field: who says it, and what."""

    authserv_id: str
    findings: tuple[Finding, ...]
    version: int = 1


class _Token(NamedTuple):
    text: str
    is_glued: bool  # nothing stands between it and the one in front


def encode(authserv_id: str, findings: Sequence[Finding]) -> bytes:
    """The whole field, each finding on a line of its own as far as it fits (RFC 8601 §2.2)."""
    lines = [f"Authentication-Results: {_value(authserv_id)};".encode()]
    texts = [_finding(finding) for finding in findings] or ["none"]
    for number, text in enumerate(texts, 1):
        line = text if number == len(texts) else text + ";"
        lines.append(fold(line.encode(), column=1))
    return b"\r\n ".join(lines) + b"\r\n"


def encode_payload(findings: Sequence[Finding]) -> str:
    """The findings alone, on one line: what an ARC seal is given."""
    return "; ".join(map(_finding, findings)) or "none"


def parse(value: bytes | str) -> AuthRes | None:
    """What stands behind the colon of a field; None: it does not keep to the grammar."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    statements = _statements(text)
    if statements is None or not statements[0]:
        return None
    head, *rest = statements
    name, *version = [token.text for token in head]
    if name == "=" or len(version) > 1 or not all(digits.isdecimal() for digits in version):
        return None
    found = [_parse_finding(tokens) for tokens in rest if tokens and not _is_none(tokens)]
    if any(finding is None for finding in found):
        return None
    kept = tuple(finding for finding in found if finding is not None)
    return AuthRes(_unquoted(name).lower(), kept, int(version[0][:9]) if version else 1)


def forged_spans(raw_header: bytes, authserv_id: str) -> tuple[tuple[int, int], ...]:
    """Where fields stand that speak in our name and are not ours (RFC 8601 §5), ascending.

    Also those whose name is not to be read, or is ours but for signs that do not belong into a
    name: a lenient reader might read it as ours.
    """
    ours = authserv_id.lower().rstrip(".")
    spans: list[tuple[int, int]] = []
    for number, match in enumerate(_FIELD.finditer(raw_header)):
        value = match[1][:_LONGEST_START].decode(errors="replace")
        is_slow = number >= _MOST_FIELDS or sum(map(value.count, "()\\")) > _MOST_SIGNS
        if is_slow or _is_ours(value, ours):
            spans.append(match.span())
    return tuple(spans)


def _is_ours(value: str, ours: str) -> bool:
    """Whether somebody may read our name in front of the results, signs and blanks or not."""
    claimed = _claimed_id(value)
    if claimed is None or _NO_NAME.sub("", claimed.lower()).rstrip(".") == ours:
        return True
    head = _NO_NAME.sub("", _without_comments(value).partition(";")[0].lower())
    return head.startswith(ours) and not _LONGER_NAME.match(head, len(ours))


def _without_comments(value: str) -> str:
    kept: list[str] = []
    depth = at = 0
    for match in _COMMENT.finditer(value):
        if match[0] == "(":
            if not depth:
                kept.append(value[at : match.start()])
            depth += 1
        elif match[0] == ")" and depth:
            depth -= 1
            at = match.end()
    return "".join(kept) + ("" if depth else value[at:])


def _claimed_id(value: str) -> str | None:
    """The first word of a field; None: there is none, or what comes first is broken."""
    at = 0
    while match := _TOKEN.match(value, at):
        if match["comment"]:
            at = _comment_end(value, match.end())
            if at < 0:
                return None
        elif match["quoted"] or match["word"]:
            return _unquoted(match[0])
        elif match["sign"]:
            return None
        else:
            at = match.end()
    return None


def _statements(text: str) -> list[list[_Token]] | None:
    """Tokens between semicolons, comments and white space left out."""
    statements: list[list[_Token]] = [[]]
    at = 0
    last_end = -1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return None
        at = match.end()
        if match["comment"]:
            at = _comment_end(text, at)
            if at < 0:
                return None
        elif match["sign"] == ";":
            statements.append([])
        elif match["sign"] or match["quoted"] or match["word"]:
            statements[-1].append(_Token(match[0], match.start() == last_end))
            last_end = at
    return statements


def _comment_end(text: str, at: int) -> int:
    """Behind the parenthesis that closes a comment, however deep it nests; -1: none does."""
    depth = 1
    for match in _COMMENT.finditer(text, at):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return -1


def _is_none(tokens: Sequence[_Token]) -> bool:
    return len(tokens) == 1 and tokens[0].text.lower() == "none"


def _parse_finding(tokens: Sequence[_Token]) -> Finding | None:
    """`method[/version]=result [reason=…] ptype.property=value …`"""
    pairs = _pairs(tokens)
    if not pairs:
        return None
    (method, result), *rest = pairs
    reason = ""
    properties: list[tuple[str, str, str]] = []
    for name, value in rest:
        ptype, dot, prop = name.lower().partition(".")
        if dot:
            properties.append((ptype, prop, value))
        elif name.lower() == "reason" and not properties and not reason:
            reason = value
        else:
            return None
    return Finding(method.lower().partition("/")[0], result.lower(), reason, tuple(properties))


def _pairs(tokens: Sequence[_Token]) -> list[tuple[str, str]] | None:
    """Names and values around the equals signs; a name may be in pieces (`header . d`)."""
    pairs: list[tuple[str, str]] = []
    name: list[str] = []
    waiting = iter([*tokens, None])
    token = next(waiting)
    while token is not None:
        if token.text != "=":
            name.append(token.text)
            token = next(waiting)
            continue
        token = next(waiting)
        if token is None or token.text == "=" or not name or '"' in "".join(name):
            return None
        value = _unquoted(token.text)
        # What touches it belongs to it: "a b"@example.org, SRS0=x=y@example.org, base64's end.
        while (token := next(waiting)) is not None and token.is_glued:
            value += token.text
        pairs.append(("".join(name), value))
        name = []
    return None if name else pairs


def _finding(finding: Finding) -> str:
    words = [f"{finding.method}={finding.result}"]
    if finding.reason:
        words.append(f"reason={_quoted(finding.reason)}")
    words += [f"{ptype}.{name}={_value(value)}" for ptype, name, value in finding.properties]
    return " ".join(words)


def _value(value: str) -> str:
    if len(value) <= _LONGEST_VALUE and (_BARE.match(value) or _BARE_ADDRESS.match(value)):
        return value
    return _quoted(value)


def _quoted(value: str) -> str:
    cleaned = _CONTROLS.sub(" ", value)[:_LONGEST_VALUE]
    return '"' + cleaned.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unquoted(token: str) -> str:
    if not token.startswith('"'):
        return token
    unfolded = token[1:-1].replace("\r\n", "").replace("\n", "")
    return re.sub(r"\\(.)", r"\1", unfolded, flags=re.DOTALL)
