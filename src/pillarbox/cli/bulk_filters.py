"""Which messages `pillarbox bulk run` means."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from pillarbox.cli.options import parse_size
from pillarbox.cli.queue_filters import now_seconds, parse_span

if TYPE_CHECKING:
    from collections.abc import Callable

    from pillarbox.flow.bulk.orders import Selection
    from pillarbox.ids import MailboxId
    from pillarbox.store.query import Query

    FindMailbox = Callable[[str], MailboxId]

# Options that choose; one of them must be given.
FILTERS = (
    *("in_", "before", "after", "older_than", "larger", "smaller", "from_", "recipient"),
    *("subject", "text", "unread", "read", "flagged", "with_file"),
)


def add_filters(parser: argparse.ArgumentParser) -> None:
    """`--in`, `--before`, `--larger`, `--from` and so on."""
    group = parser.add_argument_group("which messages")
    group.add_argument("--in", dest="in_", metavar="MAILBOX", help="in this mailbox")
    group.add_argument("--before", type=parse_day, metavar="DAY", help="came before 2025-12-31")
    group.add_argument("--after", type=parse_day, metavar="DAY", help="came on that day or later")
    group.add_argument(
        "--older-than", type=parse_span, metavar="TIME", help="came so long ago: 90d"
    )
    group.add_argument("--larger", type=parse_size, metavar="SIZE", help="than 5M")
    group.add_argument("--smaller", type=parse_size, metavar="SIZE", help="than 5M")
    group.add_argument("--from", dest="from_", metavar="TEXT", help="has it in From")
    group.add_argument("--recipient", metavar="TEXT", help="has it in To or Cc")
    group.add_argument("--subject", metavar="TEXT", help="has it in the subject")
    group.add_argument("--text", help="has it anywhere")
    group.add_argument("--unread", action="store_true", help="has not been read")
    group.add_argument("--read", action="store_true", help="has been read")
    group.add_argument("--flagged", action="store_true", help="is flagged")
    group.add_argument("--with-file", action="store_true", help="has an attachment")


def parse_day(text: str) -> int:
    """The beginning of a day in UTC, Unix seconds."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write 2025-12-31") from None
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def selection_of(options: argparse.Namespace, mailbox: FindMailbox) -> Selection:
    """As operations take it. Raises NotAllowed for what cannot be asked of deleted mail."""
    from pillarbox.errors import NotAllowed
    from pillarbox.flow.bulk.orders import FOREVER, Deleted, Selection
    from pillarbox.message.casefold import fold
    from pillarbox.store import query as q

    if options.action != "restore":
        terms = tuple(_terms(options, mailbox))
        return Selection(query=q.And(terms), hidden=options.action == "destroy")
    usable = ("before", "after", "older_than", "text")
    for name in FILTERS:
        if name not in usable and getattr(options, name) not in (None, False):
            raise NotAllowed("What was destroyed is chosen by --after, --before and --text.")
    before = options.before if options.before is not None else FOREVER
    if options.older_than is not None:
        before = min(before, now_seconds() - options.older_than)
    return Selection(deleted=Deleted(options.after or 0, before, fold(options.text or "")))


def _terms(options: argparse.Namespace, mailbox: FindMailbox) -> list[Query]:
    from pillarbox.store import query as q
    from pillarbox.store.model import Flag

    terms: list[Query] = []
    if options.in_ is not None:
        terms.append(q.InMailbox(mailbox(options.in_)))
    before = options.before
    if options.older_than is not None:
        ago = now_seconds() - options.older_than
        before = ago if before is None else min(before, ago)
    if before is not None or options.after is not None:
        terms.append(q.ReceivedBetween(options.after, before))
    if options.larger is not None:
        terms.append(q.Larger(options.larger))
    if options.smaller is not None:
        terms.append(q.Smaller(options.smaller))
    for text, fields in (
        (options.from_, (q.Field.FROM,)),
        (options.recipient, (q.Field.TO, q.Field.CC)),
        (options.subject, (q.Field.SUBJECT,)),
        (options.text, (q.Field.TEXT,)),
    ):
        if text is not None:
            terms.append(q.Or(tuple([q.Contains(field, text) for field in fields])))
    if options.unread:
        terms.append(q.Not(q.HasFlag(int(Flag.SEEN))))
    if options.read:
        terms.append(q.HasFlag(int(Flag.SEEN)))
    if options.flagged:
        terms.append(q.HasFlag(int(Flag.FLAGGED)))
    if options.with_file:
        terms.append(q.HasAttachment())
    return terms
