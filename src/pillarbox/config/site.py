"""Where people find the web page of a server."""

from __future__ import annotations

from pillarbox.config.loading import hostname_of
from pillarbox.config.settings import Settings

_HTTPS = 443


def site_ports(settings: Settings) -> frozenset[str]:
    """The ports on which this server has pages itself."""
    addresses = (
        address for one in settings.listener if one.role == "web" for address in one.addresses
    )
    return frozenset(address.rpartition(":")[2] for address in addresses)


def site_origin(settings: Settings) -> str:
    """`https://mail.example.org`, with the port if it is another; for links that go by mail."""
    hostname = hostname_of(settings)
    pages = [one for one in settings.listener if one.role == "web"]
    # On this computer alone a browser would warn of the certificate, which nobody signed.
    first = "none" if hostname == "localhost" else "implicit"
    pages.sort(key=lambda one: one.tls != first)
    for listener in pages:
        for address in listener.addresses:
            port = address.rpartition(":")[2]
            if address.startswith("unix:") or not port.isdigit():
                continue
            if listener.tls == "implicit":
                return f"https://{hostname}" + (f":{port}" if int(port) != _HTTPS else "")
            return f"http://{hostname}:{port}"
    return f"https://{hostname}"
