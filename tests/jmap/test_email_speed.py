"""What telling of messages costs: lists come from columns, hostile mail opens in time."""

from __future__ import annotations

import time
from typing import Any

import pytest

from pillarbox.store.blobs.content import Blobs
from support.jmap_bench import JmapBox
from support.store_box import letter

pytestmark = pytest.mark.timed

LIST = [
    "threadId", "mailboxIds", "keywords", "hasAttachment", "from", "to", "cc", "subject",
    "receivedAt", "sentAt", "size", "preview", "messageId", "inReplyTo",
]  # fmt: skip


async def test_a_list_reads_no_octets(box: JmapBox, monkeypatch: pytest.MonkeyPatch) -> None:
    await box.fill(3)
    reads = 0
    real = Blobs.read

    async def counting(*arguments: Any) -> bytes:
        nonlocal reads
        reads += 1
        return await real(*arguments)

    monkeypatch.setattr(Blobs, "read", counting)
    answer = await box.call("Email/get", ids=["M1", "M2", "M3"], properties=LIST)
    assert (len(answer["list"]), reads) == (3, 0)
    kinds = {"properties": ["bodyStructure", "textBody"], "bodyProperties": ["partId", "type"]}
    assert (await box.call("Email/get", ids=["M1"], **kinds))["list"] and reads == 0
    await box.call("Email/get", ids=["M1"], fetchTextBodyValues=True)
    assert reads == 1  # header, sizes and text of a small message in one go


DIVS = letter(body="<div>" * 120_000, Content_Type="text/html")
LINE = letter(body="x" * (25 << 20))
PARTS = letter(
    body="\r\n".join(f"--x\r\n\r\npart {n}" for n in range(10_000)) + "\r\n--x--",
    Content_Type="multipart/mixed; boundary=x",
)
FILES = letter(
    body="\r\n".join(["--x\r\nContent-Transfer-Encoding: base64\r\n\r\n" + "QUJD" * 2500] * 1000),
    Content_Type="multipart/mixed; boundary=x",
)


DEEP = b"".join(
    b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(300)
)


@pytest.mark.parametrize(
    "raw", [DIVS, LINE, PARTS, FILES, DEEP], ids=["divs", "line", "parts", "files", "deep"]
)
async def test_hostile_mail_opens_in_time(box: JmapBox, raw: bytes) -> None:
    await box.append(raw, short=False)
    started = time.process_time()
    answer = await box.call(
        "Email/get",
        ids=["M1"],
        properties=[*LIST, "bodyStructure", "textBody", "htmlBody", "attachments", "bodyValues"],
        fetchHTMLBodyValues=True,
        maxBodyValueBytes=256 << 10,
    )
    assert len(answer["list"]) == 1
    assert time.process_time() - started < 2.0
