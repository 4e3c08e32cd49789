"""What a browser sees as this site: passkeys are good there and nowhere else."""

from __future__ import annotations

from starlette.requests import Request

from pillarbox.accounts.passkeys import Site


def site_of(request: Request) -> Site:
    """By the Host header, which was checked to be ours."""
    host = request.headers["host"].lower()
    return Site(_without_port(host), f"{request.scope['scheme']}://{host}")


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if name and port.isdecimal() else host
