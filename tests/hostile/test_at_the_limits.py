"""At a limit all is well; one more is refused, and the session goes on."""

from __future__ import annotations

import pytest

from pillarbox.testing import RunningServer
from support.raw_peer import RawPeer, imap_peer, pop3_peer

LITERAL = 1 << 20  # imap.max_literal
STRANGERS = 8192  # imap.max_literal_before_login
TRIES = 5  # imap.max_failed_logins, pop3.sign_in_failures
MESSAGE = b"Subject: x\r\n\r\ntext\r\n"


def announced(peer: RawPeer, command: bytes, size: int) -> bytes:
    peer.send(b"big %b{%d}\r\n" % (command, size))
    return peer.line()


def test_literals_of_strangers(server: RunningServer) -> None:
    with imap_peer(server.imap) as peer:
        assert announced(peer, b"LOGIN ", STRANGERS + 1).startswith((b"big BAD", b"big NO"))
        assert announced(peer, b"LOGIN ", STRANGERS).startswith(b"+")


def test_literals_of_users(imap: RawPeer) -> None:
    assert announced(imap, b"SEARCH TEXT ", LITERAL + 1).startswith((b"big BAD", b"big NO"))
    assert announced(imap, b"SEARCH TEXT ", LITERAL).startswith(b"+")


def test_a_command_of_many_large_literals(imap: RawPeer) -> None:
    """imap.max_command: one fits, three do not, though each of them may be as long as that."""
    piece = b" TEXT {%d+}\r\n" % LITERAL + b"x" * LITERAL
    for count, begins in ((1, b"big OK"), (3, b"big BAD")):
        imap.send(b"big SEARCH" + piece * count + b"\r\n")
        assert imap.imap_reply(b"big").rpartition(b"\r\n")[2].startswith(begins)
        assert b" OK " in imap.imap(b"NOOP")


def test_keywords(imap: RawPeer) -> None:
    """store.max_keyword_octets and store.max_keywords_of_message."""
    imap.send(b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(MESSAGE), MESSAGE))
    assert imap.imap_reply(b"a")
    imap.imap(b"NOOP")
    assert b" OK " in imap.imap(b"STORE 1 FLAGS.SILENT (" + b"k" * 100 + b")")
    assert b" NO " in imap.imap(b"STORE 1 FLAGS.SILENT (" + b"k" * 101 + b")")
    words = [b"w%d" % number for number in range(51)]
    assert b" OK " in imap.imap(b"STORE 1 FLAGS.SILENT (" + b" ".join(words[:50]) + b")")
    assert b" NO " in imap.imap(b"STORE 1 FLAGS.SILENT (" + b" ".join(words) + b")")


def test_wrong_passwords_over_imap(server: RunningServer, login: str) -> None:
    with imap_peer(server.imap, source="127.0.9.1") as peer:
        for number in range(TRIES):
            assert b" NO " in peer.imap(b"LOGIN %b wrong%d" % (login.encode(), number))
        assert peer.is_closed(5)


def test_wrong_passwords_over_pop3(server: RunningServer, login: str) -> None:
    with pop3_peer(server.pop3, source="127.0.9.2") as peer:
        for number in range(TRIES):
            peer.pop3(b"USER " + login.encode())
            assert peer.pop3(b"PASS wrong%d" % number).startswith(b"-ERR")
        assert peer.is_closed(5)


@pytest.mark.parametrize("key", [b"BODY", b"TEXT"])
def test_what_of_a_long_message_is_searched(imap: RawPeer, key: bytes) -> None:
    """store.index_text_octets: 4 MiB of its text."""
    line = b"x" * 70 + b"\r\n"
    raw = b"Subject: x\r\n\r\nearly\r\n" + line * (5 * LITERAL // len(line)) + b"late\r\n"
    imap.send(b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(raw), raw))
    assert imap.imap_reply(b"a")
    imap.imap(b"NOOP")
    assert b"* SEARCH 1\r\n" in imap.imap(b"SEARCH " + key + b" early")
    assert b"* SEARCH\r\n" in imap.imap(b"SEARCH " + key + b" late")
