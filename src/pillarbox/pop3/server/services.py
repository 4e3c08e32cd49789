"""What POP3 is given by whoever runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pillarbox.accounts.authenticator import Authenticator
from pillarbox.clock import Clock
from pillarbox.config.pop3 import Pop3Settings
from pillarbox.net.door import Lease
from pillarbox.net.tls import TlsContexts
from pillarbox.store import Store


@dataclass(frozen=True, slots=True)
class Pop3Services:
    """Everything that a POP3 session needs from outside."""

    store: Store
    authenticator: Authenticator
    settings: Pop3Settings
    hostname: str
    clock: Clock
    admit: Callable[[str], Lease | None]
    tls: TlsContexts | None  # for STLS; None where there is no certificate
    lock_file: Path  # on this machine's disk, shared by its workers
