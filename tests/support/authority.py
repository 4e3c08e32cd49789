"""Certificate authorities and what they issue, made as a test wants them."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

START = datetime(2020, 1, 1, tzinfo=UTC)
END = datetime(2120, 1, 1, tzinfo=UTC)
Extensions = Sequence[tuple[x509.ExtensionType, bool]]


class Issued:
    """A certificate with its key; one that is an authority can issue others."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate = certificate
        self.key = key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def write(self, folder: Path, *chain: Issued) -> tuple[Path, Path]:
        """The certificate with its chain, and the key, as two PEM files."""
        certificate, key = folder / "issued.pem", folder / "issued-key.pem"
        certificate.write_bytes(b"".join(one.pem for one in (self, *chain)))
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, key

    def issue(
        self,
        *names: str,
        common_name: str = "",
        start: datetime = START,
        end: datetime = END,
        extensions: Extensions = (),
        algorithm: hashes.HashAlgorithm | None = None,
    ) -> Issued:
        """A server's certificate for DNS names and IP addresses."""
        more = list(extensions)
        if names:
            more.append((x509.SubjectAlternativeName([_general(name) for name in names]), False))
        return _make(common_name, self, start, end, more, algorithm or hashes.SHA256())

    def issue_authority(
        self,
        common_name: str,
        *,
        path_length: int | None = None,
        start: datetime = START,
        end: datetime = END,
        extensions: Extensions = (),
    ) -> Issued:
        """An authority below this one."""
        basic = (x509.BasicConstraints(ca=True, path_length=path_length), True)
        return _make(common_name, self, start, end, [basic, *extensions], hashes.SHA256())


def new_authority(
    common_name: str = "Root",
    *,
    path_length: int | None = None,
    end: datetime = END,
    extensions: Extensions = (),
) -> Issued:
    """An authority that signs itself."""
    basic = (x509.BasicConstraints(ca=True, path_length=path_length), True)
    return _make(common_name, None, START, end, [basic, *extensions], hashes.SHA256())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _make(
    common_name: str,
    issuer: Issued | None,
    start: datetime,
    end: datetime,
    extensions: Extensions,
    algorithm: hashes.HashAlgorithm,
) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
    subject = x509.Name(attributes)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(start, end - timedelta(days=1)))
        .not_valid_after(end)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return Issued(builder.sign(issuer.key if issuer else key, algorithm), key)
