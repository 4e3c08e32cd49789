"""Tokens in place of passwords: the examples of RFC 7628 §4, Google's of XOAUTH2, and bounds."""

from __future__ import annotations

import base64

import pytest

from pillarbox.net.secret import Secret
from pillarbox.sasl.client import Credentials, choose_mechanism
from pillarbox.sasl.client_oauth import OAuthBearerClient, XOAuth2Client
from pillarbox.sasl.errors import MalformedResponse

# Protocol lines of RFC 7628 §4.1 and §4.3, reproduced as test data.
TOKEN = Secret("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")
IMAP_EXAMPLE = (
    "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyI"
    "HZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
)
SMTP_EXAMPLE = (
    "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVyI"
    "HZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
)
EXPLANATION = (
    "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3Vy"
    "YXRpb24iOiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0="
)
# From Google's description of XOAUTH2: the same shape, with its own example values.
GOOGLE_TOKEN = Secret("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
GOOGLE_EXAMPLE = (
    "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhk"
    "SFJoZG1semRHRXVZMjl0Q2cBAQ=="
)


def with_token(name: str = "user@example.com", token: Secret = TOKEN, port: int = 0) -> Credentials:
    host = "server.example.com" if port else ""
    return Credentials(name, Secret(b""), token=token, host=host, port=port)


@pytest.mark.parametrize(("port", "example"), [(143, IMAP_EXAMPLE), (587, SMTP_EXAMPLE)])
def test_oauthbearer_as_published(port: int, example: str) -> None:
    client = OAuthBearerClient(with_token(port=port), TOKEN)
    assert base64.b64encode(client.first() or b"").decode() == example


def test_the_answer_to_an_explanation_as_published() -> None:
    client = OAuthBearerClient(with_token(port=143), TOKEN)
    client.first()
    assert base64.b64encode(client.respond(base64.b64decode(EXPLANATION))) == b"AQ=="
    with pytest.raises(MalformedResponse):
        client.respond(b"{}")


def test_xoauth2_as_published() -> None:
    client = XOAuth2Client(with_token("someuser@example.com", GOOGLE_TOKEN), GOOGLE_TOKEN)
    assert base64.b64encode(client.first() or b"").decode() == GOOGLE_EXAMPLE
    assert client.respond(b'{"status":"401","schemes":"bearer"}') == b""


def test_names_are_escaped_for_gs2() -> None:
    client = OAuthBearerClient(with_token("a=b,c"), TOKEN)
    assert (client.first() or b"").startswith(b"n,a=a=3Db=2Cc,\x01auth=Bearer ")


@pytest.mark.parametrize("kind", [OAuthBearerClient, XOAuth2Client])
@pytest.mark.parametrize(
    ("name", "token"), [("a\x01b", "token"), ("a", "to\x01ken"), ("a\r\nb", "token"), ("a", "t\n")]
)
def test_nothing_ends_a_field_early(
    kind: type[OAuthBearerClient] | type[XOAuth2Client], name: str, token: str
) -> None:
    with pytest.raises(MalformedResponse):
        kind(with_token(name, Secret(token)), Secret(token)).first()


ALL = ["PLAIN", "LOGIN", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER"]


@pytest.mark.parametrize(
    ("offered", "plaintext", "chosen"),
    [
        (ALL, True, "OAUTHBEARER"),
        (["PLAIN", "XOAUTH2"], True, "XOAUTH2"),
        (["PLAIN", "LOGIN", "SCRAM-SHA-256"], True, None),  # a token is no password
        (ALL, False, None),  # who hears it can use it
    ],
)
def test_the_choice_with_a_token(offered: list[str], plaintext: bool, chosen: str | None) -> None:
    found = choose_mechanism(
        offered, with_token(), bindings={}, plaintext=plaintext, max_iterations=4096
    )
    assert (found.name if found is not None else None) == chosen


def test_a_password_is_never_sent_as_a_token() -> None:
    found = choose_mechanism(
        ["XOAUTH2", "OAUTHBEARER"],
        Credentials("user", Secret("pencil")),
        bindings={},
        plaintext=True,
        max_iterations=4096,
    )
    assert found is None


def test_secrets_do_not_show() -> None:
    assert "vF9dft" not in repr(with_token())
