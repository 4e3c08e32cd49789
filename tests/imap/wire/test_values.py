"""Sets, names in modified UTF-7, strings, dates and responses as octets."""

from __future__ import annotations

import random
from array import array

import pytest

from pillarbox.imap.wire import codes, modified_utf7
from pillarbox.imap.wire import encoder as e
from pillarbox.imap.wire import responses as r
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.sequence_set import (
    encode_numbers,
    indexes_within,
    merge_ranges,
    missing_from,
    parse_sequence_set,
    ranges_of,
)


@pytest.mark.parametrize(
    ("octets", "last", "wanted"),
    [
        (b"1", 9, [(1, 1)]),
        (b"3,1,2", 9, [(1, 3)]),
        (b"4:2", 9, [(2, 4)]),
        (b"2,4:7,9,12:*", 15, [(2, 2), (4, 7), (9, 9), (12, 15)]),
        (b"*:4,5:7", 10, [(4, 10)]),
        (b"12:*", 5, [(5, 12)]),
        (b"*", 7, [(7, 7)]),
        (b"1:3,2:9,4", 9, [(1, 9)]),
    ],
)
def test_sets_resolve(octets: bytes, last: int, wanted: list[tuple[int, int]]) -> None:
    assert parse_sequence_set(octets).resolve(last) == wanted


@pytest.mark.parametrize(
    ("numbers", "wanted"),
    [
        ([], b""),
        ([5], b"5"),
        ([1, 2, 3, 7, 9, 10], b"1:3,7,9:10"),
        ([3, 2, 1], b"3,2,1"),
        ([7, 8, 1, 2], b"7:8,1:2"),
    ],
)
def test_sets_are_compact_and_keep_the_order(numbers: list[int], wanted: bytes) -> None:
    assert encode_numbers(numbers) == wanted


def test_sets_against_plain_sets() -> None:
    chance = random.Random(4)
    for _ in range(300):
        numbers = sorted(chance.sample(range(1, 60), chance.randrange(40)))
        pairs = [tuple(sorted(chance.choices(range(1, 60), k=2))) for _ in range(4)]
        ranges = merge_ranges(pairs)  # type: ignore[arg-type]
        named = {n for a, b in pairs for n in range(a, b + 1)}
        assert {n for a, b in ranges for n in range(a, b + 1)} == named
        picked = [numbers[i] for stretch in indexes_within(numbers, ranges) for i in stretch]
        assert picked == [n for n in numbers if n in named]
        missing = missing_from(numbers, ranges, 50)
        wanted = {n for n in named - set(numbers) if n <= 50}
        assert {n for a, b in missing for n in range(a, b + 1)} == wanted
        assert ranges_of(n for a, b in ranges for n in range(a, b + 1)) == ranges


@pytest.mark.parametrize("numbers", [range(1, 50_001), range(3, 4), range(0), range(1, 9, 2)])
def test_a_range_is_taken_as_the_numbers_in_it(numbers: range) -> None:
    assert ranges_of(numbers) == ranges_of(list(numbers))


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("INBOX", b"INBOX"),
        ("A & B", b"A &- B"),
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("Entwürfe", b"Entw&APw-rfe"),
        ("😀", b"&2D3eAA-"),
        ("&", b"&-"),
        ("a\tb", b"a&AAk-b"),
    ],
)
def test_modified_utf7(name: str, octets: bytes) -> None:
    assert modified_utf7.encode(name) == octets
    assert modified_utf7.decode(octets) == name


@pytest.mark.parametrize(
    "octets", [b"&", b"a&b", b"&AP", b"&A-", b"&@@-", b"&2D0-", b"\xc3", b"&U/BT-"]
)
def test_broken_modified_utf7(octets: bytes) -> None:
    with pytest.raises(BadSyntax):
        modified_utf7.decode(octets)


@pytest.mark.parametrize(
    ("octets", "string", "astring"),
    [
        (b"abc", b'"abc"', b"abc"),
        (b"", b'""', b'""'),
        (b"nil", b'"nil"', b'"nil"'),
        (b"a b", b'"a b"', b'"a b"'),
        (b'a"b\\', b'"a\\"b\\\\"', b'"a\\"b\\\\"'),
        (b"a\nb", b"{3}\r\na\nb", b"{3}\r\na\nb"),
        (b"\xff", b"{1}\r\n\xff", b"{1}\r\n\xff"),
        (b"a]", b'"a]"', b'"a]"'),
    ],
)
def test_strings(octets: bytes, string: bytes, astring: bytes) -> None:
    assert e.encode_string(octets) == string
    assert e.encode_astring(octets) == astring
    assert e.encode_nstring(octets) == string


def test_long_strings_are_literals() -> None:
    assert e.encode_string(b"x" * 1025).startswith(b"{1025}\r\n")
    assert e.encode_text("ü", utf8=True) == '"ü"'.encode()
    assert e.encode_text("ü") == b"{2}\r\n\xc3\xbc"
    assert e.encode_nstring(None) == b"NIL"


def test_dates() -> None:
    assert e.encode_date_time(0) == b'" 1-Jan-1970 00:00:00 +0000"'
    assert e.encode_date_time(837596665) == b'"17-Jul-1996 09:44:25 +0000"'
    assert e.encode_date_time(-5) == e.encode_date_time(0)
    assert e.encode_date_time(2**60) == b'"31-Dec-9999 23:59:59 +0000"'


@pytest.mark.parametrize(
    ("response", "octets"),
    [
        (r.ok("done", tag=b"a"), b"a OK done\r\n"),
        (r.no("it\r\nfails", codes.OVER_QUOTA, b"a"), b"a NO [OVERQUOTA] it  fails\r\n"),
        (r.bad("[x] y"), b"* BAD - [x] y\r\n"),
        (r.bye("für immer"), b"* BYE f?r immer\r\n"),
        (r.ok("", codes.uid_next(7)), b"* OK [UIDNEXT 7] -\r\n"),
        (r.ok("x", codes.copy_uid(3, [1, 2], [9, 4])), b"* OK [COPYUID 3 1:2 9,4] x\r\n"),
        (
            r.ok("x", codes.permanent_flags(["\\Seen", "\\*"])),
            b"* OK [PERMANENTFLAGS (\\Seen \\*)] x\r\n",
        ),
        (r.Continue(), b"+ go ahead\r\n"),
        (r.Exists(3), b"* 3 EXISTS\r\n"),
        (r.Recent(0), b"* 0 RECENT\r\n"),
        (r.Expunge(2), b"* 2 EXPUNGE\r\n"),
        (r.Vanished([3, 4, 9]), b"* VANISHED 3:4,9\r\n"),
        (r.VanishedEarlier([(1, 5)]), b"* VANISHED (EARLIER) 1:5\r\n"),
        (r.Flags(["\\Seen", "blue"]), b"* FLAGS (\\Seen blue)\r\n"),
        (
            r.ListData("Ä/b", ["\\Drafts"], extended=[("CHILDINFO", b'("SUBSCRIBED")')]),
            b'* LIST (\\Drafts) "/" "&AMQ-/b" ("CHILDINFO" ("SUBSCRIBED"))\r\n',
        ),
        (r.ListData("x", delimiter=None, command="LSUB"), b'* LSUB () NIL "x"\r\n'),
        (
            r.StatusData("x y", [b"MESSAGES 1", b"MAILBOXID (F2)"]),
            b'* STATUS "x y" (MESSAGES 1 MAILBOXID (F2))\r\n',
        ),
        (r.NamespaceData(), b'* NAMESPACE (("" "/")) NIL NIL\r\n'),
        (
            r.QuotaData("", [("STORAGE", 1, 2), ("MESSAGE", 3, 4)]),
            b'* QUOTA "" (STORAGE 1 2 MESSAGE 3 4)\r\n',
        ),
        (r.QuotaRootData("INBOX", [""]), b'* QUOTAROOT "INBOX" ""\r\n'),
        (r.Capability(["IMAP4rev1", "IDLE"]), b"* CAPABILITY IMAP4rev1 IDLE\r\n"),
        (r.Enabled([]), b"* ENABLED\r\n"),
        (r.Enabled(["CONDSTORE"]), b"* ENABLED CONDSTORE\r\n"),
        (r.Id(), b"* ID NIL\r\n"),
        (r.Id([("name", "x"), ("os", None)]), b'* ID ("name" "x" "os" NIL)\r\n'),
        (r.Search([]), b"* SEARCH\r\n"),
        (r.Search([1, 5], 9, "SORT"), b"* SORT 1 5 (MODSEQ 9)\r\n"),
        (r.Search(range(1, 4)), b"* SEARCH 1 2 3\r\n"),
        (r.Search(array("I", [7, 4294967295])), b"* SEARCH 7 4294967295\r\n"),
        (r.ESearch(b'a"b', True, [("MIN", b"3")]), b'* ESEARCH (TAG "a\\"b") UID MIN 3\r\n'),
        (r.Thread(b"(1)(2)"), b"* THREAD (1)(2)\r\n"),
        (r.Thread(b""), b"* THREAD\r\n"),
        (r.Encoded(b"* X\r\n"), b"* X\r\n"),
    ],
)
def test_responses(response: r.Response, octets: bytes) -> None:
    assert r.encode(response) == octets


@pytest.mark.parametrize("last", [999, 1000, 1001, 9_999, 10_000, 65_432, 100_000, 100_001])
def test_all_of_a_mailbox_is_found(last: int) -> None:
    told = r.encode(r.Search(range(1, last + 1)))
    assert told == b"* SEARCH " + b" ".join(b"%d" % n for n in range(1, last + 1)) + b"\r\n"
    assert r.encode(r.Search(range(2, last + 1))) == told.replace(b" 1 ", b" ", 1)
    odd = r.encode(r.Search(range(1, last + 1, 2)))
    assert odd.split()[2:] == told.split()[2::2]


def test_utf8_in_responses() -> None:
    assert r.encode(r.ListData("Ä"), utf8=True) == '* LIST () "/" "Ä"\r\n'.encode()
    assert r.encode(r.ok("für"), utf8=True) == "* OK für\r\n".encode()
