"""The authorities that vouch for other servers are read from a file, or not."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from pillarbox.errors import ConfigurationError
from pillarbox.net.outgoing.peer_tls import verifying_context


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\0" * 100])
def test_a_file_that_holds_none_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"authorities\.pem cannot be read: "):
        verifying_context(path)


def test_a_list_of_what_was_revoked_is_no_authority(tmp_path: Path) -> None:
    day = datetime(2026, 1, 1)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Authority")])
    made = x509.CertificateRevocationListBuilder(name, day, day + timedelta(30))
    signed = made.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    path = tmp_path / "authorities.pem"
    path.write_bytes(signed.public_bytes(Encoding.PEM))
    with pytest.raises(ConfigurationError, match="no certificate in it"):
        verifying_context(path)


def test_the_systems_own_are_the_default() -> None:
    assert verifying_context().check_hostname
