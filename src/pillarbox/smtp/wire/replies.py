"""Replies (RFC 5321 §4.2) with enhanced status codes (RFC 2034, RFC 3463). Sans-IO."""

from __future__ import annotations

import msgspec

MAX_TEXT = 480  # octets of text in a line: RFC 5321 §4.5.3.1.5 allows 512 with code and CR LF


class Reply(msgspec.Struct, frozen=True):
    """One reply. The class digit of the enhanced code is the code's own (RFC 2034 §4)."""

    code: int  # 451
    detail: str  # "3.0"; "" for greeting, EHLO, 334, 354 and the like, which carry none
    text: str  # for the person at the other end; several lines are separated by "\n"

    @property
    def is_positive(self) -> bool:
        return self.code < 400

    def encode(self) -> bytes:
        """The octets; each line of a long text has the codes (RFC 2034 §4)."""
        status = f"{self.code // 100}.{self.detail} " if self.detail else ""
        if "\n" not in self.text:
            return f"{self.code} {status}{self.text[:MAX_TEXT]}\r\n".encode()
        lines = self.text.split("\n")
        last = len(lines) - 1
        return "".join(
            f"{self.code}{' ' if number == last else '-'}{status}{line[:MAX_TEXT]}\r\n"
            for number, line in enumerate(lines)
        ).encode()
