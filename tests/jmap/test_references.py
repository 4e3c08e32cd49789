"""Back-references, by the examples of RFC 8620 §3.7 and what a client may get wrong."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.jmap.errors import MethodRefused
from pillarbox.jmap.references import Response, resolve_references

LONG = "9" * 400
CHANGES: Response = (
    "Foo/changes",
    {"created": ["f1", "f4"], "updated": [], "a/b": {"m~n": 8}},
    "t0",
)
EMAILS: Response = (
    "Email/get",
    {"list": [{"threadId": "T1", "k": ["x", "y"]}, {"threadId": "T2", "k": []}]},
    "t1",
)


def reference(call: str, name: str, path: str) -> dict[str, str]:
    return {"resultOf": call, "name": name, "path": path}


@pytest.mark.parametrize(
    ("call", "name", "path", "value"),
    [
        ("t0", "Foo/changes", "/created", ["f1", "f4"]),
        ("t0", "Foo/changes", "/created/1", "f4"),
        ("t0", "Foo/changes", "/updated", []),
        ("t0", "Foo/changes", "/updated/*", []),
        ("t0", "Foo/changes", "/a~1b/m~0n", 8),
        ("t1", "Email/get", "/list/*/threadId", ["T1", "T2"]),
        ("t1", "Email/get", "/list/*/k", ["x", "y"]),
        ("t1", "Email/get", "", EMAILS[1]),
    ],
)
def test_a_reference_stands_for_a_value(call: str, name: str, path: str, value: Any) -> None:
    resolved = resolve_references(
        {"accountId": "A1", "#ids": reference(call, name, path)}, [CHANGES, EMAILS]
    )
    assert resolved == {"accountId": "A1", "ids": value}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"#ids": reference("t9", "Foo/changes", "/created")}, "invalidResultReference"),
        ({"#ids": reference("t0", "Foo/get", "/created")}, "invalidResultReference"),
        ({"#ids": reference("t0", "Foo/changes", "/nothing")}, "invalidResultReference"),
        ({"#ids": reference("t0", "Foo/changes", "/created/2")}, "invalidResultReference"),
        ({"#ids": reference("t0", "Foo/changes", "/created/01")}, "invalidResultReference"),
        ({"#ids": reference("t0", "Foo/changes", "/created/-")}, "invalidResultReference"),
        (
            {"#ids": reference("t0", "Foo/changes", "/created/" + LONG)},
            "invalidResultReference",
        ),
        ({"#ids": reference("t0", "Foo/changes", "created")}, "invalidResultReference"),
        ({"#ids": ["f1"]}, "invalidResultReference"),
        ({"#ids": {"resultOf": "t0", "name": "Foo/changes"}}, "invalidResultReference"),
        (
            {"ids": ["f1"], "#ids": reference("t0", "Foo/changes", "/created")},
            "invalidArguments",
        ),
    ],
)
def test_what_cannot_be_resolved(given: dict[str, Any], kind: str) -> None:
    with pytest.raises(MethodRefused) as refused:
        resolve_references(given, [CHANGES, EMAILS])
    assert refused.value.kind == kind


def test_a_reference_cannot_grow_without_end() -> None:
    many: Response = ("Foo/get", {"list": [{"ids": ["x"] * 1000}] * 100}, "t0")
    with pytest.raises(MethodRefused):
        resolve_references({"#ids": reference("t0", "Foo/get", "/list/*/ids")}, [many])
