"""PLAIN (RFC 4616) and LOGIN."""

from __future__ import annotations

import pytest

from pillarbox.net.secret import Secret
from pillarbox.sasl.errors import MalformedResponse
from pillarbox.sasl.login import Login
from pillarbox.sasl.mechanism import Challenge, PasswordGiven
from pillarbox.sasl.plain import Plain, encode_plain


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (b"\0alice\0secret", PasswordGiven("alice", Secret("secret"))),
        (b"alice\0alice\0secret", PasswordGiven("alice", Secret("secret"), "alice")),
        (b"Ursel\0Kurt\0xipj3plmq", PasswordGiven("Kurt", Secret("xipj3plmq"), "Ursel")),
        ("\0jörg\0pässwört".encode(), PasswordGiven("jörg", Secret("pässwört"))),
        (None, Challenge(b"")),
    ],
)
def test_plain(response: bytes | None, expected: object) -> None:
    assert Plain().step(response) == expected


@pytest.mark.parametrize(
    "response",
    [b"", b"alice", b"alice\0secret", b"\0\0secret", b"\0alice\0", b"\0a\0b\0c", b"\0\xff\0secret"],
)
def test_malformed_plain(response: bytes) -> None:
    with pytest.raises(MalformedResponse):
        Plain().step(response)


def test_plain_round_trip() -> None:
    assert Plain().step(encode_plain("alice", Secret("s"), "bob")) == PasswordGiven(
        "alice", Secret("s"), "bob"
    )


def test_login_asks_twice() -> None:
    login = Login()
    assert login.step(None) == Challenge(b"Username:")
    assert login.step(b"alice") == Challenge(b"Password:")
    assert login.step(b"secret") == PasswordGiven("alice", Secret("secret"))


def test_login_takes_an_initial_response() -> None:
    login = Login()
    assert login.step(b"alice") == Challenge(b"Password:")
    assert login.step(b"secret") == PasswordGiven("alice", Secret("secret"))


@pytest.mark.parametrize("responses", [[b"", b""], [b"", b"alice", b""], [b"\xff"]])
def test_malformed_login(responses: list[bytes]) -> None:
    login = Login()
    for response in responses[:-1]:
        login.step(response)
    with pytest.raises(MalformedResponse):
        login.step(responses[-1])


def test_secrets_do_not_show() -> None:
    assert "hunter2" not in repr(Plain().step(b"\0alice\0hunter2"))
