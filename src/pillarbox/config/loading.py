"""From a TOML file to `Settings`, with errors that a person can mend at once."""

from __future__ import annotations

import re
import socket
import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from pillarbox.config.schema import UnknownKey, find_unknown
from pillarbox.config.settings import Settings
from pillarbox.errors import ConfigurationError

MAX_FILE = 1 << 20  # octets; a configuration is a few KiB
MAX_SHOWN = 10  # complaints in one error

_AT = re.compile(r" - at `\$\.?(.*?)`$")
_INDEX = re.compile(r"\[(\d+)\]")


def load(path: Path) -> Settings:
    """Read and check a configuration file. Raises ConfigurationError naming what to mend."""
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        raise ConfigurationError(
            f"There is no configuration file {path}. 'pillarbox setup DOMAIN' writes one, and "
            "--config names another."
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    if len(octets) > MAX_FILE:
        raise ConfigurationError(f"{path} is larger than {MAX_FILE} octets; is it the right file?")
    return parse(octets, str(path), path.absolute().parent)


def parse(octets: bytes, name: str, folder: Path) -> Settings:
    """The same for octets in hand; relative paths count from `folder`."""
    try:
        raw = tomllib.loads(octets.decode("utf-8"))
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{name} is not valid TOML: {error}.") from None
    unknown = list(find_unknown(raw, Settings))
    if unknown:
        raise ConfigurationError(_complaints(name, unknown))
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{name}: {_sentence(str(error))}") from None
    settings = _with_absolute_paths(settings, folder)
    for complaint in _contradictions(settings):
        raise ConfigurationError(f"{name}: {complaint}")
    return settings


def hostname_of(settings: Settings) -> str:
    """The name this server goes by."""
    return settings.server.hostname or socket.getfqdn()


def _complaints(name: str, unknown: list[UnknownKey]) -> str:
    lines = []
    for key in unknown[:MAX_SHOWN]:
        place, _, word = key.path.rpartition(".")
        where = f"in [{place}]" if place else "at the top"
        line = f"{name}: there is no setting {word!r} {where}."
        if key.suggestion:
            line += f" Did you mean {key.suggestion!r}?"
        lines.append(f"{line} Allowed there: {', '.join(sorted(key.allowed))}.")
    return "\n".join(lines)


def _sentence(error: str) -> str:
    """The checker's own message with the setting in front."""
    found = _AT.search(error)
    if not found:
        return f"{error}."
    what = error[: found.start()].replace("`", "'")
    place = _INDEX.sub(lambda match: f"[{int(match[1]) + 1}]", found[1])
    return f"{place}: {what[:1].lower()}{what[1:]}." if place else f"{what}."


def _with_absolute_paths(settings: Settings, folder: Path) -> Settings:
    replace = msgspec.structs.replace
    certificates = tuple(
        replace(pair, certificate=str(folder / pair.certificate), key=str(folder / pair.key))
        for pair in settings.tls.certificates
    )
    return replace(
        settings,
        store=replace(settings.store, data_dir=str(folder / settings.store.data_dir)),
        tls=replace(settings.tls, certificates=certificates),
    )


def _contradictions(settings: Settings) -> Iterable[str]:
    names: set[str] = set()
    taken: set[str] = set()
    for listener in settings.listener:
        if listener.name in names:
            yield f"two listeners are named {listener.name!r}; each needs a name of its own."
        names.add(listener.name)
        try:
            for address in listener.bind_addresses():
                if str(address) in taken and (address.is_unix or address.port):
                    yield f"two listeners want the address {address}."
                taken.add(str(address))
        except ConfigurationError as error:
            yield str(error)
        if listener.role == "http" and listener.tls != "none":
            yield f"listener {listener.name!r}: the http listener speaks no TLS; use a proxy."
        if listener.role == "web" and listener.tls == "starttls":
            yield f'listener {listener.name!r}: HTTP has no STARTTLS; use tls = "implicit".'
