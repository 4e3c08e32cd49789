"""What a running command may see and do: its session, with nothing of the network but a way out."""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol, TypeVar

from pillarbox.errors import Unavailable
from pillarbox.ids import AccountId

if TYPE_CHECKING:
    from pillarbox.accounts.authenticator import Authenticator
    from pillarbox.clock import Clock
    from pillarbox.config.imap import ImapSettings
    from pillarbox.imap.server.view import Pictures, View
    from pillarbox.store import Spool, Store

T = TypeVar("T")


class State(Enum):
    """RFC 9051 §3."""

    NOT_AUTHENTICATED = auto()
    AUTHENTICATED = auto()
    SELECTED = auto()
    LOGOUT = auto()


@dataclass(frozen=True, slots=True)
class ImapServices:
    """What an IMAP door needs from the rest of the system."""

    store: Store
    authenticator: Authenticator
    settings: ImapSettings
    clock: Clock
    pictures: Pictures  # shared by all sessions of the process


class Outlet(Protocol):
    """Where a session's octets go; the connection gathers them into few writes."""

    def write(self, octets: bytes) -> None: ...

    async def drained(self) -> None:
        """Write out what was gathered and wait until the peer took enough of it."""

    async def ask(self, prompt: bytes) -> bytes:
        """Send a continuation request and return the client's next line (AUTHENTICATE)."""


class Response(Protocol):
    """Any of `imap.wire.responses`."""

    def encode(self, utf8: bool = False) -> bytes: ...


class Context:
    """One session's facts."""

    def __init__(self, services: ImapServices, outlet: Outlet) -> None:
        self.services = services
        self.outlet = outlet
        self.state = State.NOT_AUTHENTICATED
        self.account_id: AccountId | None = None
        self.login = ""
        self.view: View | None = None
        self.enabled: set[str] = set()  # "CONDSTORE", "QRESYNC", "UTF8=ACCEPT", "IMAP4REV2"
        self.saved: array[int] = array("I")  # SEARCHRES `$`: UIDs, ascending (RFC 9051 §6.4.4.1)
        self.spools: list[Spool] = []  # the running command's diverted literals, in order

    @property
    def store(self) -> Store:
        return self.services.store

    @property
    def settings(self) -> ImapSettings:
        return self.services.settings

    @property
    def clock(self) -> Clock:
        return self.services.clock

    @property
    def account(self) -> AccountId:
        """The signed-in account; the state table lets no command get here without one."""
        if self.account_id is None:
            raise Unavailable
        return self.account_id

    @property
    def selected(self) -> View:
        """The selected mailbox; the state table lets no command get here without one."""
        if self.view is None:
            raise Unavailable
        return self.view

    @property
    def utf8(self) -> bool:
        """Whether strings may hold UTF-8 (RFC 6855 §3, RFC 9051 §5.1)."""
        return "UTF8=ACCEPT" in self.enabled or "IMAP4REV2" in self.enabled

    @property
    def condstore(self) -> bool:
        """Whether FETCH responses of changed flags carry MODSEQ (RFC 7162 §3.1)."""
        return "CONDSTORE" in self.enabled

    @property
    def qresync(self) -> bool:
        """Whether VANISHED replaces EXPUNGE (RFC 7162 §3.2.3)."""
        return "QRESYNC" in self.enabled

    @property
    def rev2(self) -> bool:
        return "IMAP4REV2" in self.enabled

    def send(self, response: Response) -> None:
        """Send an untagged response; its octets leave with the tagged one, or before."""
        self.outlet.write(response.encode(self.utf8))

    def send_octets(self, octets: bytes) -> None:
        """Send a response that is encoded already (the fast path of FETCH)."""
        self.outlet.write(octets)

    async def drained(self) -> None:
        """Wait until the peer took enough; called by commands that send much."""
        await self.outlet.drained()

    async def read(self, question: Callable[..., Awaitable[T]], *args: object) -> T:
        """`question(reader, *args)` in one consistent snapshot of the store."""
        return await self.store.read(lambda reader: question(reader, *args))
