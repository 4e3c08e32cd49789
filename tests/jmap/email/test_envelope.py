"""What lists show comes from ENVELOPE; it is what the header's own fields say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.jmap.email import forms
from pillarbox.jmap.email.envelope import EnvelopeFields
from pillarbox.message import header
from pillarbox.message.digest import digest
from pillarbox.message.text import param

CORPUS = sorted((Path(__file__).parents[2] / "corpus" / "message").glob("*.eml"))
# Fields that stand twice: ENVELOPE has the first Subject and all addresses.
TWICE = {"odd-fields.eml"}


def from_fields(octets: bytes) -> dict[str, object]:
    """The same from the header."""
    found = digest(octets)
    charset = param(found.root, "charset")
    values: dict[bytes, bytes] = {}
    for name, value in header.pairs(octets[: found.root.body_start].replace(b"\0", b"?")):
        values[name.lower()] = value.removesuffix(b"\r")

    def of(name: bytes, form: str) -> object:
        value = values.get(name)
        return None if value is None else forms.in_form(form, value, charset)

    return {
        "subject": of(b"subject", "asText"),
        "sent_at": of(b"date", "asDate"),
        "message_id": of(b"message-id", "asMessageIds"),
        "in_reply_to": of(b"in-reply-to", "asMessageIds"),
        "from_": of(b"from", "asAddresses"),
        "to": of(b"to", "asAddresses"),
        "cc": of(b"cc", "asAddresses"),
        "bcc": of(b"bcc", "asAddresses"),
    }


def from_envelope(octets: bytes) -> dict[str, object]:
    found = digest(octets)
    fields = EnvelopeFields(found.envelope, param(found.root, "charset"))
    return {name: getattr(fields, name) for name in from_fields(b"")}


@pytest.mark.parametrize(
    "path", [path for path in CORPUS if path.name not in TWICE], ids=lambda path: path.stem
)
def test_corpus(path: Path) -> None:
    octets = path.read_bytes()
    expected = from_fields(octets)
    expected["subject"] = _blanks(expected["subject"])
    assert from_envelope(octets) == expected


def test_what_stands_twice() -> None:
    octets = b"Subject: one\r\nSubject: two\r\nFrom: a@x.example\r\nFrom: b@x.example\r\n\r\n"
    fields = EnvelopeFields(digest(octets).envelope)
    assert fields.subject == "one"
    assert [one["email"] for one in fields.from_ or ()] == ["a@x.example", "b@x.example"]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"Subject", b"Message-ID", b"In-Reply-To", b"Date", b"Cc"]),
            st.binary(max_size=40).filter(lambda raw: b"\n" not in raw and b"\r" not in raw),
        ),
        max_size=4,
        unique_by=lambda pair: pair[0],
    )
)
def test_any_octets_survive(pairs: list[tuple[bytes, bytes]]) -> None:
    octets = b"".join(b"%b: %b\r\n" % pair for pair in pairs) + b"\r\n"
    told, expected = from_envelope(octets), from_fields(octets)
    assert told["subject"] == _blanks(expected["subject"])
    for name in ("message_id", "in_reply_to", "sent_at"):
        assert told[name] == expected[name]


def _blanks(text: object) -> object:
    """IMAP's strings have no tabulators."""
    return text.replace("\t", " ") if isinstance(text, str) else text


@pytest.mark.parametrize("envelope", [b"", b"()", b"(NIL)", b"{99}\r\nx", b'("a', b"(((((((("])
def test_damaged_columns_are_no_error(envelope: bytes) -> None:
    fields = EnvelopeFields(envelope)
    assert (fields.subject, fields.from_, fields.sent_at, fields.message_id) == (None,) * 4
