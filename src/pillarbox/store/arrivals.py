"""Who waits for new letters hears of each that this process put into an inbox."""

from __future__ import annotations

from collections.abc import Callable

from pillarbox.ids import AccountId, MessageId
from pillarbox.telemetry.log import get_logger

log = get_logger("store")

OnArrival = Callable[[AccountId, MessageId], None]


class Arrivals:
    """A call in this process, once: a hint, which no other process gets and no restart keeps."""

    def __init__(self) -> None:
        self._listeners: list[OnArrival] = []

    def listen(self, on_arrival: OnArrival) -> None:
        """It is called on the loop's thread behind the commit; the delivery goes on after it."""
        self._listeners.append(on_arrival)

    def tell(self, account: AccountId, message: MessageId) -> None:
        """A delivery did this, and it is durable."""
        for on_arrival in self._listeners:
            try:
                on_arrival(account, message)
            except Exception:  # a listener's bug must not fail what is delivered already
                log.error_event("store.listener_failed", exc=True, account=account)
