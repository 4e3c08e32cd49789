"""Canonical forms (RFC 6376 §3.4): the RFC's example, and whatever octets against the oracle."""

from __future__ import annotations

import base64
import hashlib
import mmap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.trust.dkim import body as body_module
from pillarbox.trust.dkim.body import canonical_body, hash_body
from pillarbox.trust.dkim.header import Canon, Header, relaxed_field, simple_field
from support import dkim_oracle

PIECES = [
    b" ", b"  ", b"\t", b"\r\n", b"\n", b"\r", b"\r\r", b"\r\n\r\n", b"a", b"bc", b" \r\n",
    b"\t\r\n", b"\xff", b"\x0b", b" " * 9, b"\r \r", b" \r", b"\r\t\n",
]  # fmt: skip
bodies = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
canons = st.sampled_from(["simple", "relaxed"])


@given(bodies, canons, st.integers(2, 8))
def test_body_in_pieces_of_any_size(octets: bytes, canon: Canon, step: int) -> None:
    wanted = dkim_oracle.body(octets, canon)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(body_module, "_STEP", step)
        assert b"".join(canonical_body(b"head" + octets, 4, 4 + len(octets), canon)) == wanted
    assert b"".join(canonical_body(octets, 0, len(octets), canon)) == wanted


@given(bodies, canons, st.lists(st.integers(0, 40), max_size=4), st.integers(2, 8))
def test_hashes_of_beginnings(octets: bytes, canon: Canon, lengths: list[int], step: int) -> None:
    whole = dkim_oracle.body(octets, canon)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(body_module, "_STEP", step)
        found = hash_body(octets, 0, len(octets), canon, lengths)
    assert found.length == len(whole)
    wanted = {n: hashlib.sha256(whole[:n]).digest() for n in lengths if n <= len(whole)}
    assert found.digests == {**wanted, None: hashlib.sha256(whole).digest()}


values = st.lists(
    st.sampled_from([b" ", b"\t", b"\r\n ", b"\n\t", b"a", b":", b"\r", b"B c", b"  ", b"\xe9"])
).map(b"".join)


@given(
    st.sampled_from([b"Subject", b"a", b"X-Y:"]),
    st.sampled_from([b":", b" :", b"\t : "]),
    values,
    st.sampled_from([b"\r\n", b"\n"]),
)
def test_field(name: bytes, colon: bytes, value: bytes, end: bytes) -> None:
    raw = name + colon + value + end
    assert relaxed_field(raw) == dkim_oracle.field(raw, "relaxed")
    assert simple_field(raw) == dkim_oracle.field(raw, "simple")


def test_the_example_of_the_rfc() -> None:
    """RFC 6376 §3.4.5."""
    header = Header(b"A: X\r\nB : Y\t\r\n\tZ  \r\n")
    octets = b" C \r\nD \t E\r\n\r\n\r\n"
    assert header.signed([b"a", b"b"], "relaxed") == [b"a:X\r\n", b"b:Y Z\r\n"]
    assert header.signed([b"a", b"b"], "simple") == [b"A: X\r\n", b"B : Y\t\r\n\tZ  \r\n"]
    assert b"".join(canonical_body(octets, 0, len(octets), "relaxed")) == b" C\r\nD E\r\n"
    assert b"".join(canonical_body(octets, 0, len(octets), "simple")) == b" C \r\nD \t E\r\n"


@pytest.mark.parametrize(
    ("canon", "digest"),
    [
        # RFC 6376 §3.4.3 and §3.4.4: what an empty body is
        ("simple", "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="),
        ("relaxed", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
    ],
)
@pytest.mark.parametrize("octets", [b"", b"\r\n", b"\r\n\r\n", b"\n"])
def test_empty_body(octets: bytes, canon: Canon, digest: str) -> None:
    found = hash_body(octets, 0, len(octets), canon).digests[None]
    assert base64.b64encode(found).decode() == digest


def test_mapped_like_octets(tmp_path: Path) -> None:
    octets = (b"Line with   spaces \t\r\n" * 20_000) + b"\r\n" * 5000
    (tmp_path / "m").write_bytes(octets)
    with (
        (tmp_path / "m").open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        for canon in ("simple", "relaxed"):
            whole = hash_body(octets, 0, len(octets), canon)
            assert hash_body(mapped, 0, len(octets), canon) == whole


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ("a", ["a:3"]),
        ("a a", ["a:3", "a:2"]),
        ("a b a a", ["a:3", "b:1", "a:2", "a:1"]),
        ("a a a a a", ["a:3", "a:2", "a:1"]),  # oversigned
        ("c c", []),
        ("b c b", ["b:1"]),
    ],
)
def test_fields_are_taken_from_the_bottom(names: str, chosen: list[str]) -> None:
    """RFC 6376 §5.4.2."""
    header = Header(b"A: 1\r\nno field\r\nB: 1\r\na: 2\r\nA:3\r\n")
    found = header.signed([name.encode() for name in names.split()], "relaxed")
    assert [field.decode().strip() for field in found] == chosen


def test_the_signature_itself_is_never_among_them() -> None:
    header = Header(b"X: 1\r\nX: 2\r\nX: 3\r\n")
    assert header.signed([b"x", b"x", b"x"], "relaxed", without=1) == [b"x:3\r\n", b"x:1\r\n"]
    assert header.signed([b"x", b"x", b"x"], "relaxed", without=0) == [b"x:3\r\n", b"x:2\r\n"]
    assert header.signed([b"x"], "relaxed", without=2) == [b"x:2\r\n"]
