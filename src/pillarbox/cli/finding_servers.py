"""Which server is meant: the one that was named, a large provider's, or what the domain says."""

from __future__ import annotations

import argparse
import sys
from typing import Literal

import msgspec

from pillarbox.cli.collect_options import server_of
from pillarbox.cli.interrupting import asking
from pillarbox.cli.opened import Opened
from pillarbox.clock import SystemClock
from pillarbox.dns.stub import StubResolver
from pillarbox.errors import NotAllowed, NotFound
from pillarbox.flow.collect.autodetect import Guess, Surroundings, autodetect
from pillarbox.flow.collect.presets import PRESETS, Preset, Servers, find_by_host, find_named
from pillarbox.flow.collect.settings import ServerSpec

Protocol = Literal["imap", "pop3"]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where it is, and who we are there."""

    protocol: Protocol
    server: ServerSpec
    login: str
    preset: Preset | None = None


async def find_place(opened: Opened, options: argparse.Namespace) -> Place:
    """Of `collect add`: `--imap`, `--pop3`, `--provider` or an address."""
    login = options.login or options.address
    for protocol, host in (("imap", options.imap), ("pop3", options.pop3)):
        if host:
            options.host = host
            return await find_server(opened, options, protocol, login)  # type: ignore[arg-type]  # one of the two above
    options.host = ""
    return await find_server(opened, options, options.protocol, login)


async def find_server(
    opened: Opened, options: argparse.Namespace, protocol: Protocol, login: str
) -> Place:
    """By `--host`, `--provider`, or by the domain of the login. Raises NotFound, NotAllowed."""
    if options.host:
        server = server_of(protocol, options.host, options.port, options.tls)
        preset = find_by_host(server.host)
        return Place(protocol=protocol, server=server, login=login, preset=preset)
    if options.provider:
        return _of_provider(options.provider, protocol, login)
    if "@" not in login:
        raise NotAllowed("Say where the mail is: a host, a provider, or a whole address to go by.")
    settings = opened.settings
    around = Surroundings(resolver=StubResolver(settings.dns, SystemClock()))
    guess = await autodetect(login, around)
    server = _of(guess.servers, protocol, guess.preset, login)
    place = Place(
        protocol=protocol,
        server=server,
        login=options.login or guess.login,
        preset=guess.preset,
    )
    _confirm(guess, place)
    return place


def _of_provider(name: str, protocol: Protocol, login: str) -> Place:
    preset = find_named(name)
    if preset is None:
        names = ", ".join(one.name for one in PRESETS)
        raise NotFound(f"No provider is known as {name!r}. Known are {names}.")
    server = _of(preset.servers, protocol, preset, preset.title)
    return Place(protocol=protocol, server=server, login=login, preset=preset)


def _of(servers: Servers, protocol: Protocol, preset: Preset | None, whose: str) -> ServerSpec:
    server = servers.imap if protocol == "imap" else servers.pop3
    if server is not None:
        return server
    if preset is not None:
        raise NotFound(
            f"{preset.title} has no {protocol.upper()}. {preset.pop3_note or preset.sign_in}"
        )
    raise NotFound(
        f"The {protocol.upper()} server of {whose} could not be found out. Whoever runs it knows "
        "its name; give it with the command."
    )


def _confirm(guess: Guess, place: Place) -> None:
    """What the DNS says anybody may have said: a person looks before a password goes there."""
    if guess.found_by == "preset":
        return
    found = f"{place.server.host}, port {place.server.port}, for {place.login}"
    if not sys.stdin.isatty():
        raise NotAllowed(f"The server seems to be {found}. Name it with the command, if so.")
    with asking():
        said = input(f"The server seems to be {found}. Sign in there? [y/N] ")
    if said.strip().lower() not in ("y", "yes"):
        raise NotAllowed("Nothing was changed.")
