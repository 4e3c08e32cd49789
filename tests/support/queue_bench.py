"""A queue with messages in it, and a sender that answers as it was told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence

from pillarbox.config.queue import QueueSettings
from pillarbox.flow.outbound.outcome import Destination, Job, Kind, Outcome, Report
from pillarbox.flow.queue.reporter import Reporter
from pillarbox.flow.queue.worker import QueueWorker
from pillarbox.store import Store
from pillarbox.store.blobs.record import SealedBlob, seal_bytes
from pillarbox.store.model import (
    LeasedMessage,
    LeasedRecipient,
    QueuedMessage,
    QueuedRecipient,
    RecipientRow,
)
from pillarbox.store.sql import queue
from pillarbox.store.sql.queue_reports import Unreported
from pillarbox.store.sql.queue_steer import Filter, list_recipients
from support.store_box import letter

Answer = Callable[[LeasedMessage, LeasedRecipient], Awaitable[Outcome]]


def message(*recipients: str, sender: str = "alice@example.org", **more: object) -> QueuedMessage:
    """One on its way out."""
    return QueuedMessage(
        account=None,
        reverse_path=sender,
        trace=b"Received: x\r\n",
        recipients=tuple(
            one if isinstance(one, QueuedRecipient) else QueuedRecipient(one)  # type: ignore[redundant-expr]
            for one in recipients
        ),
        journey="j",
        **more,  # type: ignore[arg-type]
    )


def sealed(text: str = "A few words.") -> SealedBlob:
    """Octets for `queue.add`."""
    return seal_bytes(letter(body=text))


async def put(store: Store, *messages: QueuedMessage) -> list[int]:
    """Queue them, each in a write of its own."""
    blob = sealed()
    return list(
        await asyncio.gather(
            *(store.write(lambda tx, one=one: queue.add(tx, one, blob)) for one in messages)
        )
    )


async def rows(store: Store, **chosen: object) -> list[RecipientRow]:
    """All recipients, ended ones too."""
    wanted = Filter(**({"open_only": False} | chosen))  # type: ignore[arg-type]
    found = await store.read(lambda db: list_recipients(db, wanted, 1_000_000))
    return [one.recipient for one in found]


def outcome(
    recipient: LeasedRecipient, kind: Kind = Kind.RELAYED, reply: str = "250 OK", **more: object
) -> Outcome:
    """What a server answered."""
    return Outcome(
        queued=recipient.queued,
        number=recipient.number,
        kind=kind,
        reply=reply,
        **more,  # type: ignore[arg-type]
    )


class FakeSender:
    """`answer` decides; `accepted` counts what was answered 250."""

    def __init__(self, answer: Answer | None = None, lanes: int = 4) -> None:
        self.answer = answer
        self.accepted: Counter[tuple[int, int]] = Counter()
        self.sends: list[tuple[str, int]] = []  # destination, jobs
        self._lanes = lanes

    def route(self, message: LeasedMessage, recipient: LeasedRecipient) -> Destination:
        return Destination(recipient.route or recipient.domain)

    def lanes(self, destination: Destination) -> int:
        return self._lanes

    async def send(self, destination: Destination, jobs: Sequence[Job], report: Report) -> None:
        self.sends.append((destination.key, len(jobs)))
        for job in jobs:
            done = []
            for recipient in job.recipients:
                if self.answer is None:
                    done.append(outcome(recipient))
                else:
                    done.append(await self.answer(job.message, recipient))
                if done[-1].kind is Kind.RELAYED:
                    self.accepted[(recipient.queued, recipient.number)] += 1
            await report(done)
            await asyncio.sleep(0)


class FakeBouncer:
    """Keeps what it was to tell, once its write is done."""

    def __init__(self) -> None:
        self.told: list[tuple[int, tuple[tuple[str, str], ...]]] = []

    async def prepare(self, told: Unreported):  # type: ignore[no-untyped-def]
        async def write(_tx: object) -> None:
            said = tuple((one.forward_path, one.report) for one in told.recipients)
            self.told.append((told.message.id, said))

        return write


def worker(store: Store, clock: object, sender: FakeSender, **more: object) -> QueueWorker:
    """With settings of its own."""
    reporter = more.pop("reporter", None)
    name = str(more.pop("name", "w1"))
    settings = QueueSettings(**more)  # type: ignore[arg-type]
    return QueueWorker(
        store,
        sender,
        settings,
        clock,  # type: ignore[arg-type]
        name=name,
        reporter=reporter,  # type: ignore[arg-type]
    )


async def until(
    holds: Callable[[], Awaitable[bool]] | Callable[[], bool], turns: int = 30_000
) -> None:
    """Let others run until something holds."""
    for _ in range(turns):
        found = holds()
        if found if isinstance(found, bool) else await found:
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never came to hold")


async def all_ended(store: Store) -> bool:
    """Nothing is open."""
    return not await rows(store, open_only=True)


def addresses(count: int, domains: int) -> Iterable[str]:
    """Different ones, spread over domains."""
    return (f"u{n}@d{n % domains}.example" for n in range(count))


__all__ = ["FakeBouncer", "FakeSender", "Reporter"]
