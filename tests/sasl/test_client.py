"""Our side of signing in elsewhere: the RFCs' examples, our own server, and servers that cheat."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.net.secret import Secret
from pillarbox.sasl.client import Credentials, LoginClient, PlainClient, choose_mechanism
from pillarbox.sasl.client_mechanism import ServerNotProved
from pillarbox.sasl.client_scram import ScramClient
from pillarbox.sasl.errors import MalformedResponse
from pillarbox.sasl.mechanism import Challenge, KeysWanted, Proved
from pillarbox.sasl.scram import ScramServer
from pillarbox.sasl.scram_keys import ScramHash, derive_keys

PENCIL = Credentials("user", Secret("pencil"))

# The exchanges of RFC 5802 §5 and RFC 7677 §3: protocol lines, reproduced as test data.
EXAMPLES = [
    (
        ScramHash.SHA_1,
        "fyko+d2lbbFgONRv9qkxdawL",
        b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    (
        ScramHash.SHA_256,
        "rOprNGfwEbeRWgbNEkqO",
        b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
]


def scram(algorithm: ScramHash = ScramHash.SHA_256, nonce: str = "ours") -> ScramClient:
    return ScramClient("SCRAM", algorithm, PENCIL, max_iterations=10_000, nonce=nonce)


@pytest.mark.parametrize(("algorithm", "nonce", "first", "asked", "final", "proof"), EXAMPLES)
def test_the_examples_of_the_rfcs(
    algorithm: ScramHash, nonce: str, first: bytes, asked: bytes, final: bytes, proof: bytes
) -> None:
    client = scram(algorithm, nonce)
    assert client.first() == first
    assert client.respond(asked) == final
    assert not client.is_done
    assert client.respond(proof) == b""
    assert client.is_done


@pytest.mark.parametrize(
    "proof", [b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl96G4=", b"e=other-error", b"", b"v="]
)
def test_a_server_that_does_not_know_the_password(proof: bytes) -> None:
    algorithm, nonce, _, asked, _, _ = EXAMPLES[1]
    client = scram(algorithm, nonce)
    client.respond(asked)
    with pytest.raises((ServerNotProved, MalformedResponse)):
        client.respond(proof)
    assert not client.is_done


SALT = base64.b64encode(b"s" * 16).decode()


@pytest.mark.parametrize(
    "asked",
    [
        f"r=ours,s={SALT},i=4096",  # no nonce of its own
        f"r=theirs,s={SALT},i=4096",
        f"r=oursX,s={SALT},i=4095",
        f"r=oursX,s={SALT},i=10001",
        f"r=oursX,s={SALT},i=99999999999",
        f"r=oursX,s={SALT},i=0",
        f"r=oursX,s={SALT}",
        "r=oursX,s=QQ==,i=4096",
        "r=oursX,s=?,i=4096",
        f"m=x,r=oursX,s={SALT},i=4096",
        "",
        "\udcff",
        "x" * 9000,
    ],
)
def test_what_a_server_may_not_ask(asked: str) -> None:
    with pytest.raises(MalformedResponse):
        scram().respond(asked.encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("algorithm", ScramHash)
@pytest.mark.parametrize("binding", [None, ("tls-exporter", b"\x01" * 32)])
@pytest.mark.parametrize(("name", "acting"), [("user", ""), ("a=b,c", ""), ("user", "boss,1")])
def test_with_our_own_server(
    algorithm: ScramHash, binding: tuple[str, bytes] | None, name: str, acting: str
) -> None:
    bindings = dict([binding]) if binding else {}
    server = ScramServer(algorithm, plus=binding is not None, bindings=bindings)
    client = ScramClient(
        "SCRAM",
        algorithm,
        Credentials(name, Secret("Pässword"), acting),
        max_iterations=4096,
        binding=binding,
    )
    wanted = server.step(client.first() or b"")
    assert wanted == KeysWanted(name, acting)
    keys = derive_keys(algorithm, "Pässword".encode(), b"s" * 16, 4096)
    asked = server.keys_found(b"s" * 16, 4096, [keys])
    proof = server.step(client.respond(asked.octets))
    assert isinstance(proof, Challenge)
    assert isinstance(server.step(client.respond(proof.octets)), Proved)
    assert client.is_done


def test_y_tells_of_a_list_that_was_shortened() -> None:
    client = choose_mechanism(
        ["SCRAM-SHA-256"], PENCIL, bindings=BOUND, plaintext=False, max_iterations=4096
    )
    assert client is not None
    assert (client.first() or b"").startswith(b"y,,n=user,r=")


BOUND = {"tls-exporter": b"x" * 32}
ALL = ["LOGIN", "PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"]


@pytest.mark.parametrize(
    ("offered", "bindings", "plaintext", "chosen"),
    [
        (ALL, BOUND, True, "SCRAM-SHA-256-PLUS"),
        (ALL, {}, True, "SCRAM-SHA-256"),
        (["PLAIN", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"], BOUND, True, "SCRAM-SHA-1-PLUS"),
        (["PLAIN", "SCRAM-SHA-1"], {}, True, "SCRAM-SHA-1"),
        (["LOGIN", "PLAIN"], {}, True, "PLAIN"),
        (["LOGIN", "CRAM-MD5"], {}, True, "LOGIN"),
        (["LOGIN", "PLAIN"], {}, False, None),
        (["CRAM-MD5", "GSSAPI"], BOUND, True, None),
        ([], {}, True, None),
    ],
)
def test_the_best_of_what_both_know(
    offered: list[str], bindings: Mapping[str, bytes], plaintext: bool, chosen: str | None
) -> None:
    found = choose_mechanism(
        offered, PENCIL, bindings=bindings, plaintext=plaintext, max_iterations=4096
    )
    assert (found.name if found is not None else None) == chosen


def test_plain_and_login() -> None:
    plain = PlainClient(Credentials("user", Secret("pencil"), "boss"))
    assert plain.first() == b"boss\0user\0pencil"
    with pytest.raises(MalformedResponse):
        plain.respond(b"more")
    login = LoginClient(PENCIL)
    assert login.first() is None
    assert login.respond(b"Username:") == b"user"
    assert not login.is_done
    assert login.respond(b"whatever") == b"pencil"
    assert login.is_done
    with pytest.raises(MalformedResponse):
        login.respond(b"more")


LIKELY = st.sampled_from([b"r=oursX,s=c2FsdHNhbHQ=,i=4096", b"v=AAAA"])


@given(st.lists(st.one_of(st.binary(max_size=60), LIKELY), max_size=4))
def test_any_challenges_never_prove_a_server(challenges: list[bytes]) -> None:
    client = scram()
    for challenge in challenges:
        try:
            client.respond(challenge)
        except (MalformedResponse, ServerNotProved):
            break
    assert not client.is_done
