"""What all types share: patches, windows of a query, ids of a /get (RFC 8620 §5)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pillarbox.jmap.errors import MethodRefused, RecordRefused
from pillarbox.jmap.standard import Get, Query, apply_patch, wanted_properties, window

RECORD = {"name": "x", "mailboxIds": {"F1": True, "F2": True}, "n": 1}


@pytest.mark.parametrize(
    ("patch", "patched"),
    [
        ({}, RECORD),
        ({"name": "y"}, {**RECORD, "name": "y"}),
        ({"name": None}, {"mailboxIds": {"F1": True, "F2": True}, "n": 1}),
        ({"gone": None}, RECORD),
        ({"mailboxIds/F1": None}, {**RECORD, "mailboxIds": {"F2": True}}),
        (
            {"mailboxIds/F1": None, "mailboxIds/F3": True},
            {**RECORD, "mailboxIds": {"F2": True, "F3": True}},
        ),
        ({"mailboxIds": {"F9": True}}, {**RECORD, "mailboxIds": {"F9": True}}),
        ({"a~1b": 2}, {**RECORD, "a/b": 2}),
    ],
)
def test_a_patch_changes_a_copy(patch: dict[str, Any], patched: dict[str, Any]) -> None:
    before = {"name": "x", "mailboxIds": {"F1": True, "F2": True}, "n": 1}
    assert apply_patch(before, patch) == patched
    assert before == RECORD


@pytest.mark.parametrize(
    "patch",
    [
        {"mailboxIds": {}, "mailboxIds/F1": None},
        {"name/first": "x"},
        {"nothing/inside": 1},
        {"/".join("a" * 40): 1},
    ],
)
def test_a_patch_that_is_none(patch: dict[str, Any]) -> None:
    with pytest.raises(RecordRefused) as refused:
        apply_patch(dict(RECORD), patch)
    assert refused.value.kind == "invalidPatch"


IDS = ["M1", "M2", "M3", "M4"]


@pytest.mark.parametrize(
    ("asked", "ids", "position"),
    [
        ({}, IDS, 0),
        ({"position": 1, "limit": 2}, ["M2", "M3"], 1),
        ({"position": -1}, ["M4"], 3),
        ({"position": -9}, IDS, 0),
        ({"position": 9}, [], 9),
        ({"anchor": "M3"}, ["M3", "M4"], 2),
        ({"anchor": "M3", "anchorOffset": -1, "limit": 1}, ["M2"], 1),
        ({"anchor": "M1", "anchorOffset": -5}, IDS, 0),
        ({"anchor": "M3", "position": -1}, ["M3", "M4"], 2),
        ({"limit": 0}, [], 0),
    ],
)
def test_the_part_of_a_result(asked: dict[str, Any], ids: list[str], position: int) -> None:
    arguments = msgspec.convert({"accountId": "A1", "calculateTotal": True, **asked}, Query)
    answer = window(arguments, IDS, "7", can_calculate=True)
    assert (answer["ids"], answer["position"], answer["total"]) == (ids, position, 4)


def test_an_anchor_that_is_not_there() -> None:
    arguments = msgspec.convert({"accountId": "A1", "anchor": "M9"}, Query)
    with pytest.raises(MethodRefused) as refused:
        window(arguments, IDS, "7", can_calculate=True)
    assert refused.value.kind == "anchorNotFound"


def test_properties_are_known_and_the_id_is_always_there() -> None:
    arguments = msgspec.convert({"accountId": "A1", "properties": ["name"]}, Get)
    assert wanted_properties(arguments, ("name", "role")) == {"id", "name"}
    with pytest.raises(MethodRefused):
        wanted_properties(arguments, ("role",))


@pytest.mark.parametrize("bad", [{"ids": "M1"}, {"ids": [1]}, {"ids": [""]}, {"id": []}, {}])
def test_arguments_of_wrong_types(bad: dict[str, Any]) -> None:
    given = bad or {"accountId": 1}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"accountId": "A1"} | given, Get)
