"""The text of parts, decoded and cut: EmailBodyValue (RFC 8621 §4.1.4, §4.2)."""

from __future__ import annotations

import asyncio
from typing import Any

from pillarbox.jmap.email.octets import KNOWN_ENCODINGS, Source
from pillarbox.jmap.email.parts import BodyPart
from pillarbox.message import charset, transfer

Json = Any

# Octets of a part that may be needed for one of its value: four for a character (UTF-32), each
# written as three (quoted-printable), with line breaks.
_RAW_FOR_ONE = 13
_RAW_AT_LEAST = 64 * 1024
_HERE = 512 * 1024  # octets that are decoded on the loop's own thread (a millisecond or two)
_TAG_STARTS = "/!?abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


async def body_value(source: Source, part: BodyPart, most: int) -> Json:
    """`most`: octets of the value as UTF-8; 0: all."""
    size = part.part.body_end - part.part.body_start
    limit = None if not most else max(_RAW_AT_LEAST, _RAW_FOR_ONE * most)
    raw = await source.raw(part.part, limit)
    is_whole = len(raw) == size
    if len(raw) <= _HERE:
        return _value(raw, part, most, is_whole=is_whole)
    return await asyncio.to_thread(_value, raw, part, most, is_whole=is_whole)


def _value(raw: bytes, part: BodyPart, most: int, *, is_whole: bool) -> Json:
    decoder = transfer.Decoder(part.part.encoding)
    octets = decoder.feed(raw, last=is_whole)
    text, is_problem = decode(octets, part.charset, is_whole=is_whole)
    value = text.replace("\r\n", "\n")
    if "\r\n" in value:  # of several CR before one LF; an answer has no CRLF (RFC 8621 §4.1.4)
        *lines, last = value.split("\n")
        value = "\n".join([*(line.rstrip("\r") for line in lines), last])
    if most:
        value, is_cut = cut(value, most, is_html=part.part.subtype == "html")
        is_whole = is_whole and not is_cut
    return {
        "value": value,
        "isEncodingProblem": is_problem or part.part.encoding not in KNOWN_ENCODINGS,
        "isTruncated": not is_whole,
    }


def decode(octets: bytes, name: str | None, *, is_whole: bool = True) -> tuple[str, bool]:
    """The text, and whether octets did not fit the charset or nobody knows the charset.

    Not `is_whole`: a character may be cut off at the end, which is nobody's fault.
    """
    codec = charset.find_codec(name) if name else "ascii"
    text = charset.decode(octets, name, thorough=True)
    if not is_whole:
        text = text.rstrip("\ufffd")
    if codec is None:
        return text, True
    try:
        octets.decode(codec)
    except UnicodeDecodeError as error:
        return text, is_whole or error.end < len(octets)
    except (UnicodeError, ValueError):
        return text, True
    return text, False


def cut(value: str, most: int, *, is_html: bool) -> tuple[str, bool]:
    """At most so many octets of UTF-8, no character and no tag cut in two; whether it was cut."""
    if len(value) * 4 <= most:
        return value, False
    octets = value.encode("utf-8", "replace")
    if len(octets) <= most:
        return value, False
    shorter = octets[:most].decode("utf-8", "ignore")
    if is_html:
        start = shorter.rfind("<")
        follows = value[start + 1 : start + 2]
        if start >= 0 and ">" not in shorter[start:] and follows and follows in _TAG_STARTS:
            shorter = shorter[:start]
    return shorter, True
