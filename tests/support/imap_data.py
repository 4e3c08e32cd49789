"""A strict little reader of IMAP data: the octets of ENVELOPE and BODYSTRUCTURE back to lists.

It takes exactly what RFC 9051 §9 lets a server send in these items, so whatever it refuses is a
bug of ours. Strings become bytes, numbers int, NIL None.
"""

from __future__ import annotations

import re

Value = bytes | int | None | list["Value"]

_QUOTED = re.compile(rb'"((?:[^"\\\r\n\0\x80-\xff]|\\["\\])*)"')
_NUMBER = re.compile(rb"0|[1-9][0-9]*")
_LITERAL = re.compile(rb"\{(0|[1-9][0-9]*)\}\r\n")


def parse(octets: bytes) -> Value:
    """The one value that the octets hold; AssertionError for anything else."""
    stack: list[list[Value]] = [[]]
    at = 0
    after_value = False
    while at < len(octets):
        octet = octets[at : at + 1]
        if octet == b" ":
            assert after_value, f"space without a value before it at {at}"
            after_value = False
            at += 1
            assert octets[at : at + 1] not in (b"", b" ", b")"), f"space leads nowhere at {at}"
            continue
        if octet == b"(":
            assert not after_value or octets[at - 1 : at] == b")", f"no space before ( at {at}"
            assert octets[at + 1 : at + 2] != b")", f"empty list at {at}"
            stack.append([])
            at += 1
            after_value = False
            continue
        if octet == b")":
            done = stack.pop()
            stack[-1].append(done)
            at += 1
            after_value = True
            continue
        assert not after_value, f"no space before the value at {at}"
        value, at = _atom(octets, at)
        stack[-1].append(value)
        after_value = True
    assert len(stack) == 1 and len(stack[0]) == 1, "not exactly one value"
    return stack[0][0]


def _atom(octets: bytes, at: int) -> tuple[Value, int]:
    if octets.startswith(b"NIL", at):
        return None, at + 3
    if match := _QUOTED.match(octets, at):
        return re.sub(rb"\\(.)", rb"\1", match.group(1)), match.end()
    if match := _LITERAL.match(octets, at):
        end = match.end() + int(match.group(1))
        value = octets[match.end() : end]
        assert len(value) == int(match.group(1)), "literal cut off"
        assert b"\0" not in value, "NUL in a literal"
        return value, end
    match = _NUMBER.match(octets, at)
    assert match, f"no value at {at}: {octets[at : at + 20]!r}"
    return int(match.group()), match.end()
