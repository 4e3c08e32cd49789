"""What a running command may see and do: its session, with nothing of the network but a way out."""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol, TypeVar

from pillarbox.errors import Unavailable
from pillarbox.ids import AccountId, ModSeq
from pillarbox.imap.server.picture import Pictures
from pillarbox.imap.wire import codes, responses

if TYPE_CHECKING:
    from pillarbox.accounts.authenticator import Authenticator
    from pillarbox.clock import Clock
    from pillarbox.config.imap import ImapSettings
    from pillarbox.imap.server.view import View
    from pillarbox.imap.wire.codes import Code
    from pillarbox.net.door import Lease
    from pillarbox.net.tls import TlsContexts
    from pillarbox.store import Reader, Store, Transaction
    from pillarbox.store.blobs.spool import Spool
    from pillarbox.store.feed import Subscription

T = TypeVar("T")


class State(Enum):
    """RFC 9051 §3."""

    NOT_AUTHENTICATED = auto()
    AUTHENTICATED = auto()
    SELECTED = auto()
    LOGOUT = auto()


class After(Enum):
    """What the connection does once a command's answer is on its way."""

    GO_ON = auto()
    IDLE = auto()  # wait for DONE and for changes; the tagged OK comes then (RFC 9051 §6.3.13)
    START_TLS = auto()
    COMPRESS = auto()
    CLOSE = auto()


class No(Exception):
    """The command cannot be done: a tagged NO with a code that no domain error stands for."""

    def __init__(self, sentence: str, code: Code | None = None) -> None:
        super().__init__(sentence)
        self.code = code


class Gone(Exception):
    """The client is no longer there; whatever ran for it ends."""


class Torn(Exception):
    """A response is half written: nothing that follows it could be understood. Cut the line."""


class Response(Protocol):
    """Any of `imap.wire.responses`."""

    def encode(self, utf8: bool = False) -> bytes:
        """The octets with their line ends."""


@dataclass(frozen=True, slots=True)
class ImapServices:
    """What IMAP sessions need from the rest of the system."""

    store: Store
    authenticator: Authenticator
    settings: ImapSettings
    hostname: str
    clock: Clock
    admit: Callable[[str], Lease | None]  # usually ConnectionLimiter.admit
    tls: TlsContexts | None = None  # None: no STARTTLS
    pictures: Pictures = field(default_factory=Pictures)  # shared by all sessions of the process


class Link(Protocol):
    """A session's way to its client; the connection gathers what is written into few writes."""

    @property
    def peer(self) -> str:
        """The client's address."""

    @property
    def is_secure(self) -> bool:
        """Whether a password may pass."""

    @property
    def can_start_tls(self) -> bool:
        """Whether STARTTLS may come now."""

    @property
    def can_compress(self) -> bool:
        """Whether COMPRESS may come now."""

    @property
    def is_compressed(self) -> bool:
        """Whether COMPRESS was done."""

    def bindings(self) -> Mapping[str, bytes]:
        """TLS channel bindings by name; none on a plain connection."""

    def write(self, octets: bytes) -> None:
        """Send; the octets leave with the burst."""

    def write_pieces(self, pieces: list[bytes]) -> None:
        """The same for several."""

    async def drained(self) -> None:
        """Write out what was gathered and wait until the peer took enough of it."""

    async def ask(self, prompt: bytes) -> bytes:
        """Send a continuation request and return the client's next line."""


class Context:
    """One session's facts."""

    def __init__(self, services: ImapServices, link: Link, journey: str) -> None:
        self.services = services
        self.link = link
        self.journey = journey
        self.state = State.NOT_AUTHENTICATED
        self.account_id: AccountId | None = None
        self.credential = ""
        self.login = ""
        self.view: View | None = None
        self.enabled: set[str] = set()  # "CONDSTORE", "QRESYNC", "UTF8=ACCEPT", "IMAP4REV2"
        self.saved: array[int] = array("I")  # SEARCHRES `$`: UIDs, ascending (RFC 9051 §6.4.4.1)
        self.spools: list[Spool] = []  # the running command's diverted literals, in order
        self.tag = b""  # of the running command
        self.after = After.GO_ON
        self.failed_logins = 0
        self.client_logged = False  # what the client said by ID is in the log
        self.stale = False  # something changed in the account since the view was refreshed
        self.on_change: Callable[[], None] | None = None  # called when `stale` becomes true
        self.capabilities: Callable[[], tuple[str, ...]] = tuple  # set by the session
        self._subscription: Subscription | None = None
        self._heard = ModSeq(0)  # of the account, by the feed

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
        """Whether the client asked for IMAP4rev2's forms (RFC 9051 §6.3.1)."""
        return "IMAP4REV2" in self.enabled

    def enable_condstore(self) -> None:
        """A CONDSTORE enabling command came; the first is told the modseq (RFC 7162 §3.1)."""
        if self.condstore:
            return
        self.enabled.add("CONDSTORE")
        if self.view is not None:
            code = codes.highest_modseq(self.view.modseq)
            self.send(responses.ok("Changes are counted", code))

    def send(self, response: Response) -> None:
        """Send an untagged response; its octets leave with the tagged one, or before."""
        self.link.write(response.encode(self.utf8))

    def send_octets(self, octets: bytes) -> None:
        """Send a response that is encoded already (the fast path of FETCH)."""
        self.link.write(octets)

    def send_pieces(self, pieces: list[bytes]) -> None:
        """The same in pieces; many octets are not joined, which would copy them."""
        self.link.write_pieces(pieces)

    async def drained(self) -> None:
        """Wait until the peer took enough; called by commands that send much."""
        await self.link.drained()

    def read(self, question: Callable[[Reader], Awaitable[T]]) -> Awaitable[T]:
        """`question(reader)` in one short snapshot."""
        return self.store.read(question)

    def read_one(self, question: Callable[[Reader], Awaitable[T]]) -> Awaitable[T]:
        """The same for a question of one statement."""
        return self.store.read_one(question)

    async def write(
        self, change: Callable[[Transaction], Awaitable[T]], *, short: bool = False
    ) -> T:
        """`change(transaction)` in the next commit; what it changed is told at the command's end.

        `change` may be run twice; for `short` see `Store.write`.
        """
        self.stale = True
        return await self.store.write(change, short=short)

    def select(self, view: View) -> None:
        """Enter a mailbox and hear of its changes."""
        self.leave()
        self.view = view
        self.state = State.SELECTED
        self._subscription = self.store.feed.subscribe(self.account, self._changed)

    def leave(self) -> None:
        """Leave the mailbox, if one is selected."""
        if self._subscription is not None:
            self._subscription.cancel()
            self._subscription = None
        if self.view is not None:
            self.view.close()
            self.view = None
        if self.state is State.SELECTED:
            self.state = State.AUTHENTICATED
        self.saved = array("I")
        self.stale = False

    def caught_up(self, modseq: ModSeq) -> None:
        """The view knows all up to this session's write, if not what was heard of later."""
        if self._heard <= modseq:
            self.stale = False

    def discard_spools(self) -> None:
        """Give back the running command's literals."""
        for spool in self.spools:
            spool.discard()
        self.spools = []

    def _changed(self, modseq: ModSeq) -> None:
        self.stale = True
        self._heard = modseq
        if self.on_change is not None:
            self.on_change()
