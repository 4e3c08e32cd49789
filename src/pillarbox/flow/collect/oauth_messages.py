"""What is said to an authorization server and what it answers (RFC 6749, 7636, 8628). Sans-IO."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
from msgspec import Struct

from pillarbox.flow.collect.presets import OAuthEndpoints
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.net.secret import Secret

CODE_GRANT = "authorization_code"
REFRESH_GRANT = "refresh_token"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

_VERIFIER_OCTETS = 32  # RFC 7636 §4.1: of randomness
_STATE_OCTETS = 24
_USUAL_LIFE = 3600  # seconds of an access token whose end is not told
_LONGEST_LIFE = 10 * 366 * 86_400
_USUAL_INTERVAL = 5  # seconds between two questions (RFC 8628 §3.2)
_LONGEST_INTERVAL = 60
_LONGEST_WAIT = 3600  # seconds that a device code is waited for
_MAX_TOKEN = 16_384  # octets
_MAX_FIELDS = 50  # of an address to which a browser was sent
_MAX_SHOWN = 300  # characters of a server's explanation
_FIELDS = re.compile(r"(?:^|[?&])(?:code|error|state)=")
_VISIBLE = re.compile(r"[\x20-\x7e]+")  # RFC 6749 Appendix A: VSCHAR


class Registration(Struct, frozen=True, kw_only=True):
    """This server as an application at a provider."""

    provider: str  # name of the preset; "" for one that is given by its endpoints
    endpoints: OAuthEndpoints
    client_id: str
    client_secret: Secret | None = None  # None: a public client (RFC 6749 §2.1)


class Asked(Struct, frozen=True, kw_only=True):
    """An authorization request under way (RFC 6749 §4.1.1)."""

    registration: Registration
    url: str  # for the person's browser
    redirect_uri: str
    state: str
    verifier: Secret


class DeviceAsked(Struct, frozen=True, kw_only=True):
    """A device authorization under way (RFC 8628 §3.2)."""

    registration: Registration
    device_code: Secret
    user_code: str  # for the person to type …
    verification_uri: str  # … there
    complete_uri: str = ""  # the same with the code in it; "" where there is none
    seconds: int  # for which it holds
    interval: int


class Tokens(Struct, frozen=True):
    """An access token response (RFC 6749 §5.1)."""

    access_token: Secret
    refresh_token: Secret | None
    seconds: int
    scope: str


class Refused(Struct, frozen=True):
    """An error response (RFC 6749 §5.2)."""

    error: str
    description: str


def new_verifier() -> Secret:
    """A code verifier (RFC 7636 §4.1)."""
    return Secret(_base64url(secrets.token_bytes(_VERIFIER_OCTETS)))


def challenge_of(verifier: Secret) -> str:
    """S256 (RFC 7636 §4.2)."""
    return _base64url(hashlib.sha256(verifier.reveal()).digest())


def new_request(
    registration: Registration,
    redirect_uri: str,
    login: str = "",
    *,
    state: str = "",
    verifier: Secret | None = None,
) -> Asked:
    """The request; with a fresh verifier and state, unless they are given."""
    verifier = verifier or new_verifier()
    state = state or _base64url(secrets.token_bytes(_STATE_OCTETS))
    fields = {
        "response_type": "code",
        "client_id": registration.client_id,
        "redirect_uri": redirect_uri,
        "scope": registration.endpoints.scope,
        "state": state,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
        **dict(registration.endpoints.more),
    }
    if login:
        fields["login_hint"] = login
    begin = registration.endpoints.authorization
    mark = "&" if urlsplit(begin).query else "?"
    return Asked(
        registration=registration,
        url=f"{begin}{mark}{urlencode(fields)}",
        redirect_uri=redirect_uri,
        state=state,
        verifier=verifier,
    )


def code_in(answer: str, asked: Asked) -> str:
    """The code in the URL to which the browser was sent, or as it was pasted.

    Raises SourceFailure: the person said no, or the URL is not the answer to our request
    (RFC 6749 §10.12). A pasted code alone has no state; PKCE binds it to our request all the same.
    """
    answer = answer.strip()
    if _FIELDS.search(answer) is None:
        return _checked_code(answer)
    try:
        fields = parse_qs(urlsplit(answer).query or answer, max_num_fields=_MAX_FIELDS)
    except ValueError:
        fields = {}
    state = fields.get("state", [""])[0]
    if not hmac.compare_digest(state.encode("utf-8", "replace"), asked.state.encode()):
        raise SourceFailure(
            "consent",
            "That address does not belong to this sign-in. Begin anew, and paste the address that "
            "the browser shows at its end.",
        )
    if "error" in fields:
        refused = Refused(fields["error"][0], fields.get("error_description", [""])[0])
        raise failure_of(refused, asked.registration)
    return _checked_code(fields.get("code", [""])[0])


def token_request(registration: Registration, grant_type: str, **fields: str) -> bytes:
    """The body of a request to the token endpoint, or to the device endpoint (grant type "")."""
    body = {"client_id": registration.client_id, **fields}
    if grant_type:
        body["grant_type"] = grant_type
        if registration.client_secret is not None:  # RFC 6749 §2.3.1
            body["client_secret"] = registration.client_secret.reveal().decode()
    return urlencode(body).encode()


def parse_tokens(status: int, body: bytes) -> Tokens | Refused:
    """The answer of a token endpoint. Raises SourceFailure for nonsense."""
    found = _object(body)
    if status != 200:
        return _refusal(found)
    access = _token(found.get("access_token"))
    if access is None or str(found.get("token_type", "Bearer")).lower() != "bearer":
        raise _nonsense()
    seconds = _number(found.get("expires_in"), _USUAL_LIFE, _LONGEST_LIFE)
    return Tokens(access, _token(found.get("refresh_token")), seconds, str(found.get("scope", "")))


def parse_device(registration: Registration, status: int, body: bytes) -> DeviceAsked | Refused:
    """The answer of a device authorization endpoint. Raises SourceFailure for nonsense."""
    found = _object(body)
    if status != 200:
        return _refusal(found)
    device_code = _token(found.get("device_code"))
    user_code = found.get("user_code")
    place = found.get("verification_uri", found.get("verification_url"))
    if device_code is None or not _is_text(user_code) or not _is_address(place):
        raise _nonsense()
    complete = found.get("verification_uri_complete", "")
    return DeviceAsked(
        registration=registration,
        device_code=device_code,
        user_code=str(user_code),
        verification_uri=str(place),
        complete_uri=str(complete) if _is_address(complete) else "",
        seconds=_number(found.get("expires_in"), _LONGEST_WAIT, _LONGEST_WAIT),
        interval=_number(found.get("interval"), _USUAL_INTERVAL, _LONGEST_INTERVAL),
    )


def failure_of(refused: Refused, registration: Registration) -> SourceFailure:
    """What an error means, and what to do next."""
    where = registration.provider or urlsplit(registration.endpoints.token).hostname or "the server"
    said = f"“{refused.error}{f': {refused.description}' if refused.description else ''}”."
    match refused.error:
        case "invalid_grant" | "interaction_required" | "consent_required" | "login_required":
            why = f"The permission at {where} was withdrawn or has ended: {said} Sign in again "
            return SourceFailure("consent", f"{why}(pillarbox collect sign-in).")
        case "access_denied":
            return SourceFailure("consent", f"Access was not allowed at {where}: {said}")
        case "expired_token":
            return SourceFailure("consent", f"The code was not used in time at {where}. Try again.")
        case "temporarily_unavailable" | "server_error" | "slow_down":
            return SourceFailure(
                "throttled", f"{where} cannot answer just now: {said} It is tried again by itself."
            )
        case _:
            return SourceFailure(
                "consent",
                f"{where} does not take this server as an application: {said} The administrator "
                "should check the client id and secret (collect.oauth), and what was allowed for "
                "them there.",
            )


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _object(body: bytes) -> dict[str, Any]:
    try:
        found: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _nonsense() from error
    if not isinstance(found, dict):
        raise _nonsense()
    return found


def _refusal(found: dict[str, Any]) -> Refused:
    error, description = found.get("error"), found.get("error_description", "")
    if not _is_text(error):
        raise _nonsense()
    shown = " ".join(str(description).split())
    return Refused(str(error)[:_MAX_SHOWN], shown[:_MAX_SHOWN] if shown.isprintable() else "")


def _nonsense() -> SourceFailure:
    return SourceFailure(
        "protocol",
        "The authorization server's answer cannot be understood. Check its addresses "
        "(endpoints) in the settings.",
    )


def _token(value: object) -> Secret | None:
    return Secret(value) if isinstance(value, str) and _is_text(value, _MAX_TOKEN) else None


def _is_text(value: object, longest: int = _MAX_SHOWN) -> bool:
    return (
        isinstance(value, str) and len(value) <= longest and _VISIBLE.fullmatch(value) is not None
    )


def _is_address(value: object) -> bool:
    return _is_text(value, 2048) and str(value).startswith("https://")


def _number(value: object, usual: int, most: int) -> int:
    try:
        number = int(value) if isinstance(value, int | float | str) else usual
    except (ValueError, OverflowError):
        number = usual
    return min(max(number, 1), most)


def _checked_code(code: str) -> str:
    if not _is_text(code, 4096):
        raise SourceFailure("consent", "There is no code in that. Paste it as it was shown.")
    return code
