"""Whom we speak with over TLS: three ways to know, and the facts of a connection.

Opportunistic TLS believes any certificate (RFC 7435): better than none. Where an authority vouches
for the name (MTA-STS, smarthosts), OpenSSL checks chain and name. Where the DNS says which
certificate it is (DANE), the caller's function is shown the chain that the peer sent.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import msgspec

from pillarbox.errors import ConfigurationError, PillarboxError
from pillarbox.net.outgoing.failure import TlsTrouble

_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_NAME_MISMATCH = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH
_UNTRUSTED = (2, 18, 19, 20, 21, 27)  # issuer unknown, self-signed, untrusted
_DER = 2  # _ssl.ENCODING_DER


class PeerNotTrusted(PillarboxError):
    """The caller's function does not know the peer's certificate."""

    sentence = "The other server's certificate is not the one that its domain published."


class TlsFacts(msgspec.Struct, frozen=True):
    """What protects a connection."""

    version: str  # "TLSv1.3"
    cipher: str  # "TLS_AES_256_GCM_SHA384"
    chain: tuple[bytes, ...]  # DER, the server's own first, as it was sent
    verified_name: str  # whom the certificate was checked for; "" when it was not checked

    def __str__(self) -> str:
        return f"{self.version} {self.cipher}{' verified' if self.verified_name else ''}"


class PeerVerifier(msgspec.Struct, frozen=True):
    """A TLS context, the name asked for (SNI), and what is checked after the handshake."""

    context: ssl.SSLContext
    server_name: str
    # Returns the name that was verified; raises PeerNotTrusted.
    check: Callable[[tuple[bytes, ...]], str]


def unverified(context: ssl.SSLContext, server_name: str) -> PeerVerifier:
    """Any certificate will do; `context` is of `opportunistic_context`."""
    return PeerVerifier(context, server_name, lambda chain: "")


def verified(context: ssl.SSLContext, server_name: str) -> PeerVerifier:
    """An authority vouches for `server_name`; `context` is of `verifying_context`."""
    return PeerVerifier(context, server_name, lambda chain: server_name)


def opportunistic_context() -> ssl.SSLContext:
    """TLS 1.2 or later without any check; also for DANE, whose check comes afterwards."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return _hardened(context)


def verifying_context(authorities: Path | None = None) -> ssl.SSLContext:
    """Chain and name are checked; None: against the authorities that the system trusts.

    Raises ConfigurationError where the file cannot be read or holds none.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authorities is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        try:
            context.load_verify_locations(authorities)
            if not context.cert_store_stats()["x509"]:  # lists of what was revoked load, too
                raise ssl.SSLError("there is no certificate in it")
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(
                f"The certificates of authorities in {authorities} cannot be read: "
                f"{error.strerror or error}."
            ) from error
    return _hardened(context)


def _hardened(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    return context


def facts_of(tls: ssl.SSLObject, verifier: PeerVerifier) -> TlsFacts:
    """After a handshake. Raises PeerNotTrusted."""
    chain = peer_chain(tls)
    cipher = tls.cipher()
    return TlsFacts(
        version=tls.version() or "",
        cipher=cipher[0] if cipher is not None else "",
        chain=chain,
        verified_name=verifier.check(chain),
    )


def peer_chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates that the server sent, in DER, its own first.

    Python 3.13 has a method for it; before that, the object inside has one without a name in the
    documentation. Where there is neither, the server's own certificate is all that is known.
    """
    documented = getattr(tls, "get_unverified_chain", None)
    if documented is not None:
        return tuple(documented())
    inner = getattr(getattr(tls, "_sslobj", None), "get_unverified_chain", None)
    if inner is not None:
        return tuple(certificate.public_bytes(_DER) for certificate in inner() or ())
    own = tls.getpeercert(binary_form=True)
    return (own,) if own else ()


def trouble_of(error: Exception) -> tuple[str, TlsTrouble]:
    """A handshake that did not succeed: a sentence, and the words of RFC 8460 §4.3."""
    if isinstance(error, PeerNotTrusted):
        return str(error), "validation-failure"
    if isinstance(error, ssl.SSLCertVerificationError):
        trouble: TlsTrouble = "validation-failure"
        if error.verify_code == _EXPIRED:
            trouble = "certificate-expired"
        elif error.verify_code in _NAME_MISMATCH:
            trouble = "certificate-host-mismatch"
        elif error.verify_code in _UNTRUSTED:
            trouble = "certificate-not-trusted"
        why = f"The other server's certificate is not believed: {error.verify_message}"
        return f"{why.rstrip('.')}.", trouble
    reason = getattr(error, "reason", None)
    detail = f" ({reason.replace('_', ' ').lower()})" if isinstance(reason, str) else ""
    return f"TLS could not be agreed upon{detail}.", "validation-failure"
