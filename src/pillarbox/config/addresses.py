"""Addresses that a listener binds, as they are written in the configuration."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from msgspec import Struct

from pillarbox.errors import ConfigurationError

MAX_UNIX_PATH = 107  # octets in sockaddr_un.sun_path on Linux, its final NUL left out


class BindAddress(Struct, frozen=True):
    """A TCP address, or a Unix socket when `path` is set."""

    host: str = ""  # "*": every address, IPv4 and IPv6
    port: int = 0
    path: str = ""

    @property
    def is_unix(self) -> bool:
        return self.path != ""

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_bind_address(text: str, listener: str) -> BindAddress:
    """Raises ConfigurationError, naming the listener."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path or len(path.encode()) > MAX_UNIX_PATH or "\0" in path:
            raise _unusable(listener, text, f"a socket's path has 1 to {MAX_UNIX_PATH} octets")
        return BindAddress(path=path)
    host, colon, digits = text.rpartition(":")
    if not colon or not (digits.isascii() and digits.isdigit()) or int(digits) > 65535:
        raise _unusable(listener, text, "write host:port, for example 127.0.0.1:143 or *:143")
    bracketed = host.startswith("[") and host.endswith("]")
    bare = host[1:-1] if bracketed else host
    if bare == "localhost":
        bare = "127.0.0.1"
    if bare != "*":
        try:
            found = ip_address(bare)
        except ValueError:
            raise _unusable(listener, text, "the host is an IP address or *") from None
        if isinstance(found, IPv6Address) != bracketed:
            raise _unusable(listener, text, "an IPv6 address, and only that, stands in [ ]")
    return BindAddress(host=bare, port=int(digits))


def _unusable(listener: str, text: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"listener {listener!r} cannot use the address {text!r}: {why}.")
