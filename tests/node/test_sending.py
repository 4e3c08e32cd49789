"""The queue's part of a worker: it sends and tells, and keeps house."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pillarbox.accounts.directory import Directory
from pillarbox.config.queue import QueueSettings
from pillarbox.config.settings import Settings
from pillarbox.flow.outbound.outcome import Kind
from pillarbox.node.sending import Sending, keep_queue, make_bouncer
from pillarbox.store.model import RecipientState as State
from pillarbox.store.sql import accounts, messages
from pillarbox.telemetry.metrics import REGISTRY
from support.queue_bench import (
    FakeBouncer,
    FakeSender,
    all_ended,
    message,
    outcome,
    put,
    rows,
    until,
)
from support.store_box import Box


def number(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"pillarbox_{name}", labels)


def test_from_the_queue_to_the_report(tmp_path: Path) -> None:
    async def answer(_message, recipient):  # type: ignore[no-untyped-def]
        return outcome(recipient, Kind.FAILED, "550 no")

    async def work() -> None:
        async with Box(tmp_path) as box:
            bouncer = FakeBouncer()
            settings = QueueSettings(keep_finished_hours=1)
            sender = FakeSender(answer)
            sending = Sending(box.store, settings, box.clock, sender, bouncer, sweeps=True)
            sending.start()
            await put(box.store, message("a@x.example"))
            await until(lambda: all_ended(box.store))
            await until(lambda: bool(bouncer.told))
            assert bouncer.told == [(1, (("a@x.example", "failed"),))]
            await sending.drain(1)

            await put(box.store, message("b@x.example"))  # nobody sends any more
            await keep_queue(box.store, settings, box.clock)
            assert [one.state for one in await rows(box.store)] == [State.FAILED, State.WAITING]
            assert number("queue_recipients", state="failed") == 1
            await box.clock.advance(3601)
            await keep_queue(box.store, settings, box.clock)
            assert [one.forward_path for one in await rows(box.store)] == ["b@x.example"]
            assert number("queue_recipients", state="failed") == 0
            assert number("queue_recipients", state="waiting") == 1
            assert number("queue_oldest_seconds") == 3601
            assert (await box.store.verify()).problems == []

    asyncio.run(work())


def test_a_failure_comes_back_to_its_sender(tmp_path: Path) -> None:
    async def answer(_message, recipient):  # type: ignore[no-untyped-def]
        return outcome(recipient, Kind.FAILED, "550 5.1.1 nobody here", remote_mta="mx.x.example")

    async def work() -> None:
        async with Box(tmp_path) as box:
            await box.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
            settings = Settings()
            bouncer = make_bouncer(box.store, settings, box.clock, Directory(box.store))
            sending = Sending(
                box.store, settings.queue, box.clock, FakeSender(answer), bouncer, sweeps=True
            )
            sending.start()
            await put(box.store, message("a@x.example"))

            async def arrived() -> bool:
                return bool(await box.placed())

            await until(arrived)
            (placed,) = await box.placed()
            row = await box.store.read(lambda db: messages.get(db, box.alice.id, placed.message))
            octets = await box.store.content(row).read(0, row.size)
            assert b"550 5.1.1 nobody here" in octets
            assert b"Final-Recipient: rfc822; a@x.example" in octets
            assert not (await rows(box.store))[0].report
            await sending.drain(1)

    asyncio.run(work())
