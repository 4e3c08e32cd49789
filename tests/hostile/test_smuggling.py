"""Every spelling of a false end of data over a real socket: one message arrives, or none."""

from __future__ import annotations

import pytest

from pillarbox.testing import RunningServer
from support.end_of_data import SMUGGLED_ENDS
from support.raw_peer import RawPeer, smtp_peer

INNER = (
    b"MAIL FROM:<evil@example.net>\r\nRCPT TO:<bystander@example.org>\r\nDATA\r\n"
    b"Subject: evil\r\n\r\nsmuggled\r\n.\r\n"
)
BAD_LINES = [b"NOOP\n", b"NOOP\r", b"\n", b"\r\r\n", b"NO\rOP\r\n", b"NO\nOP\r\n"]


def open_data(server: RunningServer, login: str) -> RawPeer:
    peer = smtp_peer(server.smtp)
    assert peer.smtp(b"MAIL FROM:<carol@example.net>").startswith(b"250")
    assert peer.smtp(b"RCPT TO:<%b>" % login.encode()).startswith(b"250")
    assert peer.smtp(b"DATA").startswith(b"354")
    return peer


@pytest.mark.parametrize("end", SMUGGLED_ENDS, ids=repr)
def test_a_false_end_brings_no_second_message(
    server: RunningServer, login: str, end: bytes
) -> None:
    others = server.message_count("bystander@example.org")
    with open_data(server, login) as peer:
        peer.send(b"Subject: x\r\n\r\ntext" + end + INNER)
        reply = peer.smtp()
        # Nothing of the inner session is answered: the next reply is QUIT's.
        assert peer.smtp(b"QUIT") in (b"221 2.0.0 Good-bye", b"")
    assert server.message_count("bystander@example.org") == others
    assert server.message_count(login) == (1 if reply.startswith(b"250") else 0)


@pytest.mark.parametrize("end", SMUGGLED_ENDS, ids=repr)
def test_no_false_end_in_a_chunk(server: RunningServer, login: str, end: bytes) -> None:
    """BDAT counts octets; dots mean nothing there, bare line ends are refused."""
    text = b"Subject: x\r\n\r\ntext" + end + INNER
    with smtp_peer(server.smtp) as peer:
        peer.smtp(b"MAIL FROM:<carol@example.net>")
        peer.smtp(b"RCPT TO:<%b>" % login.encode())
        peer.send(b"BDAT %d LAST\r\n" % len(text) + text)
        reply = peer.smtp()
        assert reply[:3] in (b"250", b"550"), reply
        assert peer.smtp(b"NOOP").startswith(b"250")
    assert server.message_count(login) == (1 if reply.startswith(b"250") else 0)


@pytest.mark.parametrize("line", BAD_LINES, ids=repr)
def test_a_bare_newline_among_commands_ends_the_session(server: RunningServer, line: bytes) -> None:
    with smtp_peer(server.smtp) as peer:
        peer.send(line + b"\r\n" + INNER)
        said = peer.rest()
    assert b"250" not in said and b"354" not in said, said


def test_what_stands_behind_the_end_is_read_as_commands_once(
    server: RunningServer, login: str
) -> None:
    """A real end, pipelined: the transaction behind it is a second message, and a fair one."""
    with open_data(server, login) as peer:
        peer.send(
            b"Subject: one\r\n\r\nx\r\n.\r\nMAIL FROM:<carol@example.net>\r\n"
            b"RCPT TO:<%b>\r\nDATA\r\n" % login.encode()
        )
        assert [peer.smtp()[:3] for _ in range(4)] == [b"250", b"250", b"250", b"354"]
        peer.send(b"Subject: two\r\n\r\ny\r\n.\r\n")
        assert peer.smtp().startswith(b"250")
    assert server.message_count(login) == 2
