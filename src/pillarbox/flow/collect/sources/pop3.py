"""A POP3 maildrop as a Source: one folder, keys by UIDL, deletion by QUIT.

POP3 numbers messages anew in each session and deletes only at its end. So each session begins with
the list, everything is done by keys, and `settle` ends the session: call it once, at the end.

Keys with a TAB are ordinals: the server gave several messages the same name in one listing (or has
no names, and their headers are equal). They mean something in one session only, so content decides
what they are, and such a message is deleted only in the session in which it was read.
"""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    Sequence,
)
from contextlib import aclosing, suppress

from msgspec import Struct

from pillarbox.clock import Clock
from pillarbox.config.pop3_client import Pop3ClientLimits
from pillarbox.errors import TooLarge
from pillarbox.flow.collect.refusals import meaning_of, source_failure
from pillarbox.flow.collect.source import (
    Arrived,
    AtSource,
    FlagsNow,
    FolderChanges,
    Missed,
    OpenFolder,
    RemoteFolder,
    RemoteMessage,
    SourceFailure,
)
from pillarbox.flow.collect.sources.pop3_listing import ORDINAL, list_maildrop
from pillarbox.message.line_ends import LineEnds
from pillarbox.net.outgoing.failure import LinkFailure
from pillarbox.pop3.client.connection import Pop3Connection, Retrieved
from pillarbox.pop3.client.failure import Pop3Failure, refusal
from pillarbox.pop3.client.responses import Status
from pillarbox.store.blobs.spool import Spool
from pillarbox.store.model import Role

_FIRST_LINE = 65_536  # octets in which the first line must end to be looked at
# A line that is cut as often while the same message comes: the server breaks at it, or nothing can
# be had just now. The pause grows by so many seconds with each.
_CUT_OUT, _PAUSE = 4, 2.0
_THROTTLED_IN_A_ROW = 3  # so many messages refused "for now": the account is meant, not they

INBOX = RemoteFolder(key="", path="INBOX", role=Role.INBOX)


class _Session(Struct):
    """One connection, and its maildrop's list."""

    connection: Pop3Connection
    messages: tuple[RemoteMessage, ...]
    numbers: dict[str, int]  # by key
    read: set[str]  # keys whose content came in this session


class _Mending:
    """A spool for a body; where its first line ends with a bare LF the server speaks no CR LF at
    all, and all its line ends are mended. Other bodies stay as they came."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._first: bytes | None = b""  # octets up to the first line end; None: it was seen
        self._lines: LineEnds | None = None

    def write(self, chunk: bytes) -> None:
        """Raises what the spool raises."""
        if self._first is not None:
            chunk = self._first + chunk
            end = chunk.find(b"\n")
            if end < 0 and len(chunk) < _FIRST_LINE:
                self._first = chunk
                return
            self._first = None
            if end >= 0 and chunk[end - 1 : end] != b"\r":
                self._lines = LineEnds()
        self._spool.write(chunk if self._lines is None else self._lines.feed(chunk))

    def finish(self) -> Spool:
        """Behind the last octet; raises what the spool raises."""
        if self._first:
            self._spool.write(self._first)
        elif self._lines is not None:
            self._spool.write(self._lines.finish(whole_line=False))
        return self._spool

    def discard(self) -> None:
        """Nothing of it is wanted."""
        self._spool.discard()


class Pop3Source:
    """Dials when it is first needed, and again when the session is over."""

    def __init__(
        self,
        dial: Callable[[], Awaitable[Pop3Connection]],
        clock: Clock,
        *,
        limits: Pop3ClientLimits | None = None,
        host: str = "",
    ) -> None:
        """`dial`: gives a connection that is signed in. `host`: its name in sentences."""
        self._dial = dial
        self._clock = clock
        self._limits = limits or Pop3ClientLimits()
        self._host = host
        self._session: _Session | None = None
        self._listed: dict[str, int] = {}  # what `open` said: octets by key

    async def folders(self) -> list[RemoteFolder]:
        """The one that there is, with its counts."""
        session = await self._ready()
        return [
            RemoteFolder(
                key=INBOX.key,
                path=INBOX.path,
                role=INBOX.role,
                messages=len(session.messages),
                octets=sum(message.size for message in session.messages),
            )
        ]

    async def open(self, folder: RemoteFolder) -> OpenFolder:
        """The list as of the session's beginning."""
        session = await self._ready()
        self._listed = {message.key: message.size for message in session.messages}
        return OpenFolder(folder, "", session.messages)

    async def fetch(
        self, messages: Sequence[RemoteMessage], spool: Callable[[], Spool]
    ) -> AsyncIterator[Arrived | Missed]:
        """In the maildrop's order; over a new connection where one is cut. A message at which it
        is cut again and again is left out, so that those behind it come.
        """
        left = {message.key: message for message in messages}
        in_vain = 0
        while left:
            before = len(left)
            try:
                async with aclosing(self._bodies(list(left.values()), spool)) as stream:
                    async for one in stream:
                        left.pop(one.message.key, None)
                        yield one
                return
            except Pop3Failure as failure:
                in_vain = 1 if len(left) < before else in_vain + 1
                if not self._goes_on(failure, left):
                    raise self._failed(failure) from failure
                why = f"The connection breaks in the middle of it: {failure.why}"
            if in_vain < _CUT_OUT:
                await self._clock.sleep(_PAUSE * (in_vain - 1))
            else:
                in_vain = 0
                yield Missed(left.pop(next(iter(left))), why)

    async def _bodies(
        self, messages: Sequence[RemoteMessage], spool: Callable[[], Spool]
    ) -> AsyncGenerator[Arrived | Missed, None]:
        """All that one connection gives. Raises Pop3Failure when it ends, and SourceFailure."""
        session = await self._ready()
        wanted: dict[int, RemoteMessage] = {}
        for message in messages:
            number = session.numbers.get(message.key)
            if number is None:
                yield Missed(message, "It is no longer there.", gone=True)
            else:
                wanted[number] = message
        sinks: dict[int, _Mending] = {}
        refused = 0  # in a row

        def sink(number: int) -> _Mending:
            return sinks.setdefault(number, _Mending(spool()))

        try:
            async for retrieved in session.connection.retrieve(list(wanted), sink):
                message = wanted[retrieved.number]
                refused = 0 if retrieved.status.ok else refused + 1
                if retrieved.status.ok:
                    arrived = _arrived(message, retrieved, sinks.pop(retrieved.number))
                else:
                    arrived = self._refused(message, retrieved.status, refused)
                if isinstance(arrived, Arrived):
                    session.read.add(message.key)
                yield arrived
        finally:
            for left in sinks.values():
                left.discard()

    def _goes_on(self, failure: Pop3Failure, left: Mapping[str, RemoteMessage]) -> bool:
        """It was a cut, and what is left can be told apart in another session."""
        if not left or any(ORDINAL in key for key in left):
            return False
        return failure.status is None and self._failed(failure).trouble == "cut"

    async def settle(self, keys: Sequence[str], what: AtSource) -> list[str]:
        """Delete, and end the session: its end makes it last. Other actions are not POP3's."""
        if what.action != "delete":
            return list(keys) if what.action == "leave" else []
        session = await self._ready()
        # After a cut this may be another session than the one that listed them, and on some servers
        # a name then means another message. One of another size surely is another.
        there = {message.key for message in session.messages if self._is_listed(message)}
        numbers = {
            session.numbers[key]: key
            for key in keys
            if key in there and (ORDINAL not in key or key in session.read)
        }
        if not numbers:
            return []
        try:
            marked = [numbers[one] for one in await session.connection.delete(list(numbers))]
        except LinkFailure as failure:
            raise self._failed(failure) from failure
        except BaseException:
            session.connection.close()  # so that nothing is deleted that nobody notes
            raise
        self._session = None
        try:
            if (await session.connection.quit()).ok:
                return marked
        except LinkFailure:
            pass  # the answer was lost: the next list shows what became of it
        return await self._no_longer_there(marked)

    async def changes(self, since: str) -> FolderChanges:
        """POP3 has no flags, and says nothing of what is gone."""
        return FolderChanges((), (), "")

    async def set_flags(self, changes: Sequence[FlagsNow]) -> list[str]:
        """POP3 has no flags."""
        return []

    async def wait(self, seconds: float) -> bool:
        """Leave, since nobody else may read the maildrop meanwhile, and look again after that."""
        await self.close()
        await self._clock.sleep(seconds)
        return True

    async def close(self) -> None:
        """Take leave; nothing was marked, so nothing is deleted."""
        session, self._session = self._session, None
        if session is None:
            return
        if session.connection.is_open:
            with suppress(LinkFailure):
                await session.connection.quit()
        session.connection.close()

    # Small parts

    def _is_listed(self, message: RemoteMessage) -> bool:
        return self._listed.get(message.key) == message.size

    async def _ready(self) -> _Session:
        if self._session is not None and self._session.connection.is_open:
            return self._session
        self._session = None
        connection = await self._dial()
        try:
            listing = await list_maildrop(connection, self._limits)
            self._session = _Session(connection, listing.messages, listing.numbers, set())
        except LinkFailure as failure:
            connection.close()
            raise self._failed(failure) from failure
        except BaseException:
            connection.close()
            raise
        return self._session

    def _failed(self, failure: LinkFailure) -> SourceFailure:
        return source_failure(failure, self._host)

    def _refused(self, message: RemoteMessage, status: Status, in_a_row: int) -> Missed:
        """Raises SourceFailure where it is not about this message alone. One message may be
        "temporarily" broken for ever, and must not keep those behind it from coming."""
        meaning = meaning_of(status.code, status.text)
        throttled = meaning is not None and meaning.trouble == "throttled"
        if throttled and in_a_row >= _THROTTLED_IN_A_ROW:
            raise self._failed(refusal("message", status))
        return Missed(message, f"The server does not give it: “{status.text}”.")

    async def _no_longer_there(self, marked: Sequence[str]) -> list[str]:
        """Of keys that were marked, those that the next session's list has no more."""
        try:
            session = await self._ready()
        except SourceFailure:
            return []
        there = session.numbers
        return [key for key in marked if key not in there and ORDINAL not in key]


def _arrived(message: RemoteMessage, retrieved: Retrieved, sink: _Mending) -> Arrived | Missed:
    """Raises what the spool raised, unless it is that the message is too large."""
    try:
        if retrieved.error is not None:
            raise retrieved.error
        spool = sink.finish()
    except TooLarge as error:
        sink.discard()
        return Missed(message, str(error))
    except BaseException:
        sink.discard()
        raise
    if not spool.size and message.size:
        sink.discard()
        return Missed(message, f"The server announces {message.size} octets and gives none.")
    return Arrived(message, spool)
