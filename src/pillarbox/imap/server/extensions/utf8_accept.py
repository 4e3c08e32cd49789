"""UTF8=ACCEPT: UTF-8 in names and messages (RFC 6855, RFC 9755). What it changes in strings is in
the wire's encoder, under `ctx.utf8`.
"""

from __future__ import annotations

from pillarbox.imap.server.command import Extension
from pillarbox.imap.wire.framing import Literal
from pillarbox.imap.wire.reader import Reader


def _parse_utf8(reader: Reader) -> Literal:
    """APPEND's `UTF8 (~{size}…)` (RFC 6855 §4)."""
    reader.space()
    reader.expect(b"(")
    literal = reader.literal()
    reader.expect(b")")
    return literal


EXTENSION = Extension(
    rfc=6855,
    capabilities=("UTF8=ACCEPT",),
    enable=("UTF8=ACCEPT",),
    append_items={"UTF8": _parse_utf8},
)
