"""POP3's parsers under any octets, any chunking: their own errors or a value, nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pillarbox.message.header import header_end
from pillarbox.pop3.wire.lines import LineCutter, LineTooLong
from pillarbox.pop3.wire.requests import COMMANDS, BadSyntax, parse_request
from pillarbox.pop3.wire.surrogate import surrogate_header

lines = st.one_of(
    st.binary(max_size=80),
    st.tuples(st.sampled_from(sorted(COMMANDS)), st.binary(max_size=40)).map(
        lambda pair: pair[0].encode() + b" " + pair[1]
    ),
    st.text(max_size=40).map(str.encode),
)


@given(lines)
def test_requests(line: bytes) -> None:
    try:
        parse_request(line)
    except BadSyntax:
        return


@given(st.lists(st.binary(max_size=40)), st.integers(1, 30))
def test_lines_do_not_depend_on_chunks(chunks: list[bytes], longest: int) -> None:
    def cut(parts: list[bytes]) -> list[bytes | None]:
        cutter = LineCutter(longest)
        found: list[bytes | None] = []
        for part in parts:
            cutter.feed(part)
            while cutter.has_line:
                try:
                    found.append(cutter.next_line())
                except LineTooLong:
                    found.append(None)
            assert cutter.waiting <= longest
        return found

    whole = b"".join(chunks) + b"\n"
    expected = cut([whole])
    assert cut([*chunks, b"\n"]) == expected
    assert cut([whole[at : at + 1] for at in range(len(whole))]) == expected


header_bits = st.sampled_from(
    ["From", "To", "Subject", "Message-ID", ": ", "\r\n", "\n", " ", "é", "ü@bücher.example",
     "<", ">", "(", ")", '"', ",", ":;", "=?utf-8?q?=C3=BC?=", "a@b", "😀"]
)  # fmt: skip


@given(st.one_of(st.binary(max_size=200), st.lists(header_bits).map(lambda b: "".join(b).encode())))
def test_surrogates_are_ascii(raw: bytes) -> None:
    header = raw[: header_end(raw, 0, len(raw))]
    surrogate = surrogate_header(header)
    assert surrogate.isascii()
    if header.isascii() and b"\r\n\r\n" not in header[:-4]:
        assert len(surrogate) <= len(header) + 2
