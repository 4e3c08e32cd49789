"""The writes of one /set, record by record, and whether others wrote in between (RFC 8620 §5.3)."""

from __future__ import annotations

from typing import TypeVar

from pillarbox.errors import PillarboxError
from pillarbox.ids import AccountId, ModSeq
from pillarbox.jmap.errors import MethodRefused
from pillarbox.jmap.ids import state_of
from pillarbox.store import Store
from pillarbox.store.database import Transaction, WriteFunction
from pillarbox.store.sql import changes

T = TypeVar("T")


class _Moved(PillarboxError):
    """The account is no longer in the state that the client named."""


class OwnWrites:
    """Each record is a transaction of its own, so that one that is refused changes nothing."""

    def __init__(self, store: Store, account: AccountId, old: ModSeq, if_in_state: str | None):
        self._store = store
        self._account = account
        self._old = old
        self._last = old
        self._must_match = if_in_state is not None
        self._others_wrote = False

    @property
    def new_state(self) -> str:
        """Where others wrote in between, the old one: the client then asks what changed."""
        return state_of(self._old if self._others_wrote else self._last)

    async def write(self, function: WriteFunction[T], *, patient: bool = False) -> T:
        """One transaction. Raises what the function does, and MethodRefused stateMismatch."""

        async def noticing(tx: Transaction) -> tuple[ModSeq, T, ModSeq]:
            before = await changes.account_modseq(tx, self._account)
            if self._must_match and before != self._old:
                raise _Moved
            value = await function(tx)
            return before, value, await changes.account_modseq(tx, self._account)

        try:
            before, value, after = await self._store.write(noticing, patient=patient)
        except _Moved as error:
            raise MethodRefused("stateMismatch") from error
        self._must_match = False  # only the first can find the state that was named
        self._others_wrote = self._others_wrote or before != self._last
        self._last = after
        return value
