"""What is sent to Dovecot and to Pillarbox, and where they may differ: reason → commands."""

from __future__ import annotations

from pathlib import Path

from support.side_by_side import Command

_FOLDER = Path(__file__).parent.parent / "corpus" / "beside"


def _commands(name: str) -> tuple[str, ...]:
    """A file's lines, each a command (or what stands behind SEARCH)."""
    return tuple((_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines())


_PATHS = ("1", "2", "3")
_NESTED = {  # elsewhere, Dovecot takes part 1 of a part without parts for the part itself
    "related": ("1.1", "1.2", "1.3"),
    "forwarded": ("2", "2.1", "2.2", "2.3"),
    "digest": ("2.1", "2.1.1", "2.2", "2.2.1", "2.3"),
    "unfinished-multipart": ("1.1",),
}


def _body_of(path: str) -> str:
    return (
        f"BODY.PEEK[{path}] BODY.PEEK[{path}]<2.5> BODY.PEEK[{path}.MIME] BODY.PEEK[{path}.HEADER]"
        f" BODY.PEEK[{path}.TEXT] BODY.PEEK[{path}.HEADER.FIELDS (SUBJECT)]"
    )


_FETCH_ITEMS = (
    "RFC822.SIZE INTERNALDATE FLAGS",
    "ENVELOPE",
    "BODY",
    "BODYSTRUCTURE",
    "BODY.PEEK[]",
    "BODY.PEEK[HEADER] BODY.PEEK[TEXT] RFC822.HEADER RFC822.TEXT RFC822",
    "BODY.PEEK[HEADER.FIELDS (SUBJECT FROM X-NOPE)]",
    "BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT RECEIVED)]",
    "BODY.PEEK[]<0.10> BODY.PEEK[TEXT]<3.7> BODY.PEEK[HEADER]<3.7>",
    "BODY.PEEK[]<5.1000000> BODY.PEEK[TEXT]<100000000.5>",
    *map(_body_of, _PATHS),
    *(f"BINARY.PEEK[{p}] BINARY.PEEK[{p}]<1.4> BINARY.SIZE[{p}]" for p in _PATHS),
)


def fetch_items(name: str) -> tuple[str, ...]:
    """What is fetched of a message of the corpus."""
    return (*_FETCH_ITEMS, *map(_body_of, _NESTED.get(name, ())))


_ONE = (
    _body_of("1"),
    "BINARY.PEEK[1] BINARY.PEEK[1]<1.4> BINARY.SIZE[1]",
)
_NOT = ("BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT RECEIVED)]",)
FETCH_DIFFERENCES: dict[str, dict[str, tuple[str, ...]]] = {
    "a multipart without parts: our one part holds its text, Dovecot's is empty": {
        "boundary-missing": ("BODY", "BODYSTRUCTURE", *_ONE),
        "empty-multipart": ("BODY", "BODYSTRUCTURE", *_ONE),
    },
    "Dovecot takes lines that only begin like a boundary for one (RFC 2046 §5.1.1)": {
        "format-tricks": ("BODY", "BODYSTRUCTURE", *_ONE),
        "related": _ONE,
    },
    "the line end in front of a boundary is the boundary's (RFC 2046 §5.1.1)": {
        "digest": (
            _body_of("2"),
            "BINARY.PEEK[2] BINARY.PEEK[2]<1.4> BINARY.SIZE[2]",
        ),
    },
    "an encoded message has no header that could be shown": {"encoded-message": _ONE},
    "Dovecot does not decode uuencode": {"uuencode": _ONE[1:]},
    "a line that is no field is not shown among the fields": {
        "header-only": _NOT,
        "mbox-line": _NOT,
    },
    "one language is a string, not a list of one (RFC 9051 §9 body-fld-lang: either)": {
        "mixed-attachments": ("BODYSTRUCTURE",),
    },
    "what is no address has an empty host here, a made-up one there": {
        "odd-addresses": ("ENVELOPE",),
    },
    "of two Subject fields we show the first; a file name with a space is read whole": {
        "odd-fields": ("ENVELOPE", "BODYSTRUCTURE"),
    },
}


def _message(
    number: int, subject: str, more: str = "", body: str = "hello", **fields: str
) -> bytes:
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[number % 7]
    sender = fields.get("sender", "alice@example.org")
    to = fields.get("to", "bob@example.net")
    date = fields.get("date", f"{day}, {number + 1:02d} Jan 2024 10:00:00 +0000")
    text = f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: {date}\r\n"
    return f"{text}Message-ID: <m{number}@example.org>\r\n{more}\r\n{body}\r\n".encode()


_MULTIPART = (
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    "S8O2bG4gaGlkZGVuCg==\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>markup</p>\r\n--b--"
)
MESSAGES = (
    ('(\\Seen) "01-Jan-2024 10:00:00 +0000"', _message(0, "Frogs")),
    (
        '(\\Seen \\Answered) "02-Jan-2024 23:59:59 +0000"',
        _message(
            1, "Re: Frogs", "References: <m0@example.org>\r\n", sender='"Zed, Al" <zed@example.org>'
        ),
    ),
    (
        '(\\Flagged $Junk) "03-Jan-2024 00:00:00 +0000"',
        _message(
            2,
            "[list] Fwd: frogs",
            "Cc: dave@example.org\r\n",
            sender="Bob <bob@example.net>",
            to="alice@example.org, carol@example.org",
        ),
    ),
    (
        '(custom \\Draft) "04-Jan-2024 05:00:00 +0500"',
        _message(3, "Invoice 42", body="the invoice costs much"),
    ),
    (
        '(\\Deleted) "05-Jan-2024 05:00:00 -0500"',
        _message(4, "=?utf-8?q?K=C3=B6ln?=", "X-Thing: some value\r\nBcc: eve@example.org\r\n"),
    ),
    (
        '() "06-Jan-2024 10:00:00 +0000"',
        _message(
            5,
            "Re: Invoice 42",
            "References: <m3@example.org>\r\n",
            date="Fri, 05 Jan 2024 23:30:00 -0500",
        ),
    ),
    ('() "07-Jan-2024 10:00:00 +0000"', _message(6, "", body="empty subject")),
    (
        '() "08-Jan-2024 10:00:00 +0000"',
        _message(7, "re: frogs", "In-Reply-To: <m1@example.org>\r\n", date="Wed, 32 Foo 2024"),
    ),
    ('() "09-Jan-2024 10:00:00 +0000"', _message(8, "big", body="x" * 5000)),
    (
        '() "10-Jan-2024 10:00:00 +0000"',
        _message(
            9,
            "multi",
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n",
            body=_MULTIPART,
        ),
    ),
)


def _in_thread(number: int, subject: str, own: str, more: str = "", **fields: str) -> bytes:
    sender, to = fields.get("sender", "a@example.org"), fields.get("to", "b@example.org")
    text = f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n"
    date = fields.get("date", f"Sat, {number + 1:02d} Feb 2024 10:00:00 +0000")
    return f"{text}Date: {date}\r\n{own}{more}\r\nbody {number}\r\n".encode()


def _own(name: str) -> str:
    return f"Message-ID: <{name}@x>\r\n"


def _above(*names: str) -> str:
    return f"References: {' '.join(f'<{name}@x>' for name in names)}\r\n"


THREADED = tuple(
    (f'"{28 - number:02d}-Feb-2024 10:00:00 +0000"', octets)
    for number, octets in enumerate(
        (
            _in_thread(0, "tree", _own("t0")),
            _in_thread(1, "Re: tree", _own("t1"), _above("t0")),
            _in_thread(2, "Re: tree", _own("t2"), _above("t0", "t1")),
            _in_thread(3, "other topic", _own("t3"), _above("t0")),
            _in_thread(4, "orphan", _own("o1"), _above("gone")),
            _in_thread(5, "Re: orphan", _own("o2"), _above("gone")),
            _in_thread(6, "tree", ""),
            _in_thread(7, "dup", _own("t1")),
            _in_thread(8, "Re: [a] Fwd: [b] blah (fwd)", _own("f1")),
            _in_thread(9, "blah", _own("f2"), date="Fri, 02 Feb 2024 01:00:00 -0500"),
            _in_thread(10, "[fwd: blah]", _own("f3")),
            _in_thread(11, "RE[2]: blah", _own("f4")),
            _in_thread(
                12, "=?utf-8?q?=C3=89t=C3=A9?=", _own("e1"), sender="=?utf-8?q?=C3=89m?= <z@x>"
            ),
            _in_thread(13, "loop", _own("l1"), _above("l2")),
            _in_thread(14, "loop", _own("l2"), _above("l1")),
            _in_thread(15, "Z last", _own("z"), sender="Aaron <zz@x>", to="Zoe <aa@x>"),
            _in_thread(16, "a first", _own("a"), sender="<bb@x>", to="undisclosed:;"),
            _in_thread(17, "", _own("s1")),
            _in_thread(18, "Re:", _own("s2")),
            _in_thread(19, "Re: ", _own("s3"), "In-Reply-To: <s1@x> text <t0@x>\r\n"),
            _in_thread(20, "tree", _own("t20"), date="garbage"),
            _in_thread(21, "self", _own("self"), _above("self")),
            _in_thread(22, "deep", _own("d3"), _above("d0", "d1", "d2")),
            _in_thread(23, "deep", _own("d1"), _above("d0")),
        )
    )
)
_SORT_KEYS = ["ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO"]
SORT_COMMANDS: tuple[str, ...] = (
    *(f"SORT ({key}) UTF-8 ALL" for key in _SORT_KEYS),
    *(f"SORT (REVERSE {key}) UTF-8 ALL" for key in _SORT_KEYS),
    *(f"UID SORT (REVERSE {key} DATE) UTF-8 ALL" for key in _SORT_KEYS),
    *_commands("sort"),
)
SORT_DIFFERENCES: dict[str, tuple[str, ...]] = {}

SEARCH_KEYS = _commands("search")
SEARCH_LITERALS: tuple[Command, ...] = tuple(
    (f"SEARCH{charset} {key} ", text.encode())
    for text in ("Köln", "KÖLN", "kö")
    for key in ("SUBJECT", "TEXT", "BODY")
    for charset in (" CHARSET UTF-8", "")
)
SEARCH_DIFFERENCES: dict[str, tuple[str, ...]] = {
    "without a Date that can be read a message was sent on no day; Dovecot: in 1970": (
        "SENTBEFORE 5-Jan-2024",
    ),
    "Dovecot's NOT of a list negates each key": ("NOT (SEEN FLAGGED)",),
    "a number above the last message's is BAD (RFC 9051 §9, seq-number)": ("11", "1:11", "20:30"),
    "only HEADER asks with an empty text whether a field is there (RFC 9051 §6.4.4)": ('BCC ""',),
    "there is no such day": ("BEFORE 31-Feb-2024",),
    "system flags are found as keywords, too": ("KEYWORD \\Seen",),
    "an empty string is no flag": ('UNKEYWORD ""',),
    "Dovecot takes several spaces for one": ("SEEN  SEEN", "RETURN ( MIN) SEEN"),
    "two charsets are known here, and BADCHARSET says which": ("CHARSET ISO-8859-1 SUBJECT frogs",),
    "not an extension of ours": ("FUZZY SUBJECT x",),
    "no message is recent (quirks.RECENT_MESSAGES)": ("NEW", "RECENT", "OLD"),
    "white space in a text is not counted": ('TEXT "invoice  costs"',),
}

MESSAGE_COMMANDS = _commands("messages")
MESSAGE_DIFFERENCES: dict[str, tuple[str, ...]] = {
    "a partial has two numbers, the second above zero (RFC 9051 §9 partial)": (
        "FETCH 7 BODY[TEXT]<0.0>",
        "FETCH 7 BODY.PEEK[TEXT]<0>",
    ),
    "parts are numbered from 1, without leading zeros (RFC 9051 §9 section-part)": (
        "FETCH 7 BODY[0]",
        "FETCH 7 BODY.PEEK[01]",
    ),
    "BINARY takes the number of a part only (RFC 3516 §5 section-binary)": (
        "FETCH 10 BINARY[HEADER]",
    ),
    "STORE tells the flags though none changed (RFC 9051 §6.4.6)": ("STORE 1 FLAGS (\\Seen)",),
    "a set with * asks for whatever there is (quirks.CLAMP_SETS_WITH_STAR)": (
        "FETCH 1:* FLAGS",
        "COPY 1:* box",
    ),
}
MAILBOX_COMMANDS = _commands("mailboxes")
MAILBOX_DIFFERENCES: dict[str, tuple[str, ...]] = {
    "to rename to one's own name is to a name that there is": ('RENAME d "d/"',),
}
ODD_COMMANDS: tuple[Command, ...] = (
    *_commands("odd"),
    'SELECT "INBOX" ',
    ("APPEND nope ", b"a: b\r\n\r\nc\r\n"),
    ("APPEND INBOX (\\Foo) ", b"a: b\r\n\r\nc\r\n"),
    ('APPEND INBOX "1-Jan-24 10:00:00 +0000" ', b"a: b\r\n\r\nc\r\n"),
    ('APPEND INBOX (\\Seen kw) "01-Jan-2024 10:00:00 +0000" ', b"a: b\r\n\r\nc\r\n"),
    ("APPEND INBOX ", b""),
    ("APPEND INBOX ", b"a: b\r\n\r\n1\r\n", " ", b"a: b\r\n\r\n2\r\n"),
    ("SELECT ", b"INBOX"),
    ("UID FETCH 1:* (FLAGS INTERNALDATE BODY[HEADER.FIELDS (", b"A", ")])"),
    ("SEARCH HEADER ", b"a", " ", b"b"),
)
ODD_DIFFERENCES: dict[str, tuple[str, ...]] = {
    "parameters stand in parentheses": ("SELECT INBOX x",),
    r"only \ and the quotation mark are escaped in strings (RFC 9051 §9 quoted)": (
        r'SELECT "IN\BOX"',
    ),
    "there is nothing behind the space": ('SELECT "INBOX" ',),
    "field names are repeated as atoms where they can be": (
        "UID FETCH 1:* (FLAGS INTERNALDATE BODY[HEADER.FIELDS ( b'A' )])",
    ),
}
