"""The automaton that `smtp.wire.data` must equal: slow and obvious (RFC 5321 §4.5.2)."""

from __future__ import annotations

from enum import Enum, auto

# Ends of data that some server or other takes for one (CVE-2023-51764 to -51766 and kin).
SMUGGLED_ENDS = [
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n", b"\r\n.\r", b"\r.\r", b"\n.\r", b"\r.\n",
    b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\n.\r\r\n", b"\r\r\n.\r\r\n", b"\n\r\n.\n\r\n",
    b"\r\n. \r\n",
]  # fmt: skip


class _At(Enum):
    LINE_START = auto()
    DOT = auto()  # "." first on the line: stuffing, or the end
    DOT_CR = auto()  # ".", CR: the end if LF follows
    CR = auto()
    TEXT = auto()
    END = auto()


class SlowDecoder:
    """Message octets are right until a bare newline was met; the end is found in any case."""

    def __init__(self) -> None:
        self._at = _At.LINE_START
        self.bare_newline = False

    @property
    def done(self) -> bool:
        return self._at is _At.END

    def feed(self, chunk: bytes) -> tuple[bytes, bytes]:
        message = bytearray()
        for position, octet in enumerate(chunk):
            if self.done:
                return bytes(message), chunk[position:]
            self._step(octet, message)
        return bytes(message), b""

    def _step(self, octet: int, message: bytearray) -> None:
        match self._at, octet:
            case _At.DOT_CR, 0x0A:
                self._at = _At.END
            case _At.CR, 0x0A:
                message += b"\r\n"
                self._at = _At.LINE_START
            case ((_At.CR | _At.DOT_CR), _):
                self.bare_newline = True  # that CR was alone; now for this octet
                self._at = _At.TEXT
                self._step(octet, message)
            case _, 0x0A:
                self.bare_newline = True
                self._at = _At.TEXT
            case _At.DOT, 0x0D:
                self._at = _At.DOT_CR
            case _, 0x0D:
                self._at = _At.CR
            case _At.LINE_START, 0x2E:
                self._at = _At.DOT
            case _:  # after DOT, too: the stuffed dot is dropped
                message.append(octet)
                self._at = _At.TEXT
