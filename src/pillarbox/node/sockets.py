"""Listening sockets: bound once by the supervisor, handed to worker after worker.

Each worker slot has a socket of its own for every TCP address (SO_REUSEPORT), and the kernel
spreads new connections over them. The sockets outlive the workers: connections that arrive while
a worker is being replaced wait in the queue of its socket. A Unix socket, and one that systemd
handed over, is shared by all workers.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pillarbox.config.addresses import BindAddress
from pillarbox.config.server import ListenerSettings
from pillarbox.config.settings import Settings
from pillarbox.errors import ConfigurationError

Place = str  # the address as text; with port 0 the listener's name stands in front


@dataclass(frozen=True, slots=True)
class Wanted:
    """One address of one listener."""

    listener: ListenerSettings
    address: BindAddress
    optional: bool = False  # the IPv6 half of "*": absent where the kernel has none

    @property
    def place(self) -> Place:
        if self.address.is_unix or self.address.port:
            return str(self.address)
        return f"{self.listener.name} {self.address}"


class SocketPool:
    """All listening sockets of the node, by worker slot."""

    def __init__(self, inherited: Mapping[str, list[socket.socket]] | None = None) -> None:
        self._inherited = dict(inherited or {})  # by listener name, from systemd
        self._shared: dict[Place, socket.socket] = {}
        self._slots: list[dict[Place, socket.socket]] = []
        self._unix: dict[Place, Path] = {}
        self._chosen: dict[Place, int] = {}  # the free port that the kernel chose for port 0

    def bind(self, settings: Settings, slots: int) -> None:
        """Hold the sockets of these settings for so many workers, beside those held already.

        Raises ConfigurationError with a sentence about the first address that cannot be had; then
        nothing has changed.
        """
        fresh: list[tuple[dict[Place, socket.socket], Place]] = []
        while len(self._slots) < slots:
            self._slots.append({})
        try:
            for one in self._wanted(settings):
                for holder in [self._shared] if one.address.is_unix else self._slots[:slots]:
                    if _find(holder, one) is not None:
                        continue
                    bound = self._bound(one, settings)
                    if bound is None:
                        break
                    holder[one.place] = bound
                    fresh.append((holder, one.place))
        except ConfigurationError:
            for holder, place in fresh:
                holder.pop(place).close()
            raise

    def trim(self, settings: Settings, slots: int) -> None:
        """Give back what these settings and so many workers do not need."""
        wanted = self._wanted(settings)
        for number, holder in enumerate([self._shared, *self._slots]):
            kept = {_find(holder, one) for one in wanted} if number <= slots else set()
            for place in set(holder) - kept:
                holder.pop(place).close()
        for place in set(self._unix) - set(self._shared):
            self._unix.pop(place).unlink(missing_ok=True)

    def of_slot(self, settings: Settings, slot: int) -> list[tuple[str, socket.socket]]:
        """(listener's name, socket) of everything that this worker serves."""
        held = {**self._shared, **self._slots[slot]}
        found: list[tuple[str, socket.socket]] = []
        for one in self._wanted(settings):
            place = _find(held, one)
            if place is not None:
                found.append((one.listener.name, held[place]))
        named = {listener.name for listener in settings.listener}
        for name, several in self._inherited.items():
            if name in named:
                found += [(name, one) for one in several]
        return found

    def addresses(self, settings: Settings) -> dict[str, list[str]]:
        """Where each listener really listens, for the ready message and the table of `run`."""
        found: dict[str, list[str]] = {}
        for name, bound in self.of_slot(settings, 0):
            found.setdefault(name, []).append(_shown(bound))
        return found

    def close(self) -> None:
        """Give everything back and remove our Unix sockets' files."""
        for holder in [self._shared, *self._slots]:
            for bound in holder.values():
                bound.close()
            holder.clear()
        for path in self._unix.values():
            path.unlink(missing_ok=True)
        self._unix.clear()
        for several in self._inherited.values():
            for one in several:
                one.close()
        self._inherited.clear()

    def _wanted(self, settings: Settings) -> list[Wanted]:
        found = []
        for listener in settings.listener:
            if listener.name in self._inherited:
                continue
            for address in listener.bind_addresses():
                if address.host == "*":
                    found.append(Wanted(listener, BindAddress("0.0.0.0", address.port)))  # noqa: S104 - as it was asked for
                    found.append(Wanted(listener, BindAddress("::", address.port), optional=True))
                else:
                    found.append(Wanted(listener, address))
        return found

    def _bound(self, one: Wanted, settings: Settings) -> socket.socket | None:
        backlog = settings.limits.backlog
        if one.address.is_unix:
            path = Path(settings.store.data_dir) / one.address.path
            self._unix[one.place] = path
            return _bind_unix(path, int(one.listener.mode, 8), backlog)
        port = one.address.port or self._chosen.get(one.place, 0)
        try:
            bound = _bind_tcp(one.address.host, port, backlog, probe=not self._holds_port(port))
        except OSError as error:
            if one.optional and error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                return None
            raise _unbindable(one, error) from None
        self._chosen[one.place] = bound.getsockname()[1]
        return bound

    def _holds_port(self, port: int) -> bool:
        """Whether a socket of ours has the port already: then it is no other program's."""
        return any(_port_of(bound) == port for slot in self._slots for bound in slot.values())


def _find(held: Mapping[Place, socket.socket], one: Wanted) -> Place | None:
    """The place of a held socket that serves a wanted address.

    Another listener's name changes nothing, nor does a port that is now written out where the
    kernel chose it before.
    """
    if one.place in held:
        return one.place
    for place, bound in held.items():
        if _shown(bound) == one.place:
            return place
    return None


def _port_of(bound: socket.socket) -> int:
    name = bound.getsockname()
    return int(name[1]) if isinstance(name, tuple) else 0


def _bind_tcp(host: str, port: int, backlog: int, *, probe: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if probe:
        # SO_REUSEPORT would let us share the port with another Pillarbox without a word.
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            _prepare(trial, family)
            trial.bind((host, port))
            trial.listen(1)
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        _prepare(bound, family)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
        bound.listen(backlog)
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound


def _prepare(bound: socket.socket, family: int) -> None:
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


def _bind_unix(path: Path, mode: int, backlog: int) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path)
        before = os.umask(0o177)  # nobody connects between bind and chmod
        try:
            bound.bind(str(path))
        finally:
            os.umask(before)
        path.chmod(mode)
        bound.listen(backlog)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise ConfigurationError(
            f"The Unix socket {path} cannot be made: {error.strerror or error}."
        ) from None
    return bound


def _remove_stale(path: Path) -> None:
    """Remove a socket file that a killed server left behind, and only that."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise OSError(errno.EEXIST, "there is another file of that name")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
            try:
                trial.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
                return
        raise OSError(errno.EADDRINUSE, "another server listens on it")


def _unbindable(one: Wanted, error: OSError) -> ConfigurationError:
    where = f"{one.address} (listener {one.listener.name!r})"
    match error.errno:
        case errno.EADDRINUSE:
            return ConfigurationError(
                f"Another program already listens on {where}. Stop that program, or give the "
                "listener another port in the configuration."
            )
        case errno.EACCES:
            return ConfigurationError(
                f"Ports below 1024 need more rights: {where}. Start as root with 'server.user' "
                "set, let systemd hand over the sockets, or use ports from 1024 up."
            )
        case errno.EADDRNOTAVAIL:
            return ConfigurationError(f"This computer does not have the address of {where}.")
    return ConfigurationError(f"Cannot listen on {where}: {error.strerror}.")


def _shown(bound: socket.socket) -> str:
    name = bound.getsockname()
    if isinstance(name, tuple):
        return str(BindAddress(host=name[0], port=name[1]))
    return f"unix:{name}"
