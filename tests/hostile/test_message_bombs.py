"""Messages made to hurt who reads them: delivered or refused at once, and read like any other."""

from __future__ import annotations

import time

import pytest

from pillarbox.testing import RunningServer
from support.hostile_bounds import BYSTANDER, PASSWORD, PROMPT
from support.raw_peer import bystander, deliver, imap_peer, pop3_peer, watched

READ = [
    b"FETCH 1 (BODYSTRUCTURE)", b"FETCH 1 (BODY)", b"FETCH 1 (ENVELOPE RFC822.SIZE INTERNALDATE)",
    b"FETCH 1 (BODY.PEEK[HEADER])", b"FETCH 1 (BODY.PEEK[1])", b"FETCH 1 (BODY.PEEK[1.MIME])",
    b"FETCH 1 (BODY.PEEK[1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1])", b"FETCH 1 (BINARY.PEEK[1])",
    b"FETCH 1 (BODY.PEEK[" + b"1." * 9_999 + b"1])",
    b"FETCH 1 (BODY.PEEK[HEADER.FIELDS (To Subject)])",
    b"FETCH 1 (BODY.PEEK[HEADER.FIELDS.NOT (To)])", b"FETCH 1 (PREVIEW)", b"FETCH 1 (BODY.PEEK[])",
    b"SEARCH SUBJECT x", b"SEARCH TEXT x", b"SEARCH HEADER References x", b"SEARCH TO x",
    b"SORT (SUBJECT TO FROM CC) UTF-8 ALL", b"THREAD REFERENCES UTF-8 ALL",
    b"THREAD ORDEREDSUBJECT UTF-8 ALL", b"STORE 1 +FLAGS (\\Seen)", b"COPY 1 Archive",
]  # fmt: skip


def multiparts(levels: int) -> bytes:
    """A part in a part in a part."""
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(levels)
    )
    return b"Subject: nested\r\nMIME-Version: 1.0\r\n" + opened + b"\r\nthe heart\r\n"


def messages(levels: int) -> bytes:
    """A message in a message in a message."""
    return b"Subject: x\r\nContent-Type: message/rfc822\r\n\r\n" * levels + b"\r\nthe heart\r\n"


def parts(count: int) -> bytes:
    """Very many parts, side by side."""
    head = b'Subject: wide\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    return head + b"--b\r\n\r\n\r\n" * count + b"--b--\r\n"


def fields(*lines: bytes) -> bytes:
    return b"Subject: x\r\n" + b"\r\n".join(lines) + b"\r\n\r\ntext\r\n"


def addresses(count: int) -> bytes:
    return b",\r\n ".join(b"a%d@example.org" % n for n in range(count))


BOMBS: dict[str, bytes] = {
    "10,000 multiparts in one another": multiparts(10_000),
    "10,000 messages in one another": messages(10_000),
    "100,000 parts": parts(100_000),
    "100,000 header fields": fields(*[b"X-%d: y" % n for n in range(100_000)]),
    "90,000 empty header fields": fields(*[b"X:"] * 90_000),
    "a header line of 1 MiB": fields(b"X-Long: " + b"y" * (1 << 20)),
    "a subject of 900 kB": fields(b"Subject: " + b"y" * 900_000),
    "a folded subject": fields(b"Subject: " + b"y\r\n " * 200_000 + b"z"),
    "encoded words": fields(b"Subject: " + b"=?utf-8?q?a?= " * 60_000),
    "half encoded words": fields(b"Subject: " + b"=?utf-8?q?" * 90_000),
    "100,000 addresses": fields(b"To: " + addresses(100_000)),
    "40,000 addresses": fields(b"To: " + addresses(40_000)),
    "comments in one another": fields(b"To: " + b"(" * 900_000),
    "groups": fields(b"To: " + b"g:" * 300_000 + b";" * 300_000),
    "quotes and angles": fields(b"From: " + b'"\\' * 200_000 + b"<" * 200_000 + b"@" * 200_000),
    "100,000 references": fields(b"References: " + b"<x@y>\r\n " * 100_000 + b"<z@y>"),
    "references without end": fields(b"References: " + b"<" * 900_000),
    "parameters": fields(b"Content-Type: text/plain; " + b'a="b"; ' * 100_000),
    "parameter continuations": fields(
        b"Content-Type: text/plain; " + b" ".join(b"n*%d*=a;" % n for n in range(60_000))
    ),
    "a boundary of 900 kB": fields(b'Content-Type: multipart/mixed; boundary="' + b"b" * 900_000),
    "an empty boundary": fields(b'Content-Type: multipart/mixed; boundary=""')
    + b"--\r\n" * 200_000,
    "lines that look like a boundary": parts(2).replace(b"--b--", b"--bx\r\n" * 200_000 + b"--b--"),
    "NUL octets everywhere": b"\0".join(
        [b"Subject: x\r\n", b"To: y\r\n", b"\r\n", b"z\r\n"] * 9_000
    ),
    "a header without body": b"Subject: x\r\nX-End: y\r\n",
    "no header": b"\r\ntext\r\n",
    "HTML in HTML": fields(b"Content-Type: text/html") + b"<div>" * 200_000 + b"<!--" * 100_000,
    "HTML entities": fields(b"Content-Type: text/html") + b"&#" * 500_000 + b"&amp" * 100_000,
    "an unknown charset": fields(b"Content-Type: text/plain; charset=" + b"x" * 60_000)
    + b"\xff" * 500,
    "base64 without end": fields(b"Content-Transfer-Encoding: base64") + b"QUFB" * 1_000_000,
}  # fmt: skip


@pytest.mark.timed
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_message_made_to_hurt(server: RunningServer, login: str, worker: int, bomb: str) -> None:
    message = BOMBS[bomb]
    with watched(worker) as peak, bystander(server.imap, BYSTANDER, PASSWORD) as other:
        begin = time.monotonic()
        reply = deliver(server.smtp, login, message)
        took = time.monotonic() - begin
        if not reply.startswith(b"250"):  # SMTP knows a bound for headers, APPEND takes them
            append(server, login, message)
        slowest = read_over_imap(server, login)
        read_over_pop3(server, login)
    print(
        f"{bomb}: {reply[:40]!r} {took:.2f} s, +{peak.growth_mib:.0f} MiB, others "
        f"{other.longest:.2f} s, slowest {slowest[0]:.40} {slowest[1]:.2f} s"
    )
    assert reply[:3] in (b"250", b"550", b"552", b"554"), reply
    assert took < 5 and slowest[1] < 5
    assert other.longest < PROMPT
    assert peak.growth_mib < 100


def append(server: RunningServer, login: str, message: bytes) -> None:
    with imap_peer(server.imap, login, PASSWORD) as peer:
        peer.send(b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(message), message))
        assert b"a OK" in peer.imap_reply(b"a")


def read_over_imap(server: RunningServer, login: str) -> tuple[str, float]:
    """Every way to read; the slowest and its seconds."""
    slowest = ("", 0.0)
    with imap_peer(server.imap, login, PASSWORD) as peer:
        peer.imap(b"SELECT INBOX")
        for command in READ:
            begin = time.monotonic()
            answer = peer.imap(command)
            last = answer.rsplit(b"\r\n", 1)[-1]
            assert b" OK " in last or b" NO " in last or b" BAD " in last, (command, last)
            assert b"SERVERBUG" not in last
            slowest = max(slowest, (command.decode(), time.monotonic() - begin), key=lambda x: x[1])
    return slowest


def read_over_pop3(server: RunningServer, login: str) -> None:
    with pop3_peer(server.pop3, login, PASSWORD) as peer:
        for command in (b"RETR 1", b"TOP 1 0"):
            status = peer.pop3(command)
            if status.startswith(b"+OK"):
                assert peer.up_to(b"\r\n.\r\n").endswith(b"\r\n.\r\n")
