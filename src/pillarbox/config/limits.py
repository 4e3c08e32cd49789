"""[limits]: what one peer, and all together, may take of this server. Doors have their own."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class LimitSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of the network that all doors share."""

    connections: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="Connections open at one time over all workers and doors. An idle one "
            "costs a few KiB (with TLS some 50), so this is 1 GiB at worst.",
        ),
    ] = 20_000
    connections_per_address: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="Connections that one IP address (of IPv6, one /64) may hold open over "
            "all workers and doors. Mail programs open 5 to 10; 100 leaves room for an office "
            "behind one address.",
        ),
    ] = 100
    unlimited_addresses: Annotated[
        tuple[str, ...],
        Meta(
            description="IP addresses to which `connections_per_address` does not apply: this "
            "computer, where webmail holds a connection for each of many people, and proxies in "
            "front. Unix sockets never count."
        ),
    ] = ("127.0.0.1", "::1")
    linger_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=600,
            description="Seconds that a peer has, when a connection was closed, to take what was "
            "written before; then it is cut off. 30 s are a slow mobile link's worst.",
        ),
    ] = 30.0
    backlog: Annotated[
        int,
        Meta(
            ge=16,
            le=65535,
            description="Connections that wait in the kernel, for each socket, until a worker "
            "takes them. The kernel caps it at net.core.somaxconn.",
        ),
    ] = 1024
    http_connections: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Connections to the `http` listener that a worker serves at one time. "
            "Only health checks and a metrics collector come there.",
        ),
    ] = 64
    http_idle_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=600,
            description="Seconds that such a connection may be silent between two requests; "
            "health checkers and collectors ask again every few seconds, or connect anew.",
        ),
    ] = 15
    http_request_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=600,
            description="Seconds in which a request there is to be sent and its answer taken. "
            "Both are done in milliseconds; who takes longer holds a place for nothing.",
        ),
    ] = 15
    http_head_octets: Annotated[
        int,
        Meta(
            ge=1024,
            le=1_048_576,
            description="Octets of a request's head there; those who ask send some hundred.",
        ),
    ] = 16_384
