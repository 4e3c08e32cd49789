"""How mail programs reach this server: names, ports and security, from the listeners."""

from __future__ import annotations

from dataclasses import dataclass

from pillarbox.config.loading import hostname_of
from pillarbox.config.settings import Settings

PROTOCOLS = {"imap": "imap", "pop3": "pop3", "submission": "smtp"}  # by a listener's role


@dataclass(frozen=True, slots=True)
class Way:
    """One port that people may use."""

    protocol: str  # "imap", "pop3", "smtp"
    host: str
    port: int
    is_implicit: bool  # TLS from the first octet; else STARTTLS


def ways_of(settings: Settings) -> list[Way]:
    """With TLS from the beginning first, and IMAP before POP3."""
    host = hostname_of(settings)
    found = []
    for listener in settings.listener:
        protocol = PROTOCOLS.get(listener.role)
        if protocol is None or listener.tls == "none":
            continue
        for address in listener.addresses:
            port = address.rpartition(":")[2]
            if not address.startswith("unix:") and port.isdigit() and int(port):
                found.append(Way(protocol, host, int(port), listener.tls == "implicit"))
    order = ("imap", "smtp", "pop3")
    unique = sorted(
        dict.fromkeys(found), key=lambda way: (order.index(way.protocol), not way.is_implicit)
    )
    return list(unique)


def best(ways: list[Way], protocol: str) -> Way | None:
    """The one to recommend."""
    return next((way for way in ways if way.protocol == protocol), None)
