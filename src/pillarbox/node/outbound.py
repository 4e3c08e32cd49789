"""Joins what sends: the ways and passwords of the configuration, the DNS, and our own mailboxes."""

from __future__ import annotations

from pathlib import Path

from pillarbox.accounts.directory import Directory
from pillarbox.clock import Clock
from pillarbox.config.loading import hostname_of
from pillarbox.config.outbound import RouteSettings
from pillarbox.config.settings import Settings
from pillarbox.dns.resolver import Resolver
from pillarbox.errors import ConfigurationError
from pillarbox.flow.outbound.directory import DirectoryTransport
from pillarbox.flow.outbound.places import EVERYWHERE
from pillarbox.flow.outbound.remotes import RemoteLines
from pillarbox.flow.outbound.sender import OutboundSender, Surroundings
from pillarbox.flow.queue.home import HomeDelivery
from pillarbox.net.secret import Secret
from pillarbox.sasl.client import Credentials
from pillarbox.store import Store

MAX_PASSWORD_FILE = 4096  # octets
_EVERYWHERE = (EVERYWHERE, "0.0.0.0", "::")  # noqa: S104 - compared, not bound


def make_sender(
    settings: Settings,
    store: Store,
    resolver: Resolver,
    clock: Clock,
    directory: Directory,
    remotes: RemoteLines | None = None,
) -> OutboundSender | None:
    """None where the settings want nothing sent. Raises ConfigurationError."""
    outbound = settings.outbound
    if outbound.transport == "none":
        return None
    hostname = hostname_of(settings)
    data_dir = Path(settings.store.data_dir)
    folder = None
    if outbound.transport == "directory":
        folder = DirectoryTransport(data_dir / outbound.directory)
    around = Surroundings(
        store=store,
        resolver=resolver,
        clock=clock,
        hostname=hostname,
        home=HomeDelivery(store, directory, hostname=hostname, clock=clock),
        credentials={
            route.name: Credentials(route.username, _password(route, data_dir))
            for route in outbound.route
            if route.username
        },
        listening=listening(settings),
        remotes=remotes,
        folder=folder,
    )
    return OutboundSender(outbound, around)


def listening(settings: Settings) -> frozenset[tuple[str, int]]:
    """Addresses and ports at which we take mail."""
    return frozenset(
        (EVERYWHERE if address.host in _EVERYWHERE else address.host, address.port)
        for listener in settings.listener
        if listener.role == "mx"
        for address in listener.bind_addresses()
        if not address.is_unix
    )


def _password(route: RouteSettings, data_dir: Path) -> Secret:
    if not route.password_file:
        return Secret(route.password)
    path = data_dir / route.password_file
    try:
        with path.open("rb") as file:
            lines = file.read(MAX_PASSWORD_FILE).splitlines()
    except OSError as error:
        raise ConfigurationError(
            f"The password of route {route.name!r} cannot be read from {path}: {error.strerror}."
        ) from None
    return Secret(lines[0] if lines else b"")
