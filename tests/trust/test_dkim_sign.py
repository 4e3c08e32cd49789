"""What our signatures look like, and keys: made, read, told to the world."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from pillarbox.net.secret import Secret
from pillarbox.trust.dkim import BadSigningKey, dns_record, generate_key, sign, verify
from pillarbox.trust.dkim.tags import parse_tags
from support.dkim_keys import DOMAIN, NOW, SETTINGS, ed_key, resolver, rsa_key

RSA, ED = rsa_key(), ed_key()
MESSAGE = (
    b"Received: here\r\nFrom: alice@example.org\r\nTo: bob@example.com\r\nSubject: Hi\r\n"
    b"List-Unsubscribe: <https://example.org/u>\r\nList-Unsubscribe-Post: One-Click\r\n"
    b"\r\nHello\r\n"
)


def fields(message: bytes = MESSAGE, **options: timedelta) -> list[bytes]:
    """The values of the fields for both keys."""
    made = sign(message, len(message), [RSA, ED], NOW, **options)
    return [part for part in made.split(b"DKIM-Signature: ") if part]


def test_tags() -> None:
    for field, key in zip(fields(), (RSA, ED), strict=True):
        tags = parse_tags(field)
        assert tags.text(b"v") == "1"
        assert tags.text(b"a") == key.algorithm
        assert tags.text(b"c") == "relaxed/relaxed"
        assert (tags.text(b"d"), tags.text(b"s")) == (DOMAIN, key.selector)
        assert tags.number(b"t", 12) == int(NOW.timestamp())
        assert b"x" not in tags.values
        assert b"l" not in tags.values


def test_fields_are_named_once_more_than_they_are_there() -> None:
    (field, _) = fields()
    names = parse_tags(field).words(b"h")
    counts = {name: names.count(name) for name in names}
    twice = ["from", "to", "subject"]
    once = ["cc", "date", "message-id", "reply-to", "mime-version", "content-type"]
    once += ["content-transfer-encoding", "list-unsubscribe", "list-unsubscribe-post"]
    assert counts == {**dict.fromkeys(twice, 2), **dict.fromkeys(once, 1)}


def test_fields_that_are_there_twice_are_both_signed() -> None:
    message = b"To: carol@example.org\r\n" + MESSAGE
    (field, _) = fields(message)
    assert parse_tags(field).words(b"h").count("to") == 3


def test_lifetime() -> None:
    (field, _) = fields(lifetime=timedelta(days=7))
    assert parse_tags(field).number(b"x", 12) == int(NOW.timestamp()) + 7 * 86_400


def test_lines_are_short() -> None:
    made = sign(MESSAGE, len(MESSAGE), [RSA, ED], NOW)
    assert made.endswith(b"\r\n")
    lines = made[:-2].split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert all(line.startswith((b" ", b"DKIM-Signature: ")) for line in lines)
    assert all(line.strip() for line in lines)


@pytest.mark.parametrize("message", [b"", b"\r\n", b"\r\nbody\r\n", b"From: a@b\r\n", b"text"])
def test_messages_without_much(message: bytes) -> None:
    signed = sign(message, len(message), [ED], NOW) + message
    (found,) = asyncio.run(verify(signed, resolver(ED), NOW, SETTINGS))
    # Without an empty line in front "text" becomes a line of the header that is no field.
    assert found.result == ("fail" if message == b"text" else "pass")


def test_records() -> None:
    assert dns_record(ED).startswith("v=DKIM1; k=ed25519; p=")
    assert len(dns_record(ED)) == len("v=DKIM1; k=ed25519; p=") + 44
    assert dns_record(RSA).startswith("v=DKIM1; k=rsa; p=MIIBIjAN")
    pem, record = generate_key("ed25519-sha256")
    assert dns_record(msgspec.structs.replace(ED, secret=Secret(pem))) == record


def test_keys_that_cannot_sign() -> None:
    for key in (
        msgspec.structs.replace(RSA, secret=Secret(b"no key")),
        msgspec.structs.replace(RSA, secret=ED.secret),
        msgspec.structs.replace(ED, secret=RSA.secret),
    ):
        with pytest.raises(BadSigningKey):
            sign(MESSAGE, len(MESSAGE), [key], NOW)
        with pytest.raises(BadSigningKey):
            dns_record(key)


def test_the_secret_is_not_shown() -> None:
    assert "PRIVATE" not in repr(RSA)
