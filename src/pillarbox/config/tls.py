"""Settings of TLS: which certificates are shown, and what is spoken."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class CertificateFiles(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One certificate chain and its key, both PEM."""

    certificate: Annotated[
        str, Meta(description="Path of the PEM file with the certificate, then its chain.")
    ]
    key: Annotated[str, Meta(description="Path of the PEM file with the private key.")]


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[tls]` section."""

    certificates: Annotated[
        tuple[CertificateFiles, ...],
        Meta(
            description="Certificates to choose from by the name that the client asks for (SNI); "
            "the first is shown to clients that ask for none or for an unknown one."
        ),
    ] = ()
    minimum_version: Annotated[
        Literal["1.2", "1.3"],
        Meta(description="Oldest TLS version; 1.2 since some mail programs still need it."),
    ] = "1.2"
    handshake_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=600,
            description="Seconds that a TLS handshake may take; slow mobile links need some 10.",
        ),
    ] = 30
