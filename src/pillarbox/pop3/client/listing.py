"""Lines of long answers that are lists: sizes, names (RFC 1939 §5, §7). Sans-IO."""

from __future__ import annotations

import re

from pillarbox.pop3.client.responses import BadResponse

_NUMBERED = re.compile(rb"[ \t]*([0-9]{1,10})(?:[ \t]+(.*))?", re.DOTALL)


class ListLines:
    """Pieces of an answer in, its lines out, each bounded."""

    def __init__(self, max_line_octets: int) -> None:
        self._max = max_line_octets
        self._rest = b""

    def feed(self, octets: bytes) -> list[bytes]:
        """The lines that are whole now, without their ends. Raises BadResponse."""
        *lines, self._rest = (self._rest + octets).split(b"\n")
        if len(self._rest) > self._max or any(len(line) > self._max for line in lines):
            raise BadResponse("A line of the other server's answer is too long.")
        return [line.removesuffix(b"\r") for line in lines]


def parse_numbered(line: bytes) -> tuple[int, bytes] | None:
    """A message's number and what stands behind it; None for a line of another kind."""
    found = _NUMBERED.fullmatch(line)
    if found is None or not (number := int(found[1])):
        return None
    return number, (found[2] or b"").strip()
