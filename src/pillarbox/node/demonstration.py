"""A server for trying out or testing, on loopback alone: its listeners and its certificate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pillarbox.clock import SystemClock
from pillarbox.net.self_signed import create_self_signed

CERTIFICATE_NAMES = ("localhost", "127.0.0.1", "::1")
LOOPBACK = "127.0.0.1"

# name, role, TLS; ports are given by whoever starts the server
LISTENERS: tuple[tuple[str, str, str], ...] = (
    ("smtp", "mx", "starttls"),
    ("submission", "submission", "starttls"),
    ("submissions", "submission", "implicit"),
    ("imap", "imap", "starttls"),
    ("imaps", "imap", "implicit"),
    ("pop3", "pop3", "starttls"),
    ("pop3s", "pop3", "implicit"),
    ("https", "web", "implicit"),
    ("web", "web", "none"),  # a browser would warn of the certificate above
    ("lmtp", "lmtp", "none"),
    ("http", "http", "none"),
)


def listeners(ports: Mapping[str, int]) -> list[dict[str, object]]:
    """The [[listener]] tables; a name without a port gets a free one."""
    return [
        {
            "name": name,
            "role": role,
            "addresses": [f"{LOOPBACK}:{ports.get(name, 0)}"],
            "tls": tls,
        }
        for name, role, tls in LISTENERS
    ]


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for this computer in `folder`, made once; (certificate, key)."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    if not (certificate.exists() and key.exists()):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_self_signed(CERTIFICATE_NAMES, certificate, key, now=SystemClock().now())
    return certificate, key
