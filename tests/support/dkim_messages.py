"""Messages with odd white space, folding and line ends; the same ones for the same seed."""

from __future__ import annotations

import os
import random

LONG = 20 if os.environ.get("PILLARBOX_LONG") else 1
ADDRESSES = [
    b"alice@example.org",
    b'"Alice, A." <alice@example.org>',
    b"Alice (who else)\r\n <alice@example.org>",
]
_NAMES = (
    b"To", b"Cc", b"Subject", b"SUBJECT", b"subject", b"Date", b"Message-ID", b"Reply-To",
    b"X-Odd", b"x-odd", b"MIME-Version", b"Content-Type", b"List-Unsubscribe", b"Received",
    b"In-Reply-To", b"References", b"Comments", b"Resent-From", b"Z",
)  # fmt: skip
_WORDS = (
    b"a", b"word", b"two  words", b"\ttab", b"tab\t", b"=?utf-8?q?=C3=A9?=",
    b"\xc3\xa9\xe2\x82\xac", b"\xff\xfe", b"a:b;c=d", b"DKIM-Signature: v=1", b".", b"..",
    b"From ", b"\x00", b"\x0b\x0c", b"\xa0", b"x" * 200, b"", b" ", b"  ", b"\t \t",
)  # fmt: skip
_GAPS = (b" ", b" ", b"  ", b"\t", b" \t ", b"\r\n ", b"\r\n\t", b" \r\n  ", b"\t\r\n\t ")
_AFTER_NAME = (b": ", b": ", b":", b":  ", b" : ", b"\t:\t", b":\r\n ", b": \r\n\t")
_LINE_ENDS = (b"", b"", b" ", b"  ", b"\t", b" \t")
_ENDINGS = (
    b"", b"\r\n", b"\r\n\r\n", b"\r\n \r\n", b"\r\n\t\r\n \t\r\n\r\n", b" ", b" \r\n",
    b"\t\r\n\r\n",
)  # fmt: skip


class MessageMaker:
    """An endless supply; every line ends with CRLF, at times but for the last.

    Programs that do not agree with the RFC about something are spared it: `whole_lines`: the last
    line ends, too, as after DATA; `controls=False`: no NUL, VT and FF in fields (an end and white
    space to some); `before_colon`: what may stand there of what RFC 5322 §4.5 allows.
    """

    def __init__(
        self,
        seed: int,
        *,
        whole_lines: bool = False,
        controls: bool = True,
        before_colon: bytes = b" \t",
    ) -> None:
        self._random = random.Random(seed)
        self._whole_lines = whole_lines
        self._controls = controls
        self._before_colon = before_colon

    def header(self) -> bytes:
        """From, once, among other fields; at times one is there several times."""
        fields = [self._field(self._random.choice(_NAMES)) for _ in range(self._number(9))]
        sender = b"From: " + self._random.choice(ADDRESSES) + self._random.choice(_LINE_ENDS)
        fields.insert(self._number(len(fields)), sender + b"\r\n")
        return b"".join(fields)

    def body(self) -> bytes:
        """Lines of words with odd white space, and an odd end."""
        lines = [self._line() for _ in range(self._number(8))]
        body = b"\r\n".join(lines) + self._random.choice(_ENDINGS)
        return body + b"\r\n" if self._whole_lines and not body.endswith(b"\r\n") else body

    def message(self) -> bytes:
        """A whole message; at times there is no body at all."""
        return self.header() + b"\r\n" + (self.body() if self._random.random() < 0.95 else b"")

    def _number(self, most: int) -> int:
        return self._random.randint(0, most)

    def _field(self, name: bytes) -> bytes:
        value = b""
        for number in range(self._number(5)):
            # A line of nothing but white space inside a field is for the tests of our own alone:
            # programs differ in whether the header ends there.
            word = self._random.choice(_WORDS).strip(b" \t") or b"w"
            if not self._controls:
                word = word.translate(None, b"\x00\x0b\x0c") or b"w"
            value += (self._random.choice(_GAPS) if number else b"") + word
        after = self._random.choice(_AFTER_NAME) if value else b":"
        if after[0] not in b":" + self._before_colon:
            after = after[1:]
        return name + after + value + self._random.choice(_LINE_ENDS) + b"\r\n"

    def _line(self) -> bytes:
        words = [self._random.choice(_WORDS) for _ in range(self._number(4))]
        gaps = (b" ", b"  ", b"\t", b" \t", b"")
        text = b"".join(word + self._random.choice(gaps) for word in words)
        return text + self._random.choice(_LINE_ENDS)
