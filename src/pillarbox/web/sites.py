"""What a browser sees as this site: passkeys are good there and nowhere else."""

from __future__ import annotations

from starlette.requests import Request

from pillarbox.accounts.passkeys import Site
from pillarbox.web.origin import is_loopback, name_and_port


def site_of(request: Request) -> Site:
    """By the Host header, which was checked to be ours."""
    host = request.headers["host"].lower()
    return Site(_without_port(host), f"{request.scope['scheme']}://{host}")


def origin_for_letters(request: Request, hostname: str, ports: frozenset[str]) -> str:
    """Where a link in a letter leads: scheme, host and port of the page. `ports`: our own.

    `web.origin` let only names of ours pass. Who asks is perhaps not who gets the letter: the name
    of the reader's own computer, or a port where somebody else might listen, is not passed on.
    """
    name, port = name_and_port(request.headers["host"])
    if request.scope["pillarbox.local"] and not is_loopback(request.scope["pillarbox.peer"]):
        name, port = hostname, ""
    is_ours = port in ports or request.scope["pillarbox.proxied"]
    return f"{request.scope['scheme']}://{name}" + (f":{port}" if port and is_ours else "")


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if name and port.isdecimal() else host
