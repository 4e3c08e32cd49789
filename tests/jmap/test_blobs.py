"""Blob ids and the octets behind them: messages, parts, parts of parts, uploads."""

from __future__ import annotations

import base64
import random

import pytest

from pillarbox.errors import Damaged
from pillarbox.jmap.blobs import Blob, find_blob
from pillarbox.jmap.ids import upload_blob_id
from pillarbox.store.sql import messages, uploads
from support.jmap_bench import JmapBox
from support.store_box import letter

TRACE = b"Received: us\r\n"


def multipart(*parts: bytes, boundary: str = "x") -> bytes:
    line = b"--" + boundary.encode()
    body = b"".join(line + b"\r\n" + part + b"\r\n" for part in parts) + line + b"--\r\n"
    head = f"Subject: several\r\nContent-Type: multipart/mixed; boundary={boundary}\r\n\r\n"
    return head.encode() + body


def part(content: bytes, media: str, encoding: str = "7bit", more: str = "") -> bytes:
    head = f"Content-Type: {media}\r\nContent-Transfer-Encoding: {encoding}\r\n{more}\r\n"
    return head.encode() + content


FILE = random.Random(5).randbytes(3000)
INNER = multipart(
    part(b"within", "text/plain"),
    part(base64.encodebytes(FILE), "image/png", "base64"),
    boundary="inner",
)
OUTER = multipart(
    part(b"Sch=C3=B6n", "text/plain", "quoted-printable"),
    part(INNER, "message/rfc822"),
    part(base64.encodebytes(INNER), "message/rfc822", "base64"),
    part(FILE[:100].hex().encode(), "text/x; name=a.txt", "x-unknown"),
)


async def read(box: JmapBox, blob_id: str) -> bytes | None:
    blob = await find_blob(box.store, box.alice.id, blob_id)
    if blob is None:
        return None
    octets = await blob.read()
    assert len(octets) == blob.size
    assert octets == b"".join([chunk async for chunk in blob.chunks()])
    return octets


@pytest.mark.parametrize(
    ("blob_id", "octets"),
    [
        ("B1", TRACE + OUTER),
        ("B1_1", "Schön".encode()),
        ("B1_2", INNER),
        ("B1_2_1", b"within"),
        ("B1_2_2", FILE),
        ("B1_3", INNER),
        ("B1_3_1", b"within"),
        ("B1_3_2", FILE),
        ("B1_4", FILE[:100].hex().encode()),
        ("B2_1", b"A few words.\r\n"),
        # What there is not:
        ("B3", None),
        ("B1_0", None),
        ("B1_5", None),
        ("B1_2-1", None),
        ("B1_1_2", None),
        ("B1_", None),
        ("B1__1", None),
        ("B1_1-", None),
        ("B1_-1", None),
        ("B", None),
        ("", None),
        ("_", None),
        ("B1_" + "9" * 7, None),
        ("B" + "9" * 19, None),
        ("B1" + "_1" * 30, None),
        ("U" + "0" * 64, None),
        ("M1", None),
        ("../B1", None),
    ],
)
async def test_what_an_id_stands_for(box: JmapBox, blob_id: str, octets: bytes | None) -> None:
    await box.append(OUTER, trace=TRACE)
    await box.append(letter(), trace=TRACE)
    found = await read(box, blob_id)
    # The line end in front of a boundary is not the part's.
    assert (found or b"").rstrip() == (octets or b"").rstrip()
    assert (found is None) is (octets is None)


async def test_types_and_names(box: JmapBox) -> None:
    await box.append(OUTER)
    found: list[Blob | None] = [
        await find_blob(box.store, box.alice.id, one) for one in ("B1", "B1_2_2", "B1_4")
    ]
    assert [(one.type, one.name) for one in found if one is not None] == [
        ("message/rfc822", None),
        ("image/png", None),
        ("text/x", "a.txt"),
    ]


async def test_a_large_file_comes_whole(box: JmapBox) -> None:
    octets = random.Random(3).randbytes(2_000_000)
    await box.append(
        multipart(part(base64.encodebytes(octets), "image/png", "base64")), trace=TRACE
    )
    assert await read(box, "B1_1") == octets


async def test_uploads_and_their_parts_are_their_owners(box: JmapBox) -> None:
    with box.store.spool() as spool:
        spool.write(OUTER)
        sealed = await spool.seal()
        await box.store.write(
            lambda tx: uploads.add(
                tx, box.alice.id, sealed, "text/x-mail", most_files=9, most_octets=1 << 20
            )
        )
    blob_id = upload_blob_id(sealed.id)
    assert await read(box, blob_id) == OUTER
    assert await read(box, f"{blob_id}_2_2") == FILE
    found = await find_blob(box.store, box.alice.id, blob_id)
    assert found is not None and found.type == "text/x-mail"
    bob = await box.new_account("bob@example.org")
    assert await find_blob(box.store, bob.id, blob_id) is None


async def test_other_peoples_and_expunged_mail_is_not_there(box: JmapBox) -> None:
    done = await box.append()
    bob = await box.new_account("bob@example.org")
    assert await find_blob(box.store, bob.id, "B1_1") is None
    assert await read(box, "B1_1") is not None
    await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id, [done.uid], force=True)
    )
    assert await read(box, "B1_1") is None


async def test_damage_is_told(box: JmapBox) -> None:
    await box.append()
    (segment,) = (box.folder / "data").rglob("*.seg*")
    segment.write_bytes(segment.read_bytes()[:-5] + b"xxxxx")
    blob = await find_blob(box.store, box.alice.id, "B1")
    assert blob is not None
    with pytest.raises(Damaged):
        await blob.read()


async def test_blob_copy(box: JmapBox) -> None:
    """Within the one account that there is; of another nothing is known (RFC 8620 §6.3)."""
    await box.append()
    own = f"A{box.alice.id}"
    answer = await box.call("Blob/copy", fromAccountId=own, blobIds=["B1", "B9", "x"])
    assert answer == {
        "fromAccountId": own,
        "accountId": own,
        "copied": {"B1": "B1"},
        "notCopied": {"B9": {"type": "notFound"}, "x": {"type": "notFound"}},
    }
    answer = await box.call("Blob/copy", fromAccountId="A99", blobIds=["B1"])
    assert answer["type"] == "fromAccountNotFound"
    many = [f"B{n}" for n in range(box.limits.max_objects_in_set + 1)]
    answer = await box.call("Blob/copy", fromAccountId=own, blobIds=many)
    assert answer["type"] == "requestTooLarge"
