"""Any responses whatever: a mechanism answers or raises its own errors, and never proves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pillarbox.errors import AuthenticationFailed
from pillarbox.sasl.errors import MalformedResponse
from pillarbox.sasl.login import Login
from pillarbox.sasl.mechanism import KeysWanted, Mechanism, Proved
from pillarbox.sasl.plain import Plain
from pillarbox.sasl.scram import ScramServer
from pillarbox.sasl.scram_keys import ScramHash, ScramKeys

KEYS = [ScramKeys(b"s" * 32, b"k" * 32)]
PIECES = [
    b"n,,", b"y,,", b"p=tls-exporter,,", b"n=user", b",", b"r=nonce", b"c=biws", b"p=AAAA",
    b"a=bob", b"=2C", b"=", b"\0", b"m=x", b"\xc3\xa9", b"v=", b"nonceours",
]  # fmt: skip
responses = st.lists(
    st.one_of(st.none(), st.binary(max_size=60), st.lists(st.sampled_from(PIECES)).map(b"".join)),
    max_size=5,
)


def run(mechanism: Mechanism, sent: list[bytes | None]) -> None:
    for response in sent:
        try:
            step = mechanism.step(response)
        except (AuthenticationFailed, MalformedResponse):
            return
        assert not isinstance(step, Proved)
        if isinstance(step, KeysWanted):
            assert isinstance(mechanism, ScramServer)
            mechanism.keys_found(b"salt", 4096, KEYS)


@given(responses)
def test_plain_and_login(sent: list[bytes | None]) -> None:
    run(Plain(), sent)
    run(Login(), sent)


@given(responses, st.booleans(), st.sampled_from(ScramHash))
def test_scram(sent: list[bytes | None], plus: bool, algorithm: ScramHash) -> None:
    bindings = {"tls-exporter": b"x"} if plus else {}
    run(ScramServer(algorithm, plus=plus, bindings=bindings, nonce="ours"), sent)
