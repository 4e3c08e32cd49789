"""SCRAM against the vectors that RFC 5802 §5 and RFC 7677 §3 print, and against cheats."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import pytest

from pillarbox.errors import AuthenticationFailed
from pillarbox.sasl.errors import MalformedResponse
from pillarbox.sasl.mechanism import Challenge, KeysWanted, Proved
from pillarbox.sasl.scram import ScramServer
from pillarbox.sasl.scram_keys import (
    ScramHash,
    decode_record,
    derive_keys,
    derive_record,
    encode_record,
)
from support.scram_client import ScramClient

SALT = b"0123456789abcdef"
RECORD = derive_record(b"pencil", SALT, 4096)


@dataclass(frozen=True)
class Vector:
    """One published exchange; the password is "pencil", the name "user"."""

    algorithm: ScramHash
    salt: str
    server_nonce: str
    client_first: bytes
    server_first: bytes
    client_final: bytes
    server_final: bytes


VECTORS = [
    Vector(
        ScramHash.SHA_1,
        "QSXCR+Q6sek8bf92",
        "3rfcNHYJY1ZVvWVs7j",
        b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    Vector(
        ScramHash.SHA_256,
        "W22ZaJ0SNY7soEsUEjb6gQ==",
        "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v.algorithm.name)
def test_published_exchange(vector: Vector) -> None:
    server = ScramServer(vector.algorithm, plus=False, bindings={}, nonce=vector.server_nonce)
    keys = derive_keys(vector.algorithm, b"pencil", base64.b64decode(vector.salt), 4096)
    assert server.step(vector.client_first) == KeysWanted("user")
    first = server.keys_found(base64.b64decode(vector.salt), 4096, [keys])
    assert first == Challenge(vector.server_first)
    assert server.step(vector.client_final) == Challenge(vector.server_final)
    assert server.step(b"") == Proved("user", "", 0)


def exchange(client: ScramClient, server: ScramServer) -> Proved:
    """Run a whole exchange against RECORD."""
    wanted = server.step(client.first())
    assert isinstance(wanted, KeysWanted)
    keys = RECORD.keys(server.algorithm)
    first = server.keys_found(RECORD.salt, RECORD.iterations, [keys])
    final = server.step(client.final(first.octets))
    assert isinstance(final, Challenge)
    client.check(final.octets)
    proved = server.step(b"")
    assert isinstance(proved, Proved)
    return proved


@pytest.mark.parametrize("algorithm", list(ScramHash))
def test_names_with_commas_and_equals_signs(algorithm: ScramHash) -> None:
    client = ScramClient("a=b,c", "pencil", algorithm)
    server = ScramServer(algorithm, plus=False, bindings={})
    assert exchange(client, server).username == "a=b,c"


@pytest.mark.parametrize("name", ["tls-exporter", "tls-server-end-point"])
def test_channel_binding(name: str) -> None:
    client = ScramClient("user", "pencil", gs2=f"p={name},,", binding=b"both know this")
    server = ScramServer(ScramHash.SHA_256, plus=True, bindings={name: b"both know this"})
    assert exchange(client, server).username == "user"


def test_another_channel_is_refused() -> None:
    client = ScramClient("user", "pencil", gs2="p=tls-exporter,,", binding=b"to the man between")
    server = ScramServer(ScramHash.SHA_256, plus=True, bindings={"tls-exporter": b"to us"})
    with pytest.raises(AuthenticationFailed):
        exchange(client, server)


def test_unknown_binding_type_is_refused() -> None:
    server = ScramServer(ScramHash.SHA_256, plus=True, bindings={"tls-exporter": b"x"})
    with pytest.raises(AuthenticationFailed):
        server.step(b"p=tls-unique,,n=user,r=nonce")


def test_removed_plus_is_noticed() -> None:
    """RFC 5802 §6: "y" means that the client would bind, had it seen a -PLUS mechanism."""
    server = ScramServer(ScramHash.SHA_256, plus=False, bindings={"tls-exporter": b"x"})
    with pytest.raises(AuthenticationFailed):
        server.step(b"y,,n=user,r=nonce")


def test_y_is_right_where_there_is_nothing_to_bind() -> None:
    client = ScramClient("user", "pencil", gs2="y,,")
    assert exchange(client, ScramServer(ScramHash.SHA_256, plus=False, bindings={}))


@pytest.mark.parametrize(
    ("plus", "message"),
    [
        (True, b"n,,n=user,r=nonce"),  # -PLUS without a binding
        (True, b"y,,n=user,r=nonce"),
        (False, b"p=tls-exporter,,n=user,r=nonce"),  # a binding without -PLUS
        (False, b"n,,m=must,n=user,r=nonce"),  # an extension that we must know and do not
        (False, b"n,,n=,r=nonce"),
        (False, b"n,,n=us=er,r=nonce"),
        (False, b"n,,n=user,r="),
        (False, b"n,,n=user,r=a\xc3\xa9"),
        (False, b"n,,r=nonce,n=user"),
        (False, b"x,,n=user,r=nonce"),
        (False, b"n,n=user,r=nonce"),
        (False, b"n,,n=us\x00er,r=nonce"),
        (False, b"\xff\xfe"),
        (False, b"n,,n=" + b"u" * 10_000 + b",r=nonce"),
    ],
)
def test_malformed_first_message(plus: bool, message: bytes) -> None:
    bindings = {"tls-exporter": b"x"} if plus else {}
    server = ScramServer(ScramHash.SHA_256, plus=plus, bindings=bindings)
    with pytest.raises(MalformedResponse):
        server.step(message)
    with pytest.raises(MalformedResponse):  # no second chance in the same exchange
        server.step(b"n,,n=user,r=nonce")


def test_the_longest_message() -> None:
    for longest in (18, 19):
        server = ScramServer(ScramHash.SHA_256, plus=False, bindings={}, longest=longest)
        if longest == 19:
            assert server.step(b"n,,n=user,r=nonce--") == KeysWanted("user")
        else:
            with pytest.raises(MalformedResponse):
                server.step(b"n,,n=user,r=nonce--")


@pytest.mark.parametrize(
    "change",
    [
        lambda final: final.replace(b"c=biws", b"c=eSws"),  # another gs2 header than the first
        lambda final: final.replace(b"r=clientnonce", b"r=clientnoncf"),
        lambda final: final[:-6] + b"AAAAA=",
        lambda final: final[: final.index(b"p=")] + b"p=AAAA",
    ],
)
def test_tampered_final_message(change) -> None:  # type: ignore[no-untyped-def]
    client = ScramClient("user", "pencil")
    server = ScramServer(ScramHash.SHA_256, plus=False, bindings={})
    server.step(client.first())
    first = server.keys_found(RECORD.salt, RECORD.iterations, [RECORD.sha256])
    with pytest.raises((AuthenticationFailed, MalformedResponse)):
        server.step(change(client.final(first.octets)))
    with pytest.raises(MalformedResponse):
        server.step(b"")


def test_wrong_password() -> None:
    with pytest.raises(AuthenticationFailed):
        exchange(
            ScramClient("user", "pen"), ScramServer(ScramHash.SHA_256, plus=False, bindings={})
        )


def test_several_credentials_share_a_salt() -> None:
    """An app password's keys stand beside the main password's; the proof tells which."""
    other = derive_record(b"crayon", SALT, 4096)
    for password, index in (("pencil", 0), ("crayon", 1)):
        client = ScramClient("user", password)
        server = ScramServer(ScramHash.SHA_256, plus=False, bindings={})
        server.step(client.first())
        first = server.keys_found(SALT, 4096, [RECORD.sha256, other.sha256])
        final = server.step(client.final(first.octets))
        assert isinstance(final, Challenge)
        client.check(final.octets)
        assert server.step(b"") == Proved("user", "", index)


def test_no_initial_response() -> None:
    server = ScramServer(ScramHash.SHA_256, plus=False, bindings={})
    assert server.step(None) == Challenge(b"")
    assert server.step(b"n,,n=user,r=nonce") == KeysWanted("user")


def test_records_survive_storage() -> None:
    assert decode_record(encode_record(RECORD)) == RECORD
    assert decode_record(b"") is None
