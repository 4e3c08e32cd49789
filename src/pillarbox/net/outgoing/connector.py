"""How a TCP connection to another server comes about; tests put a network in memory here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol


class Connector(Protocol):
    """Makes plain connections; TLS is laid over them afterwards."""

    async def connect(
        self,
        address: str,
        port: int,
        protocol_factory: Callable[[], asyncio.Protocol],
        *,
        source: str,
    ) -> None:
        """Call the protocol's `connection_made`. `source`: our address, "" for any.

        Raises OSError.
        """


class TcpConnector:
    """Real sockets."""

    async def connect(
        self,
        address: str,
        port: int,
        protocol_factory: Callable[[], asyncio.Protocol],
        *,
        source: str,
    ) -> None:
        """Addresses are numeric, so nothing is looked up here."""
        await asyncio.get_running_loop().create_connection(
            protocol_factory, address, port, local_addr=(source, 0) if source else None
        )
