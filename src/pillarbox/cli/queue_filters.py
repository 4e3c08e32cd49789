"""Which recipients of the queue a command means."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pillarbox.store.sql.queue_steer import Filter

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
STATES = ("waiting", "held", "relayed", "delivered", "expanded", "failed", "expired", "dropped")


def add_filters(parser: argparse.ArgumentParser) -> None:
    """`--id`, `--sender`, `--recipient`, `--domain`, `--state`, `--older-than`."""
    group = parser.add_argument_group("which recipients")
    group.add_argument(
        "--id", type=int, action="append", default=[], metavar="N", help="of this message"
    )
    group.add_argument(
        "--sender", default="", metavar="ADDRESS", help="from it; @example.org for all of a domain"
    )
    group.add_argument("--recipient", default="", metavar="ADDRESS", help="to it; or @example.org")
    group.add_argument("--domain", default="", help="to this domain")
    group.add_argument("--state", action="append", choices=STATES, default=[], help="in this state")
    group.add_argument(
        "--older-than", type=parse_span, metavar="TIME", help="in the queue for 30m, 4h, 2d or more"
    )


def parse_span(text: str) -> int:
    """Seconds from "90s", "30m", "4h", "2d"."""
    unit = _UNITS.get(text[-1:].lower())
    digits = text[:-1]
    if unit is None or not (digits.isascii() and digits.isdigit()) or len(digits) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is no span of time; write 30m, 4h or 2d")
    return int(digits) * unit


def now_seconds() -> int:
    """The present instant as the queue stores it."""
    from pillarbox.clock import SystemClock, unix_seconds

    return unix_seconds(SystemClock().now())


def filter_of(options: argparse.Namespace) -> Filter:
    """What was given, as the store takes it; notes in `options.filtered` whether anything was."""
    from pillarbox.store.model import OPEN_STATES, QueuedRecipient, RecipientState
    from pillarbox.store.sql.queue import domain_of
    from pillarbox.store.sql.queue_steer import Filter

    states = tuple(RecipientState(one) for one in options.state)
    older = options.older_than
    chosen = Filter(
        messages=tuple(options.id),
        sender=options.sender,
        recipient=options.recipient,
        domain=domain_of(QueuedRecipient(f"@{options.domain}")) if options.domain else "",
        states=states,
        queued_before=now_seconds() - older if older is not None else None,
        open_only=not states or set(states) <= OPEN_STATES,
    )
    options.filtered = chosen != Filter()
    return chosen
