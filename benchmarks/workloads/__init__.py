"""The workloads: each suite fills an empty store and measures one or several rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.measure import Bench
from benchmarks.workloads import (
    big_mailbox,
    bodies,
    commands,
    delivery,
    idle,
    logins,
    queue,
    searching,
)


@dataclass(frozen=True, slots=True)
class Suite:
    """One start of a server, one function, the rows that it measures."""

    name: str
    rows: tuple[str, ...]
    run: Callable[[Bench], Awaitable[None]]


SUITES = (
    Suite("smtp-4k", ("smtp-4k",), delivery.smtp_4k),
    Suite("smtp-64k", ("smtp-64k",), delivery.smtp_64k),
    Suite("smtp-50rcpt", ("smtp-50rcpt",), delivery.fifty_recipients),
    Suite("queue", ("queue",), queue.queue),
    Suite("append-4k", ("append-4k",), delivery.append_4k),
    Suite("commands", ("noop", "status", "fetch1", "store1"), commands.small_commands),
    Suite("logins", ("logins",), logins.logins),
    Suite("idle-500", ("idle-500",), idle.idle_500),
    Suite("structure", ("fetch-envelope-5k", "fetch-envelope-5k-again"), bodies.structure),
    Suite("bodies", ("pop3-2000x64k", "fetch-bodies-2000"), bodies.bodies),
    Suite(
        "big-mailbox",
        (
            "select-50k",
            "select-50k-again",
            "fetch-flags-50k",
            "store-all-50k",
            "expunge-50k",
        ),
        big_mailbox.big_mailbox,
    ),
    Suite("searching", searching.ROWS, searching.searching),
)
