"""What passes between systemd and a service: states told, sockets received (sd_notify(3))."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import MutableMapping

FIRST_PASSED = 3  # SD_LISTEN_FDS_START


class Notifier:
    """Tells systemd how the service is; does nothing where systemd is not there."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        """Takes its variables out of the environment, so that workers do not speak for us."""
        self._address = environment.pop("NOTIFY_SOCKET", "")
        span = environment.pop("WATCHDOG_USEC", "")
        owner = environment.pop("WATCHDOG_PID", "") or str(os.getpid())
        watched = span.isdigit() and owner == str(os.getpid())
        self.watchdog_seconds = int(span) / 1_000_000 if watched else 0.0

    def tell(self, *lines: str) -> None:
        """Send state lines such as `READY=1`; nobody listening is no error of ours."""
        if not self._address:
            return
        address = self._address
        if address.startswith("@"):
            address = "\0" + address[1:]
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as out,
        ):
            out.sendto("\n".join(lines).encode(), address)


def passed_sockets(environment: MutableMapping[str, str]) -> dict[str, list[socket.socket]]:
    """Sockets of socket activation by their `FileDescriptorName=`; {} without it.

    A name is a listener's name, so one unit file says which socket is for what.
    """
    owner = environment.pop("LISTEN_PID", "")
    count = environment.pop("LISTEN_FDS", "")
    names = environment.pop("LISTEN_FDNAMES", "").split(":")
    if owner != str(os.getpid()) or not count.isdigit():
        return {}
    found: dict[str, list[socket.socket]] = {}
    for offset in range(int(count)):
        name = names[offset] if offset < len(names) else "unknown"
        passed = socket.socket(fileno=FIRST_PASSED + offset)
        os.set_inheritable(passed.fileno(), False)
        passed.setblocking(False)
        found.setdefault(name, []).append(passed)
    return found
