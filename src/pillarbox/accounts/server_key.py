"""One secret of the whole node, from which all its workers derive the same answers."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pillarbox.errors import ConfigurationError
from pillarbox.net.secret import Secret

_NAME = "server.key"
_OCTETS = 32


def load_server_key(folder: Path) -> Secret:
    """The key in `folder`, made at the first call; several processes may call at once.

    Losing it loses no mail: SCRAM's answers for unknown names change, nothing else.
    """
    path = folder / _NAME
    if not path.exists():
        _create(path)
    octets = path.read_bytes()
    if len(octets) != _OCTETS:
        raise ConfigurationError(f"{path} is damaged: it must hold {_OCTETS} octets. Delete it.")
    return Secret(octets)


def _create(path: Path) -> None:
    """Write to a name of our own, then link: the first process wins, whole."""
    fresh = path.with_name(f"{_NAME}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_OCTETS))
        file.flush()
        os.fsync(descriptor)
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
