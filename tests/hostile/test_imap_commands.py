"""Commands that ask for too much: answered at once, in bounded memory, while others are served."""

from __future__ import annotations

import threading
import time

import pytest

from pillarbox.testing import RunningServer
from support.hostile_bounds import BYSTANDER, PASSWORD, PROMPT
from support.raw_peer import RawPeer, bystander, imap_peer, watched

MAX = 2**32 - 1
MANY = b",".join(b"%d" % n for n in range(1, 120_000, 2))[:60_000].rsplit(b",", 1)[0]
MANY_RANGES = b",".join(b"%d:*" % n for n in range(1, 9_000))[:60_000].rsplit(b",", 1)[0]

# Deep and long things inside the longest line that is taken (64 KiB).
NOT = b"SEARCH " + b"NOT " * 10_000 + b"ALL"
OR = b"SEARCH " + b"OR ALL " * 8_000 + b"ALL"
OR_LEFT = b"SEARCH " + b"OR " * 8_000 + b"ALL " * 8_000 + b"ALL"
PARENS = b"SEARCH " + b"(" * 30_000 + b"ALL" + b")" * 30_000
OPEN = b"SEARCH " + b"(" * 60_000

ASKED: dict[str, bytes] = {
    "all numbers": b"FETCH 1:4294967295 FLAGS",
    "all uids": b"UID FETCH 1:4294967295 (FLAGS ENVELOPE)",
    "reversed": b"UID FETCH 4294967295:1 FLAGS",
    "star first": b"UID FETCH *:1 FLAGS",
    "60 kB of numbers": b"UID FETCH " + MANY + b" FLAGS",
    "60 kB of numbers by number": b"FETCH " + MANY + b" FLAGS",
    "overlapping ranges": b"UID FETCH " + MANY_RANGES + b" FLAGS",
    "overlapping ranges searched": b"SEARCH UID " + MANY_RANGES,
    "overlapping ranges stored": b"UID STORE " + MANY_RANGES + b" +FLAGS (\\Seen)",
    "overlapping ranges copied": b"UID COPY " + MANY_RANGES + b" Archive",
    "2^32": b"UID FETCH 4294967296 FLAGS",
    "2^64": b"UID FETCH 1:18446744073709551616 FLAGS",
    "a number of 60,000 digits": b"UID FETCH " + b"9" * 60_000 + b" FLAGS",
    "zero": b"FETCH 0 FLAGS",
    "not nested": NOT,
    "or nested": OR,
    "or nested to the left": OR_LEFT,
    "not in parentheses": b"SEARCH " + b"NOT (" * 8_000 + b"ALL" + b")" * 8_000,
    "parentheses": PARENS,
    "open parentheses": OPEN,
    "thousands of keys": b"SEARCH " + b"SEEN " * 12_000 + b"ALL",
    "thousands of texts": b"SEARCH " + b"TEXT x " * 8_000 + b"ALL",
    "thousands of bodies of two letters": b"SEARCH " + b"BODY xy " * 7_000 + b"ALL",
    "thousands of header keys": b"SEARCH " + b"HEADER a b " * 5_000 + b"ALL",
    "thousands of sorts": b"SORT (" + b"SUBJECT " * 7_000 + b"DATE) UTF-8 ALL",
    "sort nested": b"SORT (ARRIVAL) UTF-8 " + b"NOT " * 10_000 + b"ALL",
    "thread nested": b"THREAD REFERENCES UTF-8 " + b"OR ALL " * 8_000 + b"ALL",
    "search return": b"SEARCH RETURN (" + b"MIN MAX COUNT ALL " * 3_000 + b") ALL",
    "thousands of items": b"FETCH 1 (" + b"FLAGS " * 10_000 + b"UID)",
    "thousands of envelopes": b"FETCH 1:* (" + b"ENVELOPE " * 6_000 + b"UID)",
    "thousands of bodies": b"FETCH 1:* (" + b"BODY.PEEK[] " * 5_000 + b"UID)",
    "thousands of header lists": b"FETCH 1:* ("
    + b"BODY.PEEK[HEADER.FIELDS (A)] " * 2_000
    + b"UID)",
    "fetch parentheses": b"FETCH 1 " + b"(" * 30_000 + b"FLAGS" + b")" * 30_000,
    "deep section": b"FETCH 1 BODY[" + b"1." * 20_000 + b"1]",
    "deep section of text": b"FETCH 1 BODY.PEEK[" + b"1." * 20_000 + b"TEXT]",
    "huge section": b"FETCH 1 BODY[4294967296.18446744073709551616]",
    "section of digits": b"FETCH 1 BODY[" + b"9" * 60_000 + b"]",
    "section open": b"FETCH 1 BODY[" + b"[" * 30_000 + b"]" * 30_000,
    "zero section": b"FETCH 1 BODY[0.0]",
    "many header names": b"FETCH 1 BODY[HEADER.FIELDS (" + b"a " * 30_000 + b"a)]",
    "partial 2^63": b"FETCH 1 BODY[]<9223372036854775807.9223372036854775807>",
    "partial 2^63 binary": b"FETCH 1 BINARY[1]<9223372036854775807.9223372036854775807>",
    "partial 2^64": b"FETCH 1 BODY[]<18446744073709551616.18446744073709551616>",
    "partial of digits": b"FETCH 1 BODY[]<" + b"9" * 60_000 + b".1>",
    "partial negative": b"FETCH 1 BODY[]<-1.-1>",
    "partial of nothing": b"FETCH 1 BODY[]<0.0>",
    "store many flags": b"STORE 1 +FLAGS (" + b"\\Seen " * 9_000 + b"\\Seen)",
    "store many keywords": b"STORE 1 +FLAGS ("
    + b" ".join(b"k%d" % n for n in range(9_000))[:60_000]
    + b")",
    "a keyword of 60 kB": b"STORE 1 +FLAGS (" + b"k" * 60_000 + b")",
    "unchanged since 2^64": b"STORE 1 (UNCHANGEDSINCE 18446744073709551616) FLAGS (\\Seen)",
    "modseq 2^64": b"SEARCH MODSEQ 18446744073709551616",
    "changed since 2^63": b"FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)",
    "larger": b"SEARCH LARGER 18446744073709551616",
    "within": b"SEARCH YOUNGER 18446744073709551616 OLDER 99999999999999999999",
    "year 9999": b"SEARCH SINCE 31-Dec-9999 BEFORE 1-Jan-0000",
    "no such day": b"SEARCH ON 31-Feb-2026",
    "status many": b"STATUS INBOX (" + b"MESSAGES " * 7_000 + b"UIDNEXT)",
    "list many": b'LIST "" (' + b"* " * 30_000 + b"%)",
    "list stars": b'LIST "" "' + b"*" * 60_000 + b'"',
    "list stars and letters": b'LIST "" "' + b"*a" * 30_000 + b'"',
    "list percents": b'LIST "" "' + b"%*" * 30_000 + b'"',
    "enable many": b"ENABLE " + b"X " * 30_000 + b"X",
    "id many": b"ID (" + b'"a" "b" ' * 7_000 + b'"a" "b")',
    "qresync": b"SELECT INBOX (QRESYNC (4294967295 9223372036854775807 1:4294967295))",
    "qresync reversed": b"SELECT INBOX (QRESYNC (1 1 4294967295:1 (1:9999 9999:1)))",
}


@pytest.fixture(scope="module")
def mailbox(server: RunningServer, next_login: object) -> str:
    """An account with a few messages, shared: nothing here changes what counts."""
    assert callable(next_login)
    login: str = next_login()
    message = b"Subject: one\r\n\r\n" + b"text " * 100 + b"\r\n"
    with imap_peer(server.imap, login, PASSWORD) as peer:
        for _ in range(30):
            peer.send(b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(message), message))
            assert b"OK" in peer.imap_reply(b"a")
    return login


@pytest.mark.timed
@pytest.mark.parametrize("asked", ASKED)
def test_a_command_that_asks_for_too_much(
    server: RunningServer, mailbox: str, worker: int, asked: str
) -> None:
    with (
        imap_peer(server.imap, mailbox, PASSWORD) as peer,
        watched(worker) as peak,
        bystander(server.imap, BYSTANDER, PASSWORD) as other,
    ):
        peer.imap(b"SELECT INBOX")
        begin = time.monotonic()
        answer = peer.imap(ASKED[asked])
        took = time.monotonic() - begin
        last = answer.rsplit(b"\r\n", 1)[-1]
        assert b" OK " in peer.imap(b"NOOP"), answer[-300:]
    assert b" OK " in last or b" NO " in last or b" BAD " in last, last
    assert b"SERVERBUG" not in last
    assert took < 5 and other.longest < PROMPT, (took, other.longest)
    assert peak.growth_mib < 40


@pytest.mark.timed
@pytest.mark.parametrize("signed_in", [False, True])
def test_commands_without_end_that_nobody_reads_the_answers_of(
    server: RunningServer, login: str, worker: int, signed_in: bool
) -> None:
    """Reading pauses when the answers are not taken, so memory holds no more than a few buffers."""
    who = (login, PASSWORD) if signed_in else ("", "")
    with (
        imap_peer(server.imap, *who) as peer,
        watched(worker) as peak,
        bystander(server.imap, BYSTANDER, PASSWORD) as other,
    ):
        taken = peer.push(b"a CAPABILITY\r\n" * 1_000_000, 0.7)
    assert taken < 14_000_000  # reading paused
    assert peak.growth_mib < 24
    assert other.longest < PROMPT


@pytest.mark.timed
@pytest.mark.parametrize("command", [b"NOOP", b"CAPABILITY", b"UID FETCH 1 FLAGS", b"CHECK"])
def test_commands_without_end_leave_others_their_turn(
    server: RunningServer, imap: RawPeer, command: bytes
) -> None:
    """Answers are taken as fast as they come: nothing but the server's fairness stops it."""
    with bystander(server.imap, BYSTANDER, PASSWORD) as other:
        reader = threading.Thread(target=imap.up_to, args=(b"\r\nend OK",))
        reader.start()
        imap.send((b"a " + command + b"\r\n") * 40_000 + b"end NOOP\r\n")
        reader.join()
    print(f"others waited {other.longest:.2f} s at most in {len(other.seconds)} rounds")
    assert other.longest < PROMPT


def test_nonsense_is_cut_off(server: RunningServer) -> None:
    with imap_peer(server.imap) as peer:
        peer.push(b"\x80\x81 what?\r\n" * 10_000, 1)
        said = peer.rest()
    assert said.count(b" BAD ") <= 20 and said.count(b"* BYE") <= 1


@pytest.mark.timed
def test_one_busy_client_leaves_others_their_turn(
    server: RunningServer, mailbox: str, imap: RawPeer
) -> None:
    """Pipelined work, its answers taken: the worker turns to others between commands."""
    work = b"a SEARCH TEXT nothing\r\nb FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE)\r\nc NOOP\r\n"
    with (
        imap_peer(server.imap, mailbox, PASSWORD) as peer,
        bystander(server.imap, BYSTANDER, PASSWORD) as other,
    ):
        peer.imap(b"SELECT INBOX")
        peer.send(work * 600 + b"end NOOP\r\n")
        peer.up_to(b"\r\nend OK")
    assert other.longest < PROMPT
    assert len(other.seconds) > 1
