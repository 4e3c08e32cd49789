"""What is only passed on is not taken apart, and known by its Message-ID all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pillarbox.flow.delivery.keep import seal
from support.store_box import Box, letter


@pytest.mark.parametrize(
    "octets",
    [
        letter(Message_ID="<a.b@example.org>"),
        letter(Message_ID="\r\n <a.b@example.org>"),
        letter(),
        b"Message-ID: broken\r\n\r\nMessage-ID: <body@example.org>\r\n",
        b"\r\nno header\r\n",
        b"",
    ],
)
def test_both_ways_know_the_same_name(tmp_path: Path, octets: bytes) -> None:
    async def work() -> None:
        async with Box(tmp_path) as box:
            found = []
            for for_mailbox in (True, False):
                with box.store.spool() as spool:
                    spool.write(octets)
                    found.append(await seal(spool, for_mailbox=for_mailbox))
            kept, passed_on = found
            assert passed_on.scanned is None
            assert kept.message_id == passed_on.message_id == kept.digest.message_id
            assert kept.blob.id == passed_on.blob.id

    asyncio.run(work())
