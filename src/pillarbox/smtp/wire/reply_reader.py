"""Replies of another server, cut from octets and kept as they came (RFC 5321 §4.2). Sans-IO."""

from __future__ import annotations

import re

import msgspec

from pillarbox.net.outgoing.frames import BadFrame
from pillarbox.net.outgoing.printable import printable

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245])\.[0-9]{1,3}\.[0-9]{1,3}(?=\s|$)")


class BadReply(BadFrame):
    """What came is no SMTP reply, or more of one than is kept."""

    sentence = "The other server's answer is no SMTP reply."


class PeerReply(msgspec.Struct, frozen=True):
    """One reply as it came; the texts are made printable and nothing else."""

    code: int  # 451
    enhanced: str  # "4.7.1"; "" where there is none that fits the code (RFC 2034 §4)
    lines: tuple[str, ...]  # the texts behind the code, enhanced status included

    @property
    def is_positive(self) -> bool:
        """Done as asked (2yz)."""
        return self.code < 300

    @property
    def is_temporary(self) -> bool:
        """Not now (4yz)."""
        return 400 <= self.code < 500

    @property
    def is_permanent(self) -> bool:
        """Not ever (5yz)."""
        return self.code >= 500

    @property
    def status(self) -> str:
        """The enhanced status; the least that the code says where the peer gave none."""
        return self.enhanced or f"{self.code // 100}.0.0"

    @property
    def verbatim(self) -> str:
        """All lines with their codes, joined by LF."""
        last = len(self.lines) - 1
        return "\n".join(
            f"{self.code}{' ' if number == last else '-'}{line}"
            for number, line in enumerate(self.lines)
        ).rstrip(" ")

    @property
    def one_line(self) -> str:
        """The code, then all texts in a row: for a log line or a Diagnostic-Code field."""
        return f"{self.code} {' '.join(self.lines)}".rstrip()


class ReplyReader:
    """Octets in, replies out; any chunking gives the same replies."""

    def __init__(self, *, max_line_octets: int, max_reply_octets: int) -> None:
        self._max_line = max_line_octets
        self._max_reply = max_reply_octets
        self._buffer = b""
        self._at = 0
        self._code = b""  # of a reply of several lines that is not whole
        self._texts: list[str] = []
        self._octets = 0

    def __len__(self) -> int:
        """Octets that wait to be read, those of an unfinished reply included."""
        return len(self._buffer) - self._at + self._octets

    def feed(self, octets: bytes) -> None:
        """Take octets from the peer."""
        self._buffer = self._buffer[self._at :] + octets if self._at < len(self._buffer) else octets
        self._at = 0

    def next_frame(self) -> PeerReply | None:
        """The next reply; None: it has not arrived whole. Raises BadReply."""
        while True:
            start = self._at
            newline = self._buffer.find(b"\n", start)
            if newline < 0:
                if len(self._buffer) - start > self._max_line:
                    raise BadReply("A line of the other server's answer is too long.")
                return None
            if newline + 1 - start > self._max_line:
                raise BadReply("A line of the other server's answer is too long.")
            self._at = newline + 1
            reply = self._take_line(self._buffer[start:newline].removesuffix(b"\r"))
            if reply is not None:
                return reply

    def _take_line(self, line: bytes) -> PeerReply | None:
        found = _LINE.fullmatch(line)
        if found is None:
            raise BadReply
        code, mark, text = found.groups()
        if self._texts and code != self._code:
            raise BadReply("The lines of the other server's answer have different codes.")
        self._octets += len(line) + 2
        if self._octets > self._max_reply:
            raise BadReply("The other server's answer is too long.")
        self._code = code
        self._texts.append(printable(text or b""))
        if mark == b"-":
            return None
        texts, self._texts, self._octets = tuple(self._texts), [], 0
        return PeerReply(int(code), _enhanced(code, texts[0]), texts)


def _enhanced(code: bytes, text: str) -> str:
    found = _ENHANCED.match(text)
    return found[0] if found is not None and ord(found[1]) == code[0] else ""
