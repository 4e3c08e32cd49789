"""Whole messages with the digest that they had when somebody last looked at it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from pillarbox.message.digest import digest
from pillarbox.message.part import Part
from pillarbox.message.text import searchable_text
from support.imap_data import parse

FOLDER = Path(__file__).parent.parent / "corpus" / "message"
MESSAGES = sorted(FOLDER.glob("*.eml"))


def tree(octets: bytes, part: Part) -> dict[str, object]:
    """The part as readable JSON: fields that say something, and where it begins and ends."""
    shown: dict[str, object] = {
        "type": f"{part.type}/{part.subtype}",
        "offsets": [part.header_start, part.body_start, part.body_end],
        "lines": part.body_lines,
        "encoding": part.encoding,
    }
    if part.params:
        shown["params"] = dict(part.params)
    if part.disposition_params:
        shown["disposition_params"] = dict(part.disposition_params)
    for name in ("content_id", "description", "md5", "disposition", "language", "location"):
        if value := getattr(part, name):
            shown[name] = value
    if part.envelope:
        shown["envelope"] = part.envelope.decode("latin-1")
    if part.children:
        shown["children"] = [tree(octets, child) for child in part.children]
    return shown


def golden(octets: bytes) -> dict[str, object]:
    found = digest(octets)
    shown: dict[str, object] = {}
    for name in found.__struct_fields__:
        value = getattr(found, name)
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        elif isinstance(value, Part):
            value = tree(octets, value)
        elif name == "references":
            value = [one.decode("latin-1") for one in value]
        elif isinstance(value, msgspec.Struct):
            value = {key: getattr(value, key) for key in value.__struct_fields__}
        shown[name] = value
    shown["text"] = searchable_text(octets, found.root, max_octets=100_000)
    return shown


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_the_digest_is_as_it_was(path: Path, accept: bool) -> None:
    shown = json.loads(json.dumps(golden(path.read_bytes())))
    file = path.with_suffix(".json")
    if accept:
        file.write_text(json.dumps(shown, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert shown == json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_what_is_sent_to_clients_is_valid(path: Path) -> None:
    found = digest(path.read_bytes())
    for octets in (found.envelope, found.body, found.bodystructure):
        parse(octets)


def test_there_is_a_corpus() -> None:
    assert len(MESSAGES) > 20
