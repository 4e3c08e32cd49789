"""A door on loopback ports: plain with STARTTLS, and TLS from the start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pillarbox.config.tls import CertificateFiles, TlsSettings
from pillarbox.net.door import Door
from pillarbox.net.listener import Listener, Security
from pillarbox.net.peer import PeerConnection
from pillarbox.net.tls import TlsContexts
from support.certificate import write_certificate


def tls_contexts(folder: Path, handshake_seconds: int = 30) -> TlsContexts:
    """A certificate of our own for this machine, its files in `folder`."""
    certificate, key = write_certificate(folder)
    files = CertificateFiles(certificate=str(certificate), key=str(key))
    settings = TlsSettings(certificates=(files,), handshake_seconds=handshake_seconds)
    return TlsContexts(settings)


@asynccontextmanager
async def both_ports(
    door: Door, role: str, tls: TlsContexts, *, remote: bool = False
) -> AsyncIterator[tuple[int, int]]:
    """The plain and the TLS port of `door`. `remote`: clients count as far away."""
    loop = asyncio.get_running_loop()

    def connection(security: Security) -> PeerConnection:
        made = door.connection(Listener(name=role, role=role, security=security))
        assert isinstance(made, PeerConnection)
        if remote:
            _take_away(made)
        return made

    plain = await loop.create_server(lambda: connection(Security.STARTTLS), "127.0.0.1", 0)
    secure = await loop.create_server(
        lambda: connection(Security.IMPLICIT), "127.0.0.1", 0, ssl=tls.server_context()
    )
    try:
        yield plain.sockets[0].getsockname()[1], secure.sockets[0].getsockname()[1]
    finally:
        plain.close()
        secure.close()
        await door.drain(1)


async def all_gone(door: Door) -> None:
    """Wait until no connection is left."""
    for _ in range(6000):
        if not door.connections:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("connections are left")


def _take_away(made: PeerConnection) -> None:
    greet = made.connected

    def connected() -> None:
        made.is_loopback = False
        greet()

    made.connected = connected  # type: ignore[method-assign]
