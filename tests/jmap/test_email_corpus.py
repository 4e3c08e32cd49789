"""Every message of the corpus as JMAP tells it, beside what Python's email package reads in it.

The library is an independent reader; where the two differ on purpose, a table says why.
"""

from __future__ import annotations

import email
import email.policy
import email.utils
import json
from datetime import datetime
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from pillarbox.jmap.blobs import find_blob
from support.jmap_bench import JmapBox

CORPUS = sorted((Path(__file__).parents[1] / "corpus" / "message").glob("*.eml"))
TREES_DIFFER = {
    "boundary-missing": "the library makes a text of it, we a multipart with one text",
    "empty-multipart": "the library has a multipart without parts",
    "format-tricks": "the library takes two boundary lines together for one",
    "header-only": "the library ends a header at the first odd line",
    "odd-fields": "the library does not know a blank before the colon",
}
ADDRESSES_DIFFER = {
    "odd-addresses": "the library reads no source routes, and no address without a domain",
    "odd-fields": "the library does not know a blank before the colon",
}
EVERYTHING = [
    "id", "blobId", "threadId", "mailboxIds", "keywords", "size", "receivedAt", "messageId",
    "inReplyTo", "references", "sender", "from", "to", "cc", "bcc", "replyTo", "subject", "sentAt",
    "hasAttachment", "preview", "headers", "bodyStructure", "bodyValues", "textBody", "htmlBody",
    "attachments", "header:Subject", "header:To:asGroupedAddresses", "header:Received:all",
    "header:List-Unsubscribe:asURLs", "header:Date:asDate", "header:X-Any:asMessageIds:all",
]  # fmt: skip
OF_PART = [
    "partId", "blobId", "size", "headers", "name", "type", "charset", "disposition", "cid",
    "language", "location", "subParts", "header:Content-Type:asText",
]  # fmt: skip


async def told_of(box: JmapBox, path: Path, **more: Any) -> dict[str, Any]:
    await box.append(path.read_bytes())
    arguments: dict[str, Any] = {"properties": EVERYTHING, "bodyProperties": OF_PART} | more
    answer = await box.call("Email/get", ids=["M1"], fetchAllBodyValues=True, **arguments)
    json.dumps(answer, ensure_ascii=False).encode()  # no half surrogates
    (told,) = answer["list"]
    record: dict[str, Any] = told
    return record


def parts_of(message: Message) -> list[Message]:
    """The library's parts, as JMAP counts them: not into messages within the message."""
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        children: Any = message.get_payload()
        return [found for child in children for found in parts_of(child)]
    return [message]


def leaves_of(part: dict[str, Any]) -> list[dict[str, Any]]:
    if part["subParts"] is None:
        return [part]
    return [found for child in part["subParts"] for found in leaves_of(child)]


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
async def test_all_properties_at_once_of_anything(box: JmapBox, path: Path) -> None:
    told = await told_of(box, path)
    assert set(told) == set(EVERYTHING)
    listed = told["textBody"] + told["htmlBody"] + told["attachments"]
    leaves = leaves_of(told["bodyStructure"])
    assert {one["partId"] for one in listed} == {one["partId"] for one in leaves}
    texts = {one["partId"] for one in leaves if one["type"].startswith("text/")}
    assert set(told["bodyValues"]) == texts
    for leaf in leaves:
        blob = await find_blob(box.store, box.alice.id, leaf["blobId"])
        assert blob is not None and len(await blob.read()) == leaf["size"] == blob.size
    # Attached messages are parsed as the same whatever they are within.
    within = [one["blobId"] for one in leaves if one["type"] == "message/rfc822"]
    answer = await box.call("Email/parse", blobIds=["B1", *within])
    assert set(answer["parsed"]) == {"B1", *within}


@pytest.mark.parametrize(
    "path", [one for one in CORPUS if one.stem not in TREES_DIFFER], ids=lambda path: path.stem
)
async def test_parts_types_and_texts(box: JmapBox, path: Path) -> None:
    told = await told_of(box, path)
    theirs = parts_of(email.message_from_bytes(path.read_bytes(), policy=email.policy.compat32))
    ours = leaves_of(told["bodyStructure"])
    assert [one["type"] for one in ours] == [one.get_content_type() for one in theirs]
    for one, other in zip(ours, theirs, strict=True):
        payload = other.get_payload(decode=True)
        if not isinstance(payload, bytes):
            continue  # a message, or a report
        charset = other.get_content_charset("us-ascii")
        value = told["bodyValues"].get(one["partId"])
        if value is None or value["isEncodingProblem"] or charset not in {"us-ascii", "utf-8"}:
            continue  # charsets are compared by the message package's own tests
        text = payload.decode(charset).replace("\r\n", "\n")
        assert value["value"].strip() == text.strip()


@pytest.mark.parametrize(
    "path", [one for one in CORPUS if one.stem not in ADDRESSES_DIFFER], ids=lambda path: path.stem
)
async def test_addresses_dates_and_fields(box: JmapBox, path: Path) -> None:
    told = await told_of(box, path)
    theirs = email.message_from_bytes(path.read_bytes(), policy=email.policy.compat32)
    for name in ("from", "to", "cc"):
        raw = theirs.get_all(name)
        if raw is None or not all(str(one).isascii() for one in raw):
            continue
        pairs = email.utils.getaddresses([str(one) for one in raw])
        assert [one["email"] for one in told[name] or ()] == [spec for _, spec in pairs if spec]
    written = theirs.get("Date")
    if written is not None and path.stem != "format-tricks":  # an hour of 25
        moment = email.utils.parsedate_to_datetime(str(written))
        ours = datetime.fromisoformat(told["sentAt"])
        assert ours.timestamp() == (
            moment.timestamp() if moment.tzinfo else moment.replace(tzinfo=ours.tzinfo).timestamp()
        )
    if path.stem not in TREES_DIFFER and path.stem not in {"no-header", "nul-and-controls"}:
        names = [one["name"] for one in told["headers"]]
        assert names == list(theirs.keys())
