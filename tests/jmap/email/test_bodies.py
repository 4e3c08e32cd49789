"""What is text and what is an attachment, by trees of parts (RFC 8621 §4.1.4)."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.jmap.email.bodies import bodies_of
from pillarbox.jmap.email.parts import body_part, find_part, walk
from pillarbox.message.part import Part

Tree = Any  # (type, children…) or "name type[;disposition][;filename]"


def part(tree: Tree) -> Part:
    """A tree of parts; each leaf's letter is its Content-ID."""
    if isinstance(tree, tuple):
        kind, *children = tree
        return Part(0, 0, 0, 0, type="multipart", subtype=kind, children=tuple(map(part, children)))
    letter, media, *more = tree.replace(";", " ").split(" ")
    main, sub = media.split("/")
    return Part(
        0,
        0,
        0,
        0,
        type=main,
        subtype=sub,
        content_id=f"<{letter}>",
        disposition=more[0] if more and more[0] else None,
        disposition_params=(("filename", more[1]),) if len(more) > 1 else (),
    )


LIST_MAIL = (
    "mixed",
    "A text/plain;inline",
    (
        "mixed",
        (
            "alternative",
            ("mixed", "B text/plain;inline", "C image/jpeg;inline", "D text/plain;inline"),
            ("related", "E text/html", "F image/jpeg"),
        ),
        "G image/jpeg;attachment",
        "H application/x-excel",
        "J message/rfc822",
    ),
    "K text/plain;inline",
)


@pytest.mark.parametrize(
    ("tree", "text", "html", "attachments"),
    [
        (LIST_MAIL, "ABCDK", "AEK", "CFGHJ"),  # the RFC's own example
        ("A text/plain", "A", "A", ""),
        ("A text/html", "A", "A", ""),
        ("A application/pdf", "", "", "A"),
        ("A text/plain;attachment", "", "", "A"),
        ("A text/calendar", "", "", "A"),
        ("A image/png", "A", "A", ""),
        (("alternative", "A text/plain", "B text/html"), "A", "B", ""),
        (("alternative", "A text/plain"), "A", "A", ""),
        (("alternative", "A text/html"), "A", "A", ""),
        (("alternative", "A text/plain", "B text/html", "C text/calendar"), "A", "B", "C"),
        (("alternative", "A text/plain", "B image/png"), "A", "A", "B"),
        (("mixed", "A text/plain", "B text/plain"), "AB", "AB", ""),
        (("mixed", "A text/plain", "B text/plain;;notes.txt"), "A", "A", "B"),
        (("mixed", "A text/plain;;notes.txt", "B text/plain"), "AB", "AB", ""),
        (("mixed", "A text/plain", "B image/png;;x.png"), "AB", "AB", ""),
        (("related", "A text/html", "B image/png"), "A", "A", "B"),
        (("related", "A text/html", "B text/html"), "A", "A", "B"),
        (
            ("alternative", "A text/plain", ("related", "B text/html", "C image/png")),
            "A",
            "B",
            "C",
        ),
        (
            ("alternative", "A text/plain", ("mixed", "B text/html", "C application/pdf")),
            "A",
            "B",
            "C",
        ),
        (("signed", "A text/plain", "B application/pgp-signature"), "A", "A", "B"),
        # An alternative within one whose other branch was chosen: nothing is lost.
        (
            (
                "alternative",
                ("mixed", "A text/html", ("alternative", "B text/plain", "C text/html")),
            ),
            "AC",
            "AC",
            "B",
        ),
        (("mixed", "A message/rfc822"), "", "", "A"),
    ],
)
def test_lists(tree: Tree, text: str, html: str, attachments: str) -> None:
    root = body_part(part(tree))
    found = bodies_of(root)
    told = tuple(
        "".join(one.cid or "" for one in parts)
        for parts in (found.text, found.html, found.attachments)
    )
    assert told == (text, html, attachments)
    shown = {one.number for one in (*found.text, *found.html, *found.attachments)}
    assert shown == {one.number for one in walk(root) if not one.is_multipart}


def test_numbers_are_those_of_imap() -> None:
    root = part(LIST_MAIL)
    numbers = {one.cid: one.number for one in walk(body_part(root)) if not one.is_multipart}
    assert numbers == {
        "A": "1", "B": "2.1.1.1", "C": "2.1.1.2", "D": "2.1.1.3", "E": "2.1.2.1",
        "F": "2.1.2.2", "G": "2.2", "H": "2.3", "J": "2.4", "K": "3",
    }  # fmt: skip
    for cid, number in numbers.items():
        found = find_part(root, tuple(map(int, number.split("."))))
        assert found is not None and found.content_id == f"<{cid}>"
    assert body_part(part("A text/plain")).number == "1"


@pytest.mark.parametrize("path", [(), (2,), (4,), (2, 1), (1, 1), (2, 4, 1), (0,)])
def test_numbers_of_no_part_with_content(path: tuple[int, ...]) -> None:
    assert find_part(part(LIST_MAIL), path) is None
