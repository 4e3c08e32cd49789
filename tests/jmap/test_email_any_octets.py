"""Whatever octets a message has, telling of it is no error, and the answer is JSON."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.jmap.email.octets import Held, Source
from pillarbox.jmap.email.record import Email
from pillarbox.jmap.email.wanted import KNOWN, BodyArguments, Wanted, check_wanted
from pillarbox.message.digest import digest

CORPUS = [
    path.read_bytes()
    for path in sorted((Path(__file__).parents[1] / "corpus" / "message").glob("*.eml"))
]
FORMS = ["asText", "asAddresses", "asGroupedAddresses", "asMessageIds", "asDate", "asURLs"]
ALL: Wanted = check_wanted(
    [
        *KNOWN,
        "header:Subject:asText:all",
        "header:From:asGroupedAddresses",
        *(f"header:X-Field:{form}:all" for form in FORMS),
    ],
    BodyArguments(
        account_id="A1",
        body_properties=("partId", "blobId", "size", "headers", "name", "type", "charset",
            "disposition", "cid", "language", "location", "header:X-Field:asText"),
        fetch_all_body_values=True,
        max_body_value_bytes=100,
    ),
)  # fmt: skip


def tell(octets: bytes) -> dict[str, Any]:
    found = digest(octets)
    email = Email("B1", found.envelope, len(octets), found.preview)
    email.part_tree = found.root
    asyncio.run(email.load(Source(Held(octets), found.root), ALL, 4096))
    return email.answer(ALL)


def check(octets: bytes) -> None:
    told = tell(octets)
    assert msgspec.json.decode(msgspec.json.encode(told)) == told
    listed = told["textBody"] + told["htmlBody"] + told["attachments"]
    assert listed and all(part["size"] >= 0 and part["type"] for part in listed)
    assert len(told["preview"]) <= 256
    for value in told["bodyValues"].values():
        assert len(value["value"].encode()) <= 100 and "\r\n" not in value["value"]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_octets(octets: bytes) -> None:
    check(octets)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=120))
def test_any_octets_in_every_form(octets: bytes) -> None:
    value = octets.replace(b"\n", b"\n ")
    check(
        b"X-Field: " + value + b"\r\nContent-Type: " + value + b"\r\nFrom: " + value + b"\r\n\r\n"
    )


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(CORPUS), st.integers(0, 2**32))
def test_mutations_of_the_corpus(octets: bytes, seed: int) -> None:
    chance = random.Random(seed)
    changed = bytearray(octets)
    for _ in range(chance.randrange(1, 8)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(4):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del changed[at : at + chance.randrange(40)]
            case 2:
                other = chance.choice(CORPUS)
                start = chance.randrange(len(other) + 1)
                changed[at:at] = other[start : start + chance.randrange(80)]
            case _:
                changed[at:at] = chance.choice(
                    [b"\r\n", b"\n", b"\0", b"--", b"=?", b'"', b"\xff", b";"]
                )
    check(bytes(changed))
