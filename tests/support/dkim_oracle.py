"""The canonical forms of RFC 6376 §3.4, an octet or a line at a time: slow and plain to see."""

from __future__ import annotations


def lines_of(octets: bytes) -> list[bytes]:
    """Lines without their ends; what stands behind the last end is a line if it is not empty."""
    lines: list[bytes] = []
    line = bytearray()
    for octet in octets:
        if octet != 10:
            line.append(octet)
            continue
        if line and line[-1] == 13:
            del line[-1]
        lines.append(bytes(line))
        line.clear()
    if line:
        lines.append(bytes(line))
    return lines


def reduce_white_space(line: bytes) -> bytes:
    """Runs of SP and HTAB to one SP."""
    reduced = bytearray()
    for octet in line:
        if octet not in b" \t":
            reduced.append(octet)
        elif not reduced or reduced[-1] != 32:
            reduced.append(32)
    return bytes(reduced)


def body(octets: bytes, canon: str) -> bytes:
    """RFC 6376 §3.4.3 and §3.4.4."""
    lines = lines_of(octets)
    if canon == "relaxed":
        lines = [reduce_white_space(line) for line in lines]
        lines = [line[:-1] if line.endswith(b" ") else line for line in lines]
    while lines and lines[-1] == b"":
        lines.pop()
    if not lines:
        return b"" if canon == "relaxed" else b"\r\n"
    return b"".join(line + b"\r\n" for line in lines)


def field(raw: bytes, canon: str) -> bytes:
    """RFC 6376 §3.4.1 and §3.4.2; `raw` is one field."""
    lines = lines_of(raw)
    if canon == "simple":
        return b"".join(line + b"\r\n" for line in lines)
    name, _, value = b"".join(lines).partition(b":")
    value = reduce_white_space(value)
    value = value.removeprefix(b" ").removesuffix(b" ")
    return name.rstrip(b" \t").lower() + b":" + value + b"\r\n"
