"""Messages of one folder, fetched in sets with several on the way, whatever goes wrong with some.

One that a server cannot give costs that one. Sets that fail are asked for again message by message,
and one at which the connection breaks again and again is left out.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing

from pillarbox.config.imap_client import ImapClientLimits
from pillarbox.errors import PillarboxError, TooLarge
from pillarbox.flow.collect.refusals import meaning_of
from pillarbox.flow.collect.source import Arrived, Missed, RemoteMessage
from pillarbox.flow.collect.sources.imap_flags import read_flags
from pillarbox.imap.client.connection import ImapConnection
from pillarbox.imap.client.failure import ImapFailure, refusal
from pillarbox.imap.client.messages import SetEnd
from pillarbox.imap.client.responses import Fetched, ServerLiteral
from pillarbox.imap.wire.sequence_set import encode_numbers
from pillarbox.net.outgoing.frames import BadFrame
from pillarbox.store.blobs.spool import Spool

_CONTENT = b"(UID BODY.PEEK[])"
_UID = re.compile(rb"\bUID ([0-9]{1,10})\b", re.IGNORECASE)
# A message at which the server falls silent or out of step twice is left out, and one at which the
# line is cut four times while it comes or is asked for: that may have had other reasons.
_STALLED, _CUT, _OUT = 2, 1, 4
_NOTHING = "The server lists the message and gives no content for it."

MakeSpool = Callable[[], Spool]


class Bringing:
    """What is still to come of the messages that were asked for; it outlives a connection."""

    def __init__(
        self, messages: Sequence[RemoteMessage], spool: MakeSpool, limits: ImapClientLimits
    ) -> None:
        self._left = {int(message.key): message for message in messages}
        self._spool = spool
        self._limits = limits
        self._again: list[int] = []  # UIDs whose set did not bring them
        self._alone = 0  # the UID at which the connection broke; asked for by itself
        self._strikes = 0  # against it
        self.came = 0  # messages that came or are known not to

    def blame(self, connection: ImapConnection, failure: ImapFailure) -> Missed | None:
        """The connection broke. A message if it is to blame, and no longer asked for then."""
        unfinished = connection.unfinished
        named = _UID.search(unfinished.before) if unfinished is not None else None
        suspect = int(named[1]) if named is not None else self._alone
        if suspect not in self._left:
            suspect = next(iter(self._left), 0)
        asked_alone = suspect == self._alone
        if not asked_alone:
            self._alone, self._strikes = suspect, 0
        if failure.timed_out or isinstance(failure.__cause__, BadFrame):
            self._strikes += _STALLED
        elif unfinished is not None or asked_alone:
            self._strikes += _CUT
        if not suspect or self._strikes < _OUT:
            return None
        self._alone = 0
        why = f"The connection breaks in the middle of it: {failure.why}"
        if unfinished is not None:
            why = (
                f"The server announces {unfinished.size} octets and sends {unfinished.arrived} "
                f"of them. {failure.why}"
            )
        return self._missed(suspect, why)

    async def run(self, connection: ImapConnection) -> AsyncGenerator[Arrived | Missed, None]:
        """All that one connection gives. Raises ImapFailure, Unavailable."""
        if self._alone in self._left:
            async with aclosing(self._sets(connection, [[self._alone]])) as stream:
                async for one in stream:
                    yield one
        self._alone = 0
        failed = frozenset(self._again)
        waiting = [uid for uid in self._left if uid not in failed]
        async with aclosing(self._sets(connection, _chunks(waiting, self._left, self._limits))) as (
            stream
        ):
            async for one in stream:
                yield one
        if self._again:
            async with aclosing(self._one_by_one(connection)) as stream:
                async for one in stream:
                    yield one

    async def _one_by_one(
        self, connection: ImapConnection
    ) -> AsyncGenerator[Arrived | Missed, None]:
        """What the sets did not bring; the server may have had its reasons for one of them only."""
        there = await _existing(connection, self._again, self._limits)
        for uid in self._again:
            if uid in self._left and uid not in there:
                yield self._missed(uid, "It is no longer there.", gone=True)
        rest = [uid for uid in self._again if uid in self._left]
        async with aclosing(self._sets(connection, [[uid] for uid in rest], alone=True)) as stream:
            async for one in stream:
                yield one
        self._again = []

    async def _sets(
        self,
        connection: ImapConnection,
        sets: Sequence[Sequence[int]],
        *,
        alone: bool = False,
    ) -> AsyncGenerator[Arrived | Missed, None]:
        left = self._left
        written = (encode_numbers(uids) for uids in sets)
        stream = connection.fetch(written, _CONTENT, divert=lambda line, size: self._spool())
        async with aclosing(stream):
            async for one in stream:
                if type(one) is Fetched:
                    if not one.has_body:
                        continue
                    message = left.pop(one.uid, None)
                    if message is None:
                        one.discard()
                        continue
                    self.came += 1
                    yield self._arrived(message, one)
                elif isinstance(one, SetEnd):
                    for missed in self._after(one, sets[one.number], alone):
                        yield missed

    def _after(self, end: SetEnd, uids: Sequence[int], alone: bool) -> Iterator[Missed]:
        """What of a set did not come."""
        missing = [uid for uid in uids if uid in self._left]
        condition = end.condition
        if condition.kind != "OK":
            code = condition.code.name if condition.code is not None else ""
            meaning = meaning_of(code, condition.text)
            if meaning is not None and meaning.trouble != "protocol":
                raise refusal("fetch", condition)
        if not alone:
            self._again += missing
            return
        for uid in missing:
            said = condition.text
            yield self._missed(
                uid, _NOTHING if condition.kind == "OK" else f"The server refused it: {said}"
            )

    def _arrived(self, message: RemoteMessage, fetched: Fetched) -> Arrived | Missed:
        body = fetched.body
        try:
            spool = self._spooled(body)
        except TooLarge as error:
            return Missed(message, str(error))
        if spool is None:
            return Missed(message, _NOTHING)
        if fetched.flags is not None:
            bits, keywords = read_flags(fetched.flags)
            message = RemoteMessage(
                message.key, message.size, bits, keywords, message.received_at
            )  # fmt: skip
        return Arrived(message, spool)

    def _spooled(self, body: ServerLiteral | bytes | None) -> Spool | None:
        """Raises TooLarge, Unavailable."""
        octets = body.octets if isinstance(body, ServerLiteral) else body
        if isinstance(body, ServerLiteral) and body.size > len(body.octets):
            if body.trouble is not None:
                raise body.trouble
            assert isinstance(body.sink, Spool)
            return body.sink
        if not octets:
            return None
        spool = self._spool()
        try:
            spool.write(octets)
        except PillarboxError:
            spool.discard()
            raise
        return spool

    def _missed(self, uid: int, why: str, *, gone: bool = False) -> Missed:
        self.came += 1
        return Missed(self._left.pop(uid), why, gone)


def _chunks(
    uids: Sequence[int], messages: dict[int, RemoteMessage], limits: ImapClientLimits
) -> list[list[int]]:
    """Sets of a bounded number of messages and octets, in the order given."""
    sets: list[list[int]] = []
    octets = 0
    for uid in uids:
        size = messages[uid].size
        full = not sets or len(sets[-1]) >= limits.fetch_messages
        if full or octets + size > limits.fetch_octets:
            sets.append([])
            octets = 0
        sets[-1].append(uid)
        octets += size
    return sets


async def _existing(
    connection: ImapConnection, uids: Sequence[int], limits: ImapClientLimits
) -> set[int]:
    """Of these those that the server has; where it does not say, all: nothing counts as gone."""
    found: set[int] = set()
    ordered = sorted(uids)
    step = limits.set_numbers
    sets = [ordered[start : start + step] for start in range(0, len(ordered), step)]
    async with aclosing(connection.fetch(map(encode_numbers, sets), b"(UID)")) as stream:
        async for one in stream:
            if isinstance(one, Fetched):
                one.discard()
                found.add(one.uid)
            elif one.condition.kind != "OK":
                found.update(sets[one.number])
    return found
