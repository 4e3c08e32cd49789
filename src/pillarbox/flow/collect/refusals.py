"""What another server's refusal means, and what to do next.

Servers tell the same in many words. Known phrases come first, then response codes (RFC 2449 §8,
RFC 3206, RFC 5530, RFC 3463), then how far the conversation was.
"""

from __future__ import annotations

import re
import ssl

from msgspec import Struct

from pillarbox.flow.collect.presets import Preset, find_by_host
from pillarbox.flow.collect.source import SourceFailure, Trouble
from pillarbox.imap.client.failure import ImapFailure
from pillarbox.net.outgoing.failure import LinkFailure
from pillarbox.net.outgoing.frames import BadFrame
from pillarbox.pop3.client.failure import Pop3Failure
from pillarbox.smtp.client.failure import ClientFailure

_HOUR = 3600.0
_MAX_QUOTED = 300  # characters of the server's own words
_MAX_WAIT = 86_400.0  # seconds; whoever asks for more is not believed
_SELF_SIGNED = (18, 19)  # X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, _SELF_SIGNED_CERT_IN_CHAIN


class Meaning(Struct, frozen=True):
    """What a refusal is, and a next step in a whole sentence."""

    trouble: Trouble
    what: str  # a part of a sentence: "{host} …"
    next_step: str  # "" takes the provider's own hint
    retry_after: float = 0.0


_SIGN_IN = Meaning(
    "sign-in",
    "does not take the user name or the password",
    "Check both; the user name often is the whole address.",
)
_SECOND_FACTOR = Meaning(
    "second-factor",
    "wants more than the usual password",
    "Make an app password in the account's security settings there, or sign in through the "
    "provider (OAuth).",
)
_CONSENT = Meaning(
    "consent",
    "does not take the permission any more that it once gave",
    "Sign in there again (pillarbox collect sign-in).",
)
_SWITCHED_OFF = Meaning(
    "sign-in",
    "does not let mail programs read this account",
    "Switch on IMAP or POP3 in the account's settings on the web.",
)
_THROTTLED = Meaning(
    "throttled", "asks to come back later", "It is tried again by itself after a while."
)
_BANDWIDTH = Meaning(
    "throttled",
    "says that this account was read too much lately",
    "It goes on by itself after an hour; the provider counts octets a day.",
    _HOUR,
)
_IN_USE = Meaning(
    "throttled",
    "says that another program is reading this mailbox just now",
    "It is tried again by itself after a while; let the other program leave.",
)
_CONNECTIONS = Meaning(
    "throttled",
    "says that there are too many connections to this account",
    "It is tried again by itself; close other programs that read it, or give this one less.",
)
_NO_TLS = Meaning(
    "tls",
    "takes passwords over TLS only",
    "Choose TLS (implicit or STARTTLS) in the account's settings here.",
)

# Of what servers say, in lower case; the first that fits counts.
PHRASES: tuple[tuple[re.Pattern[str], Meaning], ...] = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"application-specific password|app(?:lication)?[- ]password|app-specific password"
         r"|applikationspasswort|anwendungsspezifisch|invalidsecondfactor", _SECOND_FACTOR),
        (r"log ?in via your web browser|web ?login required|webloginrequired|webalert"
         r"|basicauthblocked|basic authentication is (?:disabled|not supported)|two-factor"
         r"|2-step|second factor|multi-?factor|use oauth|less secure", _SECOND_FACTOR),
        (r"not enabled for (?:imap|pop)|(?:imap|pop3?)[a-z0-9 /]{0,30} (?:is |are )?"
         r"(?:disabled|not enabled|deaktiviert|nicht aktiviert)|but not connected", _SWITCHED_OFF),
        (r"bandwidth limit|command or bandwidth|download limit|bandwidthlimit", _BANDWIDTH),
        (r"too many (?:simultaneous|concurrent|open)?[ ]?(?:connections|sessions)"
         r"|maximum number of connections|connection limit|max[a-z_]{0,20}connections",
         _CONNECTIONS),
        (r"lock(?:ed)? (?:the )?(?:maildrop|mailbox)|maildrop (?:is )?(?:already )?locked"
         r"|mailbox (?:is )?(?:in use|locked)|another (?:session|client|process)"
         r"|already (?:in use|open|locked)", _IN_USE),
        (r"throttl|too many|rate limit|too (?:fast|often|frequent)|backoff|try (?:again )?later"
         r"|temporarily|temporary|minimum interval|mindestabstand|server unavailable", _THROTTLED),
        (r"(?:use|requires?|without|only (?:over|with)) (?:ssl|tls|starttls|stls)"
         r"|plaintext auth|cleartext", _NO_TLS),
    )
)  # fmt: skip

CODES: dict[str, Meaning] = {
    "AUTH": _SIGN_IN,
    "AUTHENTICATIONFAILED": _SIGN_IN,
    "AUTHORIZATIONFAILED": _SIGN_IN,
    "EXPIRED": Meaning(
        "sign-in", "says that the password has expired", "Set a new one there, then here."
    ),
    "CONTACTADMIN": Meaning(
        "sign-in", "refuses the account", "Ask whoever runs that server what is to be done."
    ),
    "SYS/PERM": Meaning(
        "sign-in", "refuses the account", "Ask whoever runs that server what is to be done."
    ),
    "PRIVACYREQUIRED": _NO_TLS,
    "WEBALERT": _SECOND_FACTOR,
    "IN-USE": _IN_USE,
    "INUSE": _IN_USE,
    "LOGIN-DELAY": Meaning(
        "throttled", "wants more time between two visits", "It is tried again by itself later."
    ),
    "SYS/TEMP": _THROTTLED,
    "UNAVAILABLE": _THROTTLED,
    "LIMIT": _THROTTLED,
    "THROTTLED": _THROTTLED,
    "OVERQUOTA": _BANDWIDTH,
    "NONEXISTENT": Meaning("gone", "has no such folder any more", "It is left out."),
    "5.7.8": _SIGN_IN,
    "5.7.9": _SECOND_FACTOR,
    "5.7.11": _NO_TLS,
    "4.7.0": _THROTTLED,
}

_WAIT = re.compile(
    r"(?:back-?off time: ?|(?:again|back|wait|retry)(?: [a-z]{1,10}){0,3}? )(?P<number>[0-9]{1,9})"
    r" ?(?P<unit>milliseconds|ms\b|sec|min|hour|s\b|m\b|h\b)"
)
_UNITS = {"mil": 0.001, "ms": 0.001, "sec": 1, "s": 1, "min": 60, "m": 60, "hou": 3600, "h": 3600}


def source_failure(
    failure: LinkFailure, host: str = "", *, by_token: bool = False
) -> SourceFailure:
    """The sentence for people. `host`: the server as it was called; `by_token`: it was OAuth."""
    name = host or "The other server"
    if failure.tls_trouble:
        return _tls_failure(failure, name)
    code, said = server_words(failure)
    if code or said:
        return _refused(failure, name, code, said, by_token)
    if failure.stage == "connect":
        return SourceFailure(
            "unreachable", f"{name}: {failure.why} Check the server's name and port."
        )
    if failure.stage == "tls":
        return _tls_failure(failure, name)
    if isinstance(failure.__cause__, BadFrame):
        return SourceFailure(
            "protocol",
            f"What {name} says cannot be understood: {failure.why} Check the port and the kind of "
            "server.",
        )
    if failure.stage == "mechanism":
        return SourceFailure("sign-in", f"{name}: {failure.why}")
    return SourceFailure(
        "cut", f"The connection to {name} ended: {failure.why} It is tried again by itself."
    )


def server_words(failure: LinkFailure) -> tuple[str, str]:
    """The response code and the text of the server's refusal; "" where it said nothing."""
    if isinstance(failure, ImapFailure):
        return (failure.code_name, failure.text) if failure.answer else ("", "")
    if isinstance(failure, Pop3Failure) and failure.status is not None:
        return failure.status.code, failure.status.text or "-ERR"
    if isinstance(failure, ClientFailure) and failure.reply is not None:
        return failure.reply.enhanced, failure.reply.one_line
    return "", ""


def meaning_of(code: str, said: str) -> Meaning | None:
    """What a code and a text mean; None: nothing that is known."""
    words = said.lower()
    for pattern, meaning in PHRASES:
        if pattern.search(words):
            return meaning
    return CODES.get(code)


def asked_to_wait(said: str) -> float:
    """Seconds after which a server wants us back; 0.0: it does not say."""
    found = _WAIT.search(said.lower())
    if found is None:
        return 0.0
    unit = found["unit"]
    return min(int(found["number"]) * _UNITS[unit if unit in _UNITS else unit[:3]], _MAX_WAIT)


def _refused(
    failure: LinkFailure, name: str, code: str, said: str, by_token: bool
) -> SourceFailure:
    meaning = meaning_of(code, said)
    if failure.stage == "auth" and (meaning is None or meaning.trouble == "sign-in"):
        if by_token and meaning is not _SWITCHED_OFF:
            meaning = _CONSENT
        meaning = meaning or _SIGN_IN
    if meaning is None:
        return SourceFailure("protocol", f"{name} refused: {_quoted(code, said)}")
    trouble, next_step = meaning.trouble, meaning.next_step
    preset = find_by_host(name)
    if preset is not None and meaning in (_SIGN_IN, _SECOND_FACTOR, _SWITCHED_OFF):
        trouble, next_step = _provider_says(preset, meaning)
    return SourceFailure(
        trouble,
        f"{name} {meaning.what}: {_quoted(code, said)} {next_step}",
        retry_after=asked_to_wait(said)
        or meaning.retry_after
        or _usual_wait(failure, trouble, preset),
    )


def _usual_wait(failure: LinkFailure, trouble: Trouble, preset: Preset | None) -> float:
    """Seconds between two visits that the server announced, or that its provider is known for."""
    if trouble != "throttled":
        return 0.0
    told = failure.login_delay if isinstance(failure, Pop3Failure) else 0
    known = preset.throttling.seconds_between if preset is not None else 0
    return min(float(told or known), _MAX_WAIT)


def _provider_says(preset: Preset, meaning: Meaning) -> tuple[Trouble, str]:
    """A large provider's own next step. Where no usual password is ever taken, that is why."""
    if not preset.sign_in:
        return meaning.trouble, meaning.next_step
    if meaning is _SIGN_IN and preset.proof == "oauth":
        return "second-factor", preset.sign_in
    if meaning is _SIGN_IN:
        return "sign-in", f"{meaning.next_step} {preset.sign_in}"
    return meaning.trouble, preset.sign_in


def _quoted(code: str, said: str) -> str:
    text = f"[{code}] {said}" if code and code not in said else said
    text = text.strip()
    if len(text) > _MAX_QUOTED:
        text = f"{text[:_MAX_QUOTED]}…"
    return f"“{text}”."


def _tls_failure(failure: LinkFailure, name: str) -> SourceFailure:
    cause = failure.__cause__
    if failure.tls_trouble == "starttls-not-supported":
        return SourceFailure(
            "tls",
            f"{name} does not offer TLS on this port, and nothing is sent in the clear. Choose "
            "implicit TLS with its port (993 for IMAP, 995 for POP3).",
        )
    if failure.tls_trouble == "certificate-host-mismatch":
        return SourceFailure(
            "certificate",
            f"The certificate is not made for {name}. Use the name that the provider's help pages "
            "give for the server.",
        )
    if failure.tls_trouble == "certificate-expired":
        return SourceFailure(
            "certificate",
            f"The certificate of {name} has expired. Whoever runs that server has to renew it.",
        )
    if failure.tls_trouble == "certificate-not-trusted":
        code = cause.verify_code if isinstance(cause, ssl.SSLCertVerificationError) else 0
        if code in _SELF_SIGNED:
            why = f"{name} has a certificate that it signed itself"
        else:
            why = f"The certificate of {name} was signed by an authority that is not known here"
        return SourceFailure(
            "certificate",
            f"{why}. The administrator can trust it (collect.authorities) if it is the right one.",
        )
    if isinstance(cause, ssl.SSLCertVerificationError):
        return SourceFailure("certificate", f"{name}: {failure.why}")
    return SourceFailure(
        "tls",
        f"{name}: {failure.why} Check the port, and whether TLS begins there at once (implicit) or "
        "on demand (starttls).",
    )
