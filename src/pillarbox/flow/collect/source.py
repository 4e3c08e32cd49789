"""What mail comes from, in one shape for IMAP, POP3 and files; `run` knows nothing else of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Literal, Protocol

import msgspec

from pillarbox.errors import PillarboxError
from pillarbox.store.blobs.spool import Spool
from pillarbox.store.model import Role

# Why a source cannot be read; each has its own sentence and its own next step.
Trouble = Literal[
    "address",  # a private address, or no address at all
    "unreachable",
    "certificate",
    "tls",
    "sign-in",  # name or password wrong
    "second-factor",  # the provider wants an app password or OAuth
    "consent",  # the OAuth grant was withdrawn or has ended
    "throttled",
    "protocol",  # what it says cannot be understood
    "cut",  # the connection ended in the middle
    "gone",  # the folder or file is no longer there
    "file",  # a file cannot be read
]


class SourceFailure(PillarboxError):
    """The source cannot be used now. The sentence says what happened and what to do next."""

    def __init__(self, trouble: Trouble, sentence: str, *, retry_after: float = 0.0) -> None:
        super().__init__(sentence)
        self.trouble: Trouble = trouble
        self.retry_after = retry_after  # seconds that the other side asked for; 0: it did not say


class RemoteFolder(msgspec.Struct, frozen=True):
    """A folder as the source has it."""

    key: str  # the source's own name for it: an IMAP name as it came, "" for POP3, a path in a file
    path: str  # its levels as people read them, joined by "/", in Unicode
    role: Role | None = None
    subscribed: bool = False
    selectable: bool = True
    messages: int | None = None  # None: not known before it is opened
    octets: int | None = None


class RemoteMessage(msgspec.Struct, frozen=True):
    """A message as the source lists it. `(folder, validity, key)` names it for ever."""

    key: str  # UID, UIDL (made unique where the server repeats one), or where it is in a file
    size: int = 0  # octets as the source says, which may be a lie; 0: not known
    flags: int = 0  # bits of store.model.Flag
    keywords: str = ""  # the others, sorted, separated by one space
    received_at: int | None = None  # Unix seconds; None: the source does not know


class OpenFolder(msgspec.Struct, frozen=True):
    """A folder that was opened: everything that is in it now, in its order."""

    folder: RemoteFolder
    validity: str  # UIDVALIDITY; "" where keys never change their meaning
    messages: Sequence[RemoteMessage]
    state: str = ""  # for `changes`: HIGHESTMODSEQ; "" where the source has none


class Arrived(msgspec.Struct, frozen=True):
    """A whole message; whoever takes it discards the spool."""

    message: RemoteMessage
    spool: Spool


class Missed(msgspec.Struct, frozen=True):
    """A message that could not be had, while the others can."""

    message: RemoteMessage
    why: str  # a sentence
    gone: bool = False  # it is no longer there: nothing is missing


class FlagsNow(msgspec.Struct, frozen=True):
    """A message's flags at the source."""

    key: str
    flags: int
    keywords: str


class FolderChanges(msgspec.Struct, frozen=True):
    """What changed in an open folder since a state: flags, and what is no longer there."""

    flags: Sequence[FlagsNow]
    vanished: Sequence[str]  # keys
    state: str


class AtSource(msgspec.Struct, frozen=True):
    """What is done there with a message that is safe here."""

    action: Literal["leave", "mark", "move", "delete"] = "leave"  # "mark": \Seen
    after_days: int = 0  # for "delete": so long it is left there
    folder: str = ""  # for "move": its path there


class Source(Protocol):
    """One connection to one account, or one file. All methods raise SourceFailure."""

    async def folders(self) -> list[RemoteFolder]:
        """All folders, parents first; with counts where they cost nothing."""

    async def open(self, folder: RemoteFolder) -> OpenFolder:
        """List it. It is the one that `fetch` and the others below mean from now on."""

    def fetch(
        self, messages: Sequence[RemoteMessage], spool: Callable[[], Spool]
    ) -> AsyncIterator[Arrived | Missed]:
        """Messages of the open folder, in any order, read ahead within bounds."""

    async def settle(self, keys: Sequence[str], what: AtSource) -> list[str]:
        """Do it to messages that are safe here; the keys for which it is done, durably."""

    async def changes(self, since: str) -> FolderChanges:
        """Flags and deletions in the open folder since `state`; "" for everything."""

    async def set_flags(self, changes: Sequence[FlagsNow]) -> list[str]:
        """Make the flags there those given; the keys for which it is done."""

    async def wait(self, seconds: float) -> bool:
        """Until the open folder may have changed (IDLE, or NOOP now and then); False: in vain."""

    async def close(self) -> None:
        """Take leave. Never raises."""
