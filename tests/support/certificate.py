"""A self-signed certificate for loopback."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pillarbox.net.self_signed import create_self_signed


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Write `cert.pem` and `key.pem` for localhost, 127.0.0.1 and ::1; return both paths."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    create_self_signed(["localhost", "127.0.0.1", "::1"], certificate, key, now=datetime.now(UTC))
    return certificate, key
