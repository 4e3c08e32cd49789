"""TLS for listening sockets: contexts, choice of certificate by SNI, reload, channel bindings."""

from __future__ import annotations

import asyncio.sslproto
import ssl
import weakref
from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from pillarbox.config.tls import CertificateFiles, TlsSettings
from pillarbox.errors import ConfigurationError
from pillarbox.net.exporter import export_channel_binding

# Forward secrecy and AEAD only; TLS 1.3 suites are OpenSSL's own.
_TLS12_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384"
)
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_PLAIN_ASYNCIO_READ_OCTETS = 16_384  # one TLS record; asyncio's 256 KiB is kept per connection


class TlsContexts:
    """The certificates of one node behind one `ssl.SSLContext` that never changes.

    Listening sockets keep the context that they were started with, so that one only forwards: at
    each handshake its SNI callback puts the context of the wished name in its place. `reload`
    replaces those, for handshakes from then on; connections that stand are not touched.
    """

    def __init__(self, settings: TlsSettings) -> None:
        self._settings = settings
        self._end_points: weakref.WeakKeyDictionary[ssl.SSLContext, bytes] = (
            weakref.WeakKeyDictionary()
        )
        self._by_name: dict[str, ssl.SSLContext] = {}
        self._default: ssl.SSLContext | None = None
        self._outer = self._new_context()
        self._outer.sni_callback = self._choose
        self.reload()
        lower_asyncio_tls_memory()

    @property
    def handshake_seconds(self) -> float:
        """How long a handshake may take."""
        return float(self._settings.handshake_seconds)

    def server_context(self) -> ssl.SSLContext:
        """What to hand to `create_server` and `start_tls`."""
        return self._outer

    def reload(self, settings: TlsSettings | None = None) -> None:
        """Read the certificate files (again). Raises ConfigurationError and changes nothing."""
        settings = settings or self._settings
        if not settings.certificates:
            raise ConfigurationError("There is no certificate: set tls.certificates.")
        by_name: dict[str, ssl.SSLContext] = {}
        contexts = []
        for files in settings.certificates:
            context = self._new_context(settings)
            certificate = _load(context, files)
            self._end_points[context] = _end_point(certificate)
            contexts.append(context)
            for name in _names(certificate):
                by_name.setdefault(name, context)
        self._settings = settings
        self._by_name, self._default = by_name, contexts[0]
        _load(self._outer, settings.certificates[0])
        self._outer.minimum_version = _VERSIONS[settings.minimum_version]

    def context_for(self, name: str | None) -> ssl.SSLContext:
        """The context whose certificate fits `name`, the first certificate's if none does."""
        assert self._default is not None
        if not name:
            return self._default
        name = name.lower().removesuffix(".")
        found = self._by_name.get(name)
        if found is None:
            found = self._by_name.get("*." + name.partition(".")[2])
        return found or self._default

    def has_name(self, name: str) -> bool:
        """Whether a certificate is for that name, in lower case."""
        return name in self._by_name or "*." + name.partition(".")[2] in self._by_name

    def bindings(self, tls: ssl.SSLObject | ssl.SSLSocket | None) -> Mapping[str, bytes]:
        """Channel bindings of a connection by their registered names; none without TLS.

        Empty, too, where the binding that RFC 9266 §3 makes the default cannot be had: a client
        that counts on it would fail instead of falling back.
        """
        if tls is None:
            return {}
        found: dict[str, bytes] = {}
        exported = export_channel_binding(tls)
        if exported is not None:
            found["tls-exporter"] = exported
        if tls.version() == "TLSv1.3":
            if exported is None:
                return {}
        else:
            unique = tls.get_channel_binding("tls-unique")
            if unique:
                found["tls-unique"] = unique
        end_point = self._end_points.get(tls.context, b"")
        if end_point:
            found["tls-server-end-point"] = end_point
        return found

    def _choose(
        self, tls: ssl.SSLObject | ssl.SSLSocket, name: str | None, _outer: ssl.SSLContext
    ) -> None:
        tls.context = self.context_for(name)

    def _new_context(self, settings: TlsSettings | None = None) -> ssl.SSLContext:
        settings = settings or self._settings
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = _VERSIONS[settings.minimum_version]
        context.set_ciphers(_TLS12_CIPHERS)
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
        return context


def _load(context: ssl.SSLContext, files: CertificateFiles) -> x509.Certificate:
    try:
        context.load_cert_chain(files.certificate, files.key)
        return x509.load_pem_x509_certificate(Path(files.certificate).read_bytes())
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigurationError(
            f"The certificate {files.certificate} with the key {files.key} cannot be used: "
            f"{error.strerror if isinstance(error, OSError) else error}."
        ) from error


def _names(certificate: x509.Certificate) -> list[str]:
    """DNS names that the certificate is good for, in lower case."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]


def _end_point(certificate: x509.Certificate) -> bytes:
    """RFC 5929 §4.1; b"" where it is undefined (a signature without one hash, like Ed25519's)."""
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None:
        return b""
    if isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        algorithm = hashes.SHA256()
    return certificate.fingerprint(algorithm)


def lower_asyncio_tls_memory() -> None:
    """Make an idle TLS connection of plain asyncio cost 38 KiB instead of 278 (uvloop: 24)."""
    asyncio.sslproto.SSLProtocol.max_size = _PLAIN_ASYNCIO_READ_OCTETS
