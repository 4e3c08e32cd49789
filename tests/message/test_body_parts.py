"""Bodies from parts: every octet of content comes back, in lines that any server takes."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.message.body_parts import Leaf, Multipart, Node, encode_message, text_octets
from pillarbox.message.compose import fold_words
from pillarbox.message.digest import digest
from pillarbox.message.part import Part
from pillarbox.message.text import decoded_part

TOP = b"Subject: x\r\nMIME-Version: 1.0\r\n"


def text(value: str, kind: str = "text/plain") -> Leaf:
    fields = fold_words("Content-Type", [f"{kind};", "charset=utf-8"])
    return Leaf(kind, fields, text_octets(value), True)


def file(content: bytes, kind: str = "application/octet-stream") -> Leaf:
    return Leaf(kind, fold_words("Content-Type", [kind]), content, False)


def mixed(*parts: Node) -> Multipart:
    return Multipart(("multipart/mixed",), b"", parts)


def read(octets: bytes) -> EmailMessage:
    return email.message_from_bytes(octets, policy=email.policy.default)


def leaves(part: Part) -> list[Part]:
    if not part.children or part.type == "message":
        return [part]
    return [leaf for child in part.children for leaf in leaves(child)]


NODES = st.recursive(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=300).map(text),
        st.binary(max_size=300).map(file),
    ),
    lambda inner: st.lists(inner, min_size=1, max_size=4).map(lambda parts: mixed(*parts)),
    max_leaves=12,
)


def contents(node: Node) -> list[bytes]:
    if isinstance(node, Leaf):
        return [node.content]
    return [content for part in node.parts for content in contents(part)]


@settings(deadline=None)
@given(NODES)
def test_each_part_comes_back_and_ours_sees_what_pythons_sees(node: Node) -> None:
    octets = encode_message(TOP, node)
    assert octets.isascii()
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert octets.count(b"\n") == octets.count(b"\r") == octets.count(b"\r\n")
    scanned = leaves(digest(octets).root)
    pythons = [part for part in read(octets).walk() if not part.is_multipart()]
    wanted = contents(node)
    assert [decoded_part(octets, part) for part in scanned] == wanted
    decoded = [cast(bytes, part.get_payload(decode=True)) for part in pythons]
    # Python ends the lines of quoted-printable text with what it found.
    assert [one.replace(b"\r\n", b"\n") for one in decoded] == [
        one.replace(b"\r\n", b"\n") for one in wanted
    ]


@pytest.mark.parametrize(
    ("value", "encoding"),
    [
        ("", "7bit"),
        ("Hello\nBob", "7bit"),
        ("x" * 998, "7bit"),
        ("x" * 999, "quoted-printable"),
        ("Grüße", "quoted-printable"),
        ("nul \0", "quoted-printable"),
        ("漢字かな" * 20, "base64"),
    ],
)
def test_the_mildest_encoding_that_holds_it(value: str, encoding: str) -> None:
    octets = encode_message(TOP, text(value))
    assert read(octets)["content-transfer-encoding"] == encoding
    assert decoded_part(octets, digest(octets).root) == value.replace("\n", "\r\n").encode()


def test_an_enclosed_message_is_not_encoded_and_keeps_its_eight_bits() -> None:
    inner = "Subject: inside\nContent-Type: text/plain; charset=utf-8\n\nGrüße\n".encode()
    octets = encode_message(TOP, mixed(text("see below"), file(inner, "message/rfc822")))
    root = digest(octets).root
    assert root.encoding == "8bit"
    assert (root.children[1].encoding, len(root.children[1].children)) == ("8bit", 1)
    assert inner.replace(b"\n", b"\r\n") in octets
    _, enclosed = cast(list[EmailMessage], read(octets).get_payload())
    assert cast(EmailMessage, enclosed.get_content())["subject"] == "inside"


def test_an_enclosed_message_with_too_long_a_line_is_encoded_within() -> None:
    inner = b"Subject: inside\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 2000
    octets = encode_message(TOP, file(inner, "message/rfc822"))
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    (leaf,) = digest(octets).root.children
    assert decoded_part(octets, leaf) == b"x" * 2000


def test_a_boundary_cannot_be_foreseen_from_inside() -> None:
    first = encode_message(TOP, mixed(text("a")))
    boundary = digest(first).root.params[0][1]
    again = encode_message(TOP, mixed(text(f"a\n--{boundary}--\n")))
    assert len(digest(again).root.children) == 1
    assert digest(again).root.params[0][1] != boundary
