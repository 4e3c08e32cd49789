"""SMTP parsers and sessions under any octets, in any chunks: their own errors only, bounded."""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillarbox.smtp.server.registry import DIALECT, EXTENSIONS
from pillarbox.smtp.wire.commands import split_command
from pillarbox.smtp.wire.errors import BadSyntax
from pillarbox.smtp.wire.lines import LineFault, LineReader
from pillarbox.smtp.wire.params import decode_xtext, encode_xtext, parse_parameters
from pillarbox.smtp.wire.paths import parse_forward_path, parse_mailbox, parse_reverse_path
from support.fuzzing import LONGER
from support.smtp_bench import MemoryPeer, open_bench

_WORDS = [
    b"EHLO a", b"HELO a", b"LHLO a", b"MAIL FROM:", b"RCPT TO:", b"<alice@example.org>", b"<>",
    b"<", b">", b"@", b'"', b"\\", b"[", b"]", b"IPv6:::1", b" SIZE=", b" BODY=BINARYMIME",
    b" SMTPUTF8", b" NOTIFY=", b"SUCCESS,", b" ORCPT=rfc822;", b"+2B", b"DATA", b"BDAT 3",
    b" LAST", b"RSET", b"NOOP", b"AUTH PLAIN", b" AGE=", b"*", b"STARTTLS", b"VRFY x", b"QUIT",
    b"\r\n", b"\r", b"\n", b".", b" ", b"\r\n.\r\n", b"\0", b"\xff", "é".encode(), b"9" * 30,
    b"x" * 600,
]  # fmt: skip
_OCTETS = st.lists(st.one_of(st.sampled_from(_WORDS), st.binary(max_size=8)), max_size=30).map(
    b"".join
)


@pytest.mark.parametrize("parse", [parse_reverse_path, parse_forward_path])
@given(_OCTETS, st.booleans())
def test_paths(parse: Callable[[bytes], Any], octets: bytes, prefixed: bool) -> None:
    prefix = b"FROM:" if parse is parse_reverse_path else b"TO:"
    with contextlib.suppress(BadSyntax):
        path, rest = parse(prefix + octets if prefixed else octets)
        assert not set("\r\n\0") & set(path.address)
        if path.domain:
            assert parse_mailbox(path.address) == path
        with contextlib.suppress(BadSyntax):
            parse_parameters(rest)


@given(_OCTETS)
def test_every_verb(octets: bytes) -> None:
    name, arguments = split_command(octets)
    for verb in DIALECT.verbs.values():
        with contextlib.suppress(BadSyntax):
            verb.parse(arguments if verb.name == name else octets)


@given(st.one_of(st.none(), st.text(max_size=40)))
def test_every_parameter(value: str | None) -> None:
    for extension in EXTENSIONS:
        for row in (*extension.mail, *extension.rcpt):
            with contextlib.suppress(BadSyntax):
                row.parse(value)


@given(st.text())
def test_xtext_comes_back(text: str) -> None:
    assert decode_xtext(encode_xtext(text)).encode("latin-1") == text.encode()


@given(_OCTETS, st.integers(1, 50))
def test_lines(octets: bytes, chunk: int) -> None:
    def read(step: int) -> list[bytes | LineFault]:
        reader, found = LineReader(100), []
        for at in range(0, len(octets), step):
            reader.feed(octets[at : at + step])
            while (line := reader.next_line()) is not None:
                found.append(line)
                if line is LineFault.BARE_NEWLINE:
                    return found
        return found

    assert read(chunk) == read(len(octets) or 1)


_REPLY = re.compile(rb"(?:[2-5][0-9]{2}-[^\r\n]*\r\n)*[2-5][0-9]{2} [^\r\n]*\r\n")


@pytest.mark.parametrize("role", ["mx", "submission", "lmtp"])
@settings(
    max_examples=60 * LONGER,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(_OCTETS, st.integers(0, 20)), max_size=4))
def test_sessions(role: str, bursts: list[tuple[bytes, int]]) -> None:
    """Whatever comes, what goes out are whole replies, no 451 4.3.0 of a bug, and nothing hangs."""

    async def run(folder: Path) -> None:
        async with open_bench(folder) as bench:
            peer = MemoryPeer(bench, role)
            await peer.reply()
            hello = b"LHLO a\r\n" if role == "lmtp" else b"EHLO a\r\n"
            start = b"MAIL FROM:<>\r\nRCPT TO:<alice@example.org>\r\n"
            for octets, chunk in [(hello, 0), (start, 0), *bursts]:
                await peer.send(octets, chunk)
                await asyncio.sleep(0.001)
            await peer.send(b"\r\n.\r\n\r\nQUIT\r\n")
            await asyncio.sleep(0.005)
            peer.close()
            answer = await peer.rest()
            assert re.fullmatch(b"(?:" + _REPLY.pattern + b")*", answer)
            assert b"made a mistake" not in answer
            await asyncio.sleep(0)
            assert bench.server.connections == 0

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))
