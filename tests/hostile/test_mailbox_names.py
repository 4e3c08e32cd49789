"""Mailbox names that are paths, patterns, controls or far too long: names stay names."""

from __future__ import annotations

import time

import pytest

from pillarbox.testing import RunningServer
from support.hostile_bounds import PASSWORD
from support.raw_peer import RawPeer, imap_peer

PATHS = [
    "../x", "../../../../tmp/pillarbox-evil", "/etc/passwd", "..", ".", "a/../b", "a/./b", "a//b",
    "/", "//", "~root", "..\\..\\x", "C:\\x", "a/", "con", "-rf", "$HOME", "`id`", "; id", "' OR 1",
    "x'; DROP TABLE mailbox; --", "%s%n", "{0}", "..%2f..", "&AC8-etc&AC8-passwd", "&AC4ALg-/x",
]  # fmt: skip
CONTROLS = [
    b'"a\x01b"', b'"a\x7fb"', b'"a\x1bb"', b'"\t"', b'"a\rb"', b"{3}\r\na\nb", b"{4}\r\na\r\nb",
    b"{3}\r\na\0b", b'"&AAA-"', b'"&AAo-"', b'"a&AA0ACg-b"', b'"&2AA-"', b'"&3AA-"', b'"&//4-"',
    b'"&"', b'"&-&"', b'"&AA"', b'"&A-"', b'"&====-"',
    b'"\xff\xfe"', b'"\xc3\xa9"', b'"\xed\xa0\x80"', b'"\xc0\xae\xc0\xae"',
]  # fmt: skip
# Odd, but names: they are kept in one spelling, and stand for nothing else.
ODD = {
    b'"%"': b'"%"', b'"*"': b'"*"', b'"a*"': b'"a*"', b'"%/%"': b'"%/%"', b'"&AGE-"': b"a",
    b'"&AGEAYgBj-"': b"abc", b'"&2AHcAA-"': b"&2AHcAA-",
}  # fmt: skip
VERBS = [b"CREATE", b"SELECT", b"DELETE", b"SUBSCRIBE", b"STATUS"]


def command(verb: bytes, name: bytes) -> bytes:
    return verb + b" " + name + (b" (MESSAGES)" if verb == b"STATUS" else b"")


def ask(peer: RawPeer, line: bytes) -> bytes:
    """A command whose literal, if it has one, is sent when asked for."""
    head, mark, octets = line.partition(b"}\r\n")
    if not mark:
        return peer.imap(line)
    peer.send(b"lit " + head + b"+}\r\n" + octets + b"\r\n")
    return peer.imap_reply(b"lit")


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_a_name_and_touches_no_file(server: RunningServer, login: str, path: str) -> None:
    name = b'"' + path.encode().replace(b"\\", b"\\\\") + b'"'
    before = sorted(file.name for file in server.data_dir.rglob("*") if file.is_dir())
    with imap_peer(server.imap, login, PASSWORD) as peer:
        created = b" OK " in peer.imap(b"CREATE " + name)
        for verb in VERBS[1:]:
            answer = peer.imap(command(verb, name))
            assert b" OK " in answer or b" NO " in answer or b" BAD " in answer
            assert b"SERVERBUG" not in answer
        peer.imap(b"RENAME INBOX " + name)
        listed = peer.imap(b'LIST "" "*"')
        assert listed.count(b"* LIST") < 20
    assert sorted(f.name for f in server.data_dir.rglob("*") if f.is_dir()) == before
    assert not (server.data_dir / path).exists() or path in ("..", ".", "/", "//", "/etc/passwd")
    assert created or path.strip("/") != path or "//" in path or "/" in path or "&" in path


@pytest.mark.parametrize("name", CONTROLS, ids=repr)
def test_names_with_controls_and_broken_codings_are_refused(imap: RawPeer, name: bytes) -> None:
    for verb in VERBS:
        answer = ask(imap, command(verb, name))
        assert b"SERVERBUG" not in answer
        if verb == b"CREATE":
            assert b" NO " in answer or b" BAD " in answer or name == b'"\xc3\xa9"', answer
    assert b"\n* LIST" in b"\n" + imap.imap(b'LIST "" "*"')


@pytest.mark.parametrize("name", ODD, ids=repr)
def test_odd_names_stand_for_themselves_only(imap: RawPeer, name: bytes) -> None:
    assert b" OK " in imap.imap(b"CREATE other")
    assert b" OK " in imap.imap(b"CREATE " + name)
    assert b" NO [ALREADYEXISTS]" in imap.imap(b"CREATE " + ODD[name])
    assert b" OK " in imap.imap(b"DELETE " + name)
    listed = imap.imap(b'LIST "" "*"')
    assert b' "other"\r\n' in listed and b" " + ODD[name] + b"\r\n" not in listed
    assert b" NO " in imap.imap(b"SELECT " + name)


def test_names_far_too_long(imap: RawPeer) -> None:
    for octets in (256, 1000, 60_000):
        assert b" NO " in imap.imap(b"CREATE " + b"n" * octets)
    imap.send(b"lit CREATE {1048576+}\r\n" + b"n" * 1_048_576 + b"\r\n")
    assert imap.imap_reply(b"lit").startswith((b"lit NO", b"lit BAD"))
    imap.send(b"lit CREATE {1048577+}\r\n" + b"n" * 1_048_577 + b"\r\n")
    assert imap.imap_reply(b"lit").startswith(b"lit BAD")
    assert b" OK " in imap.imap(b"NOOP")


def test_hierarchies_far_too_deep(imap: RawPeer) -> None:
    for levels in (21, 100, 30_000):
        assert b" NO " in imap.imap(b"CREATE " + b"/".join([b"d"] * levels))
    # The deepest allowed, then others moved below it: the sum counts.
    assert b" OK " in imap.imap(b"CREATE " + b"/".join([b"d"] * 20))
    assert b" OK " in imap.imap(b"CREATE e/e")
    assert b" NO " in imap.imap(b"RENAME e " + b"/".join([b"d"] * 19 + [b"e"]))


@pytest.mark.timed
def test_more_mailboxes_than_allowed(server: RunningServer, login: str) -> None:
    with imap_peer(server.imap, login, PASSWORD) as peer:
        begin = time.monotonic()
        for first in range(0, 5100, 300):
            peer.send(b"".join(b"m%d CREATE m%d\r\n" % (n, n) for n in range(first, first + 300)))
            answers = [peer.line() for _ in range(300)]
        assert b" NO [LIMIT]" in answers[-1], answers[-1]
        listed = peer.imap(b'LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT))')
        assert listed.count(b"* LIST ") == 5000
        for pattern in (b"%*%*%*%*%*%*%*%*z", b"*%" * 12 + b"y", b"*m*m*m*m*m*m*m"):
            assert b"* LIST" not in peer.imap(b'LIST "" "' + pattern + b'"')
    print(f"5000 mailboxes made, listed and matched in {time.monotonic() - begin:.1f} s")


def test_more_subscriptions_than_allowed(imap: RawPeer) -> None:
    for first in range(0, 1200, 600):
        imap.send(b"".join(b"s SUBSCRIBE s%d\r\n" % n for n in range(first, first + 600)))
        answers = [imap.line() for _ in range(600)]
    assert b" NO [LIMIT]" in answers[-1], answers[-1]


def test_more_keywords_than_allowed(imap: RawPeer) -> None:
    imap.send(b"a APPEND INBOX {4+}\r\na\r\n\r\n\r\n")
    assert imap.imap_reply(b"a")
    for n in range(0, 600, 10):
        words = b" ".join(b"w%d" % m for m in range(n, n + 10))
        answer = imap.imap(b"STORE 1 FLAGS.SILENT (" + words + b")")
    assert b" NO [LIMIT]" in answer, answer
