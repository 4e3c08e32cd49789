"""Mail with the structure that mail has: alternatives, attachments, long headers; from a seed."""

from __future__ import annotations

import base64
import itertools
import quopri
import random
from collections.abc import Iterator

_WORD_LIST = (
    "account agenda amount answer april autumn balance board bridge budget button calendar camera "
    "change charge chapter choice circle client coffee colour column comment company contract "
    "corner country customer deadline decision delivery design detail dinner document draft engine "
    "evening factor family figure finance folder forest format friday garden history holiday "
    "invoice island journey kitchen language letter library market meeting member message minute "
    "monday morning network number office option order painting paper partner payment person "
    "picture planning platform please policy present price project proposal quarter question "
    "reason receipt report request result review river sample schedule school screen season "
    "section server service signature solution station storage street student summer support "
    "table team ticket today tomorrow traffic training travel update version village visit "
    "weather website weekend window winter working writing yesterday größer naïve déjà"
)
_WORDS = _WORD_LIST.split()

RARE_WORD = "zanzibarium"  # what searches look for: in one message of a thousand
RARE_SUBJECT = "quicksilver"


class MessageMaker:
    """An endless, repeatable stream of messages of about one size."""

    def __init__(self, size: int, seed: int = 1) -> None:
        self._rng = random.Random(seed)
        self._size = size
        self._numbers = itertools.count(1)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return self.make(next(self._numbers))

    def make(self, number: int) -> bytes:
        """One message: a third plain text, half alternatives, the rest with an attachment."""
        kind = self._rng.random()
        subject = self._subject(number)
        if kind < 0.33:
            type_, body = self._plain(self._size - 900, number)
        elif kind < 0.8:
            type_, body = self._alternative(self._size - 1000, number)
        else:
            type_, body = self._attachment(self._size - 1100, number)
        head = self._head(number, subject)
        return b"".join([head, type_, b"\r\n\r\n", body])

    def _head(self, number: int, subject: str) -> bytes:
        rng = self._rng
        person = f"{rng.choice(_WORDS[:60]).title()} {rng.choice(_WORDS[60:120]).title()}"
        sender = f"person{rng.randrange(500)}@sender{rng.randrange(50)}.example"
        day = 1 + number % 28
        when = f"{day:02} Oct 2026 {number // 60 % 24:02}:{number % 60:02}:07 +0200"
        reply = ""
        if number > 5 and rng.random() < 0.4:
            first = number - rng.randrange(1, 5)
            reply = (
                f"In-Reply-To: <m{first}@sender.example>\r\n"
                f"References: <m{first - 1}@sender.example>\r\n\t<m{first}@sender.example>\r\n"
            )
        return (
            f"Received: from mx{rng.randrange(9)}.sender.example (sender.example [192.0.2.7])\r\n"
            f"\tby relay.example.net with ESMTPS id {rng.getrandbits(64):016x}\r\n"
            f"\tfor <someone@example.org>; {when}\r\n"
            f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=sender.example; s=s1;\r\n"
            f"\th=from:to:subject:date; bh={rng.getrandbits(256):064x};\r\n"
            f"\tb={rng.getrandbits(512):0128x}\r\n"
            f"From: {person} <{sender}>\r\n"
            f"To: Someone <someone@example.org>, team@example.org\r\n"
            f"Subject: {subject}\r\n"
            f"Date: {when}\r\n"
            f"Message-ID: <m{number}@sender.example>\r\n{reply}"
            f"List-Id: <news.sender.example>\r\n"
            f"MIME-Version: 1.0\r\n"
        ).encode()

    def _subject(self, number: int) -> str:
        words = " ".join(self._rng.choices(_WORDS[:120], k=self._rng.randint(2, 7)))
        rare = f" {RARE_SUBJECT}" if number % 1000 == 77 else ""
        return f"{'Re: ' if self._rng.random() < 0.3 else ''}{words}{rare}"

    def _text(self, size: int, number: int) -> str:
        """Lines of words; every thousandth message holds the rare one."""
        lines: list[str] = [RARE_WORD] if number % 1000 == 33 else []
        length = sum(len(line) + 2 for line in lines)
        while length < size:
            line = " ".join(self._rng.choices(_WORDS, k=10))
            lines.append(line)
            length += len(line) + 2
        return "\r\n".join(lines) + "\r\n"

    def _plain(self, size: int, number: int) -> tuple[bytes, bytes]:
        text = self._text(max(size, 60), number)
        return (
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit",
            text.encode(),
        )

    def _alternative(self, size: int, number: int) -> tuple[bytes, bytes]:
        text = self._text(max(size // 3, 60), number)
        rows = "".join(f'<p style=3D"margin:0">{line}</p>\r\n' for line in text.splitlines())
        html = f'<html><body><div class=3D"x">\r\n{rows}</div></body></html>\r\n'
        encoded = quopri.encodestring(text.encode()).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        mark = b"=_%016x" % self._rng.getrandbits(64)
        body = b"".join(
            [
                b"--" + mark + b"\r\nContent-Type: text/plain; charset=utf-8\r\n",
                b"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
                encoded,
                b"\r\n--" + mark + b"\r\nContent-Type: text/html; charset=utf-8\r\n",
                b"Content-Transfer-Encoding: 8bit\r\n\r\n",
                html.encode(),
                b"\r\n--" + mark + b"--\r\n",
            ]
        )
        return b'Content-Type: multipart/alternative;\r\n\tboundary="' + mark + b'"', body

    def _attachment(self, size: int, number: int) -> tuple[bytes, bytes]:
        type_, inner = self._alternative(max(size // 3, 100), number)
        octets = self._rng.randbytes(max((size - len(inner)) * 3 // 4 - 100, 30))
        mark = b"=_%016x" % self._rng.getrandbits(64)
        body = b"".join(
            [
                b"--" + mark + b"\r\n" + type_ + b"\r\n\r\n" + inner,
                b"\r\n--" + mark + b'\r\nContent-Type: application/pdf; name="report.pdf"\r\n',
                b'Content-Disposition: attachment; filename="report.pdf"\r\n',
                b"Content-Transfer-Encoding: base64\r\n\r\n",
                base64.encodebytes(octets).replace(b"\n", b"\r\n"),
                b"\r\n--" + mark + b"--\r\n",
            ]
        )
        return b'Content-Type: multipart/mixed;\r\n\tboundary="' + mark + b'"', body
