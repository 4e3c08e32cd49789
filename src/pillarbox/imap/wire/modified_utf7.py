"""Mailbox names in seven bits (RFC 3501 §5.1.3): `&` shifts into base64 of UTF-16, `-` back.

`/` is written `,` inside the base64, and `&` itself is `&-`.
"""

from __future__ import annotations

import binascii
import re

from pillarbox.imap.wire.errors import BadSyntax

_SHIFT = re.compile(r"&([^-]*)(-?)")
_UNPRINTABLE_RUN = re.compile(r"[^\x20-\x7e]+")


def encode(name: str) -> bytes:
    """The seven-bit form of any mailbox name; lone surrogates become U+FFFD."""
    escaped = name.replace("&", "&-")
    if escaped.isascii() and escaped.isprintable():
        return escaped.encode("ascii")
    return _UNPRINTABLE_RUN.sub(_shifted, escaped).encode("ascii")


def decode(octets: bytes) -> str:
    """The name that was meant; raises BadSyntax where the shifts are broken."""
    try:
        text = octets.decode("ascii")
    except UnicodeDecodeError:
        raise BadSyntax("A mailbox name may hold only ASCII here.") from None
    return _SHIFT.sub(_unshifted, text) if "&" in text else text


def _shifted(run: re.Match[str]) -> str:
    units = run[0].encode("utf-16-be", "surrogatepass")
    text = units.decode("utf-16-be", "replace").encode("utf-16-be")
    base64 = binascii.b2a_base64(text, newline=False).rstrip(b"=").replace(b"/", b",")
    return f"&{base64.decode('ascii')}-"


def _unshifted(shift: re.Match[str]) -> str:
    base64, end = shift[1], shift[2]
    if not end:
        raise BadSyntax('An "&" in a mailbox name has no "-" behind it; a plain "&" is "&-".')
    if not base64:
        return "&"
    padded = base64.replace(",", "/") + "=" * (-len(base64) % 4)
    try:
        if "/" in base64:
            raise ValueError
        return binascii.a2b_base64(padded.encode("ascii"), strict_mode=True).decode("utf-16-be")
    except ValueError:
        raise BadSyntax("A mailbox name is not in modified UTF-7.") from None
