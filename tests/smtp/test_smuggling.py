"""Every spelling of a false end of data, at the door: no second message, no second sender."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from support.end_of_data import SMUGGLED_ENDS
from support.smtp_bench import MemoryPeer, open_bench

INNER = (
    b"MAIL FROM:<evil@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: evil\r\n\r\n"
)


@pytest.mark.parametrize("chunk", [0, 1])
@pytest.mark.parametrize("end", SMUGGLED_ENDS, ids=repr)
def test_no_false_end_brings_a_second_message(tmp_path: Path, end: bytes, chunk: int) -> None:
    async def run() -> None:
        async with open_bench(tmp_path) as bench:
            peer = MemoryPeer(bench)
            await peer.reply()
            for line in (
                "EHLO x.example.net",
                "MAIL FROM:<carol@example.net>",
                "RCPT TO:<alice@example.org>",
                "DATA",
            ):
                await peer.ask(line)
            await peer.send(b"Subject: x\r\n\r\ntext" + end + INNER + b".\r\n", chunk)
            reply = await peer.reply()
            assert await peer.ask("QUIT") == "221 2.0.0 Good-bye"
            assert await peer.rest() == b""
            assert await bench.octets("bob@example.org") == []
            delivered = await bench.octets("alice@example.org")
            if reply.startswith("550 5.6.0 "):
                assert delivered == []
            else:  # a dot that was text: all of it is one message
                assert reply.startswith("250 ") and b"evil@example.net" in delivered[0]

    asyncio.run(run())
