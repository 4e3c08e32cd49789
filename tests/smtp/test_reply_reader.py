"""Replies as servers write them, whole and octet by octet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.smtp.wire.replies import Reply
from pillarbox.smtp.wire.reply_reader import BadReply, PeerReply, ReplyReader

TABLE: list[tuple[bytes, list[PeerReply]]] = [
    (b"250 ok\r\n", [PeerReply(250, "", ("ok",))]),
    (b"250\r\n", [PeerReply(250, "", ("",))]),
    (b"250 \r\n", [PeerReply(250, "", ("",))]),
    (b"250 ok\n", [PeerReply(250, "", ("ok",))]),  # some hosts write no CR
    (b"550 5.1.1 no\r\n250 2.0.0 yes\r\n",
     [PeerReply(550, "5.1.1", ("5.1.1 no",)), PeerReply(250, "2.0.0", ("2.0.0 yes",))]),
    (b"250-a\r\n250-b c\r\n250 d\r\n", [PeerReply(250, "", ("a", "b c", "d"))]),
    (b"250 5.1.1 odd\r\n", [PeerReply(250, "", ("5.1.1 odd",))]),  # RFC 2034 §4: same class
    (b"550 5.1.10\r\n", [PeerReply(550, "5.1.10", ("5.1.10",))]),
    (b"550 5.1.1000 x\r\n", [PeerReply(550, "", ("5.1.1000 x",))]),
    (b"550 bad \x1b[2J\x07 \xe2\x80\xaetext\r\n",
     [PeerReply(550, "", ("bad \\x1b[2J\\x07 \\u202etext",))]),
    (b"550 caf\xc3\xa9 caf\xe9\tx\r\n", [PeerReply(550, "", ("café caf\\xe9 x",))]),
    (b"421 a\rb\r\n", [PeerReply(421, "", ("a\\rb",))]),
]  # fmt: skip

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80)
PIECES = st.one_of(
    st.binary(max_size=80), st.sampled_from([b"250-", b"250 ok\r\n", b"5", b"\r\n", b"4.7.1 x"])
)


def reader(line: int = 512, reply: int = 2048) -> ReplyReader:
    return ReplyReader(max_line_octets=line, max_reply_octets=reply)


def read(pieces: list[bytes]) -> list[PeerReply]:
    made = reader()
    found = []
    for piece in pieces:
        made.feed(piece)
        while (reply := made.next_frame()) is not None:
            found.append(reply)
    assert len(made) == 0
    return found


@pytest.mark.parametrize(("octets", "replies"), TABLE)
def test_any_chunking_gives_the_same_replies(octets: bytes, replies: list[PeerReply]) -> None:
    assert read([octets]) == replies
    assert read([octets[at : at + 1] for at in range(len(octets))]) == replies


@pytest.mark.parametrize(
    "octets",
    [
        b"hello\r\n",
        b"\r\n",
        b"25 ok\r\n",
        b"2500 ok\r\n",
        b"150 ok\r\n",
        b"650 ok\r\n",
        b"250_ok\r\n",
        b"250-a\r\n251 b\r\n",
        b"250-a\r\nhello\r\n",
        b"250 " + b"x" * 600 + b"\r\n",
        b"x" * 600,
        b"250-" + b"x" * 400 + b"\r\n" + (b"250-" + b"x" * 400 + b"\r\n") * 6,
        b"250-\r\n" * 500,
    ],
)
def test_what_is_no_reply(octets: bytes) -> None:
    with pytest.raises(BadReply):
        read([octets])


def test_verbatim_is_what_was_said() -> None:
    [reply] = read([b"550-5.1.1 no such user\r\n550 5.1.1 ask postmaster\r\n"])
    assert reply.verbatim == "550-5.1.1 no such user\n550 5.1.1 ask postmaster"
    assert reply.one_line == "550 5.1.1 no such user 5.1.1 ask postmaster"
    assert reply.status == "5.1.1"
    assert PeerReply(451, "", ("later",)).status == "4.0.0"


@given(
    st.lists(
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80),
        min_size=1,
        max_size=5,
    )
)
def test_what_our_server_writes_is_read_back(lines: list[str]) -> None:
    [reply] = read([Reply(550, "1.1", "\n".join(lines)).encode()])
    assert (reply.code, reply.enhanced) == (550, "5.1.1")
    assert reply.lines == tuple(f"5.1.1 {line}" for line in lines)


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.sampled_from([b"250-", b"250 ok\r\n", b"5", b"\r\n", b"4.7.1 x"]),
        ),
        max_size=30,
    )
)
def test_any_octets_give_replies_or_its_own_error(pieces: list[bytes]) -> None:
    """Whole and in pieces the same, printable, and never more kept than the limits."""

    def run(parts: list[bytes]) -> list[object]:
        made, found = reader(), list[object]()
        for part in parts:
            made.feed(part)
            try:
                while (reply := made.next_frame()) is not None:
                    found.append(reply)
                    assert reply.verbatim.replace("\n", "").isprintable()
            except BadReply:
                return [*found, "bad"]
            assert len(made) <= 512 + 2048
        return found

    whole = b"".join(pieces)
    assert run(pieces) == run([whole]) == run([whole[at : at + 1] for at in range(len(whole))])
