"""8-bit and binary messages rewritten: what is read stays, and only what must change does."""

from __future__ import annotations

import base64
import email
import email.policy
import mmap
import quopri
import random
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.message.downgrade import CannotConvert, NoConversion, downgrade
from pillarbox.message.quoting import encode_base64, encode_quoted

Target = Literal["7BIT", "8BITMIME"]


def rewritten(octets: bytes, target: Target = "7BIT") -> bytes:
    found = downgrade(octets, target)
    made = b"".join(found.pieces())
    assert found.size == len(made)
    assert found.is_changed == (made != octets)
    return made


def carries(octets: bytes, target: Target) -> bool:
    body = octets.partition(b"\r\n\r\n")[2]
    return (target == "8BITMIME" or body.isascii()) and b"\0" not in body and all(
        len(line) <= 998 for line in body.split(b"\r\n")
    )  # fmt: skip


HEAD = b"Subject: caf\xc3\xa9\r\nMIME-Version: 1.0\r\n"
LATIN = "Grüße aus Köln,\r\n\r\nbis bald.  \r\n".encode()

CASES: list[tuple[str, bytes, bytes]] = [
    (
        "text becomes quoted-printable; the header stays though it has 8-bit octets",
        HEAD + b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\nX-Last: yes\r\n\r\n" + LATIN,
        HEAD + b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\nX-Last: yes\r\n\r\n"
        b"Gr=C3=BC=C3=9Fe aus K=C3=B6ln,\r\n\r\nbis bald. =20\r\n",
    ),
    (
        "text in another script becomes base64",
        HEAD + b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n" + "Привет\r\n".encode(),
        HEAD + b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n0J/RgNC40LLQtdGCDQo=",
    ),
    (
        "no MIME at all (RFC 1428)",
        b"Subject: x\r\n\r\nna\xefve text that is long enough to be read\r\n",
        b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        b"Content-Type: text/plain; charset=unknown-8bit\r\n\r\n"
        b"na=EFve text that is long enough to be read\r\n",
    ),
    (
        "parts by themselves; what needs no change has none",
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\npr\xe9amble\r\n--b\r\n\r\nplain\r\n--b\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + LATIN + b"\r\n--b\r\n"
        b"Content-Type: image/png\r\nContent-Transfer-Encoding:\r\n 8BIT\r\n\r\n\x89PNG\r\n"
        b"--b--\r\n",
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n\r\npr?amble\r\n--b\r\n\r\nplain\r\n--b\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"Gr=C3=BC=C3=9Fe aus K=C3=B6ln,\r\n\r\nbis bald. =20\r\n\r\n--b\r\n"
        b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n"
        b"--b--\r\n",
    ),
    (
        "a message inside is not encoded, but its parts are (RFC 2045 §6.4)",
        HEAD + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + HEAD
        + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + LATIN,
        HEAD + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n" + HEAD
        + b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"Gr=C3=BC=C3=9Fe aus K=C3=B6ln,\r\n\r\nbis bald. =20\r\n",
    ),
    (
        "message/global may be encoded as a whole (RFC 6532 §3.7)",
        HEAD + b"Content-Type: message/global\r\n\r\nSubject: \xc3\xa9\r\n\r\n\xc3\xa9\r\n",
        HEAD + b"Content-Type: message/global\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"U3ViamVjdDogw6kNCg0Kw6kNCg==",
    ),
    (
        "stray octets in what is encoded already",
        HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9 \xc3\xa9\r\n",
        HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9 =C3=A9\r\n",
    ),
    (
        "a part without header gets one",
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + LATIN
        + b"\r\n--b--\r\n",
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"Gr=C3=BC=C3=9Fe aus K=C3=B6ln,\r\n\r\nbis bald. =20\r\n\r\n--b--\r\n",
    ),
    (
        "8bit that is none says so no more",
        HEAD + b"Content-Transfer-Encoding: 8bit\r\n\r\nplain\r\n",
        HEAD + b"Content-Transfer-Encoding: 7bit\r\n\r\nplain\r\n",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("octets", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_to_7bit(octets: bytes, expected: bytes) -> None:
    assert rewritten(octets) == expected
    assert rewritten(expected) == expected  # nothing is left to do


def test_ascii_stays_as_it_is() -> None:
    octets = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"
    assert rewritten(octets) == octets


SIGNED = (
    HEAD + b"Content-Type: multipart/signed; boundary=b; micalg=pgp-sha256;\r\n"
    b" protocol=application/pgp-signature\r\n\r\n--b\r\n%b\r\n\r\n%b\r\n--b\r\n"
    b"Content-Type: application/pgp-signature\r\n\r\nxyz\r\n--b--\r\n"
)  # fmt: skip


def test_what_is_signed_is_not_touched() -> None:
    """RFC 1847 §2.1. Encoded by its sender it may go."""
    mixed = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit"
    with pytest.raises(CannotConvert) as caught:
        downgrade(SIGNED % (mixed, LATIN), "7BIT")
    assert caught.value.status == "5.6.2"
    good = SIGNED % (b"Content-Transfer-Encoding: quoted-printable", b"Gr=C3=BC=C3=9Fe")
    assert rewritten(good) == good
    outside = (
        HEAD + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\n" + LATIN
        + b"\r\n--a\r\n" + good.partition(b"1.0\r\n")[2] + b"\r\n--a--\r\n"
    )  # fmt: skip
    assert good.partition(b"1.0\r\n")[2] in rewritten(outside)


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: message/partial; id=x; number=1",
        b"Content-Type: message/delivery-status",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: x-uuencode",
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64",
    ],
)
def test_what_cannot_be_encoded(head: bytes) -> None:
    with pytest.raises(NoConversion) as caught:
        downgrade(b"MIME-Version: 1.0\r\n" + head + b"\r\n\r\n--b\r\n\r\n\xc3\xa9\r\n", "7BIT")
    assert caught.value.status == "5.6.3"


BINARY = bytes(range(256)) * 5


def test_binary_to_8bit_lines() -> None:
    """8-bit text in lines may stay; NUL, bare line ends and long lines may not."""
    head = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n"
    parts = (
        b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n" + LATIN + b"\r\n"
        b"--b\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n" + BINARY + b"\r\n"
        b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        b"one\ntwo\r" + b"x" * 2000 + b"\r\n--b--\r\n"
    )
    made = rewritten(head + b"Content-Transfer-Encoding: binary\r\n\r\n" + parts, "8BITMIME")
    assert carries(made, "8BITMIME")
    assert LATIN in made
    assert b"Content-Transfer-Encoding: binary" not in made
    text, image, long = email.message_from_bytes(made).get_payload()
    assert text["Content-Transfer-Encoding"] == "8bit"
    assert image.get_payload(decode=True) == BINARY
    assert long["Content-Transfer-Encoding"] == "quoted-printable"
    assert long.get_payload(decode=True) == b"one\ntwo\r" + b"x" * 2000


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=300)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["text/plain; charset=utf-8", "image/png", "application/pdf"]),
            st.one_of(st.lists(TEXTS).map(lambda lines: "\r\n".join(lines).encode())),
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["7BIT", "8BITMIME"]),
)
def test_pythons_parser_reads_the_same_parts(
    parts: list[tuple[str, bytes]], target: Target
) -> None:
    """The standard library's parser is the judge."""
    octets = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b0und\r\n\r\n"
    for kind, content in parts:
        octets += b"--b0und\r\nContent-Type: " + kind.encode() + b"\r\n"
        octets += b"Content-Transfer-Encoding: 8bit\r\n\r\n" + content + b"\r\n"
    octets += b"--b0und--\r\n"
    made = rewritten(octets, target)
    assert carries(made, target)
    before = email.message_from_bytes(octets, policy=email.policy.SMTP).iter_parts()
    after = email.message_from_bytes(made, policy=email.policy.SMTP).iter_parts()
    for old, new, (kind, content) in zip(before, after, parts, strict=True):
        assert new.get_content_type() == old.get_content_type() == kind.partition(";")[0]
        assert new.get_payload(decode=True) == content


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_encoders_in_pieces(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    encoded = b"".join(encode_base64(pieces))
    assert base64.b64decode(encoded) == whole
    assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))
    quoted = b"".join(encode_quoted(pieces))
    assert quopri.decodestring(quoted) == whole
    assert all(len(line) <= 76 and line == line.rstrip() for line in quoted.split(b"\r\n"))
    assert quoted.isascii() and b"\r" not in quoted.replace(b"\r\n", b"")


@given(st.binary(max_size=2000))
def test_any_octets_are_converted_or_refused(octets: bytes) -> None:
    try:
        made = rewritten(octets)
    except CannotConvert:
        return
    assert carries(rewritten(made), "7BIT") or not made.isascii()


def test_a_large_message_is_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "large"
    noise = random.Random(5).randbytes(1 << 20).replace(b"\0", b"\1")
    with path.open("wb") as file:
        file.write(HEAD + b"Content-Type: application/zip\r\n\r\n")
        for _ in range(20):
            file.write(noise)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        found = downgrade(mapped, "7BIT")
        assert max(map(len, found.pieces())) < 300_000
        assert found.size > 20 << 20
