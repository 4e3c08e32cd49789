"""New messages on their way into the store: few transactions, bounded memory and disk."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from pillarbox.errors import TooLarge, Unavailable
from pillarbox.flow.delivery.keep import Sealed, seal
from pillarbox.jmap.context import Context
from pillarbox.jmap.email.patch import EmailPatch
from pillarbox.jmap.email.writing import NewEmail, Work, Written, write_emails
from pillarbox.jmap.errors import MethodRefused, RecordRefused
from pillarbox.jmap.standard import SetResult
from pillarbox.store import SHORT_WRITE, Transaction

_WAITING_OCTETS = 64 << 20  # sealed and not yet written; as much waits in memory and on disk
_STEP = 1 << 20


class Batches:
    """Of one method call; leave its `with` whatever happens."""

    def __init__(self, ctx: Context, if_in_state: str | None) -> None:
        self._ctx = ctx
        self._if_in_state = if_in_state
        self._spools = ExitStack()
        self._new: dict[str, NewEmail] = {}
        self._octets = 0
        self._old_state = ""
        self._new_state = ""
        self._others_wrote = False  # between two transactions of ours
        self.result = SetResult()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._spools.close()

    async def seal(self, octets: bytes) -> Sealed:
        """Raises RecordRefused tooLarge."""
        spool = self._spools.enter_context(self._ctx.store.spool())
        try:
            for at in range(0, len(octets), _STEP):
                spool.write(octets[at : at + _STEP])
        except TooLarge as error:
            raise too_large(self._ctx) from error
        return await seal(spool)

    async def add(self, name: str, new: NewEmail) -> None:
        """Written now only when much waits already."""
        self._new[name] = new
        self._octets += new.sealed.blob.size
        if self._octets > _WAITING_OCTETS:
            await self._write(Work(created=self._new))

    async def finish(
        self, updated: dict[str, EmailPatch] | None = None, destroyed: tuple[str, ...] = ()
    ) -> tuple[str, str]:
        """Write what waits, and the rest of the call with it; the states before and after."""
        work = Work(created=self._new, updated=updated or {}, destroyed=destroyed)
        await self._write(work)
        # From the old state the client asks what changed, and hears of the others' changes, too.
        return self._old_state, self._old_state if self._others_wrote else self._new_state

    async def _write(self, work: Work) -> None:
        ctx = self._ctx
        known, if_in_state = dict(ctx.created_ids), self._if_in_state

        async def write(tx: Transaction) -> Written:
            return await write_emails(tx, ctx.account, work, known, if_in_state)

        records = len(work.created) + len(work.updated) + len(work.destroyed)
        try:
            done = await ctx.store.write(write, short=records <= SHORT_WRITE)
        except Unavailable as error:
            if self._old_state:  # what was written before stays
                raise MethodRefused("serverPartialFail", str(error)) from error
            raise
        if self._new_state and done.old_state != self._new_state:
            self._others_wrote = True
        self._old_state = self._old_state or done.old_state
        self._new_state = done.new_state
        self._if_in_state = None  # it held when this began
        ctx.created_ids.update(done.created_ids)
        self._join(done.result)
        self._new, self._octets = {}, 0
        self._spools.close()

    def _join(self, done: SetResult) -> None:
        self.result.created |= done.created
        self.result.not_created |= done.not_created
        self.result.updated |= done.updated
        self.result.not_updated |= done.not_updated
        self.result.destroyed += done.destroyed
        self.result.not_destroyed |= done.not_destroyed


def too_large(ctx: Context) -> RecordRefused:
    """A message beyond the store's limit."""
    return RecordRefused("tooLarge", maxSize=ctx.store.settings.max_message_octets)
