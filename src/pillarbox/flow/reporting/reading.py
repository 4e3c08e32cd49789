"""Reports that others sent to us: found in the mail that has come in, read with care, and kept.

Nothing of this is on the way of delivery: whatever a report does to its reader, the mail is there
already. Each message is looked at once: the mark moves in the write that keeps what was found.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from pillarbox.accounts.names import fold_address
from pillarbox.clock import unix_seconds
from pillarbox.errors import BadName, Damaged, LimitReached, NoSuchAccount, NoSuchDomain
from pillarbox.flow.reporting.attachments import Attachment, find_attachments
from pillarbox.flow.reporting.received import Author, author_of, summarize
from pillarbox.message import transfer
from pillarbox.store.sql import messages, reports_received
from pillarbox.store.sql.reports import DAY
from pillarbox.store.sql.reports_received import ReceivedReport
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import REPORTS
from pillarbox.trust import dmarc_report
from pillarbox.trust.tls_rpt import report as tls_report

if TYPE_CHECKING:
    from pillarbox.accounts.directory import Directory
    from pillarbox.clock import Clock
    from pillarbox.config.reports import ReportSettings
    from pillarbox.ids import AccountId, MessageId
    from pillarbox.store import Store, Transaction
    from pillarbox.store.model import MessageRow

log = get_logger("reporting")

_AT_ONCE = 500  # messages whose trace is looked at in one go
_TURNS = 20  # of those in one round; the next round goes on
_DELIVERED_TO = re.compile(rb"^Delivered-To: ([^\r\n]*)\r?$", re.MULTILINE)


class ReportReader:
    """`read` now and then; one process is enough, and several do no harm."""

    def __init__(
        self, store: Store, directory: Directory, settings: ReportSettings, clock: Clock
    ) -> None:
        self._store = store
        self._directory = directory
        self._settings = settings
        self._clock = clock

    async def read(self) -> int:
        """What came to the addresses since the last round; how many reports were kept."""
        kept = 0
        for account, addresses in (await self._accounts()).items():
            for _ in range(_TURNS):
                found, more = await self._turn(account, addresses)
                kept += found
                if not more:
                    break
        return kept

    async def _accounts(self) -> dict[AccountId, set[str]]:
        """Where the addresses lead here."""
        found: dict[AccountId, set[str]] = {}
        for address in self._settings.addresses:
            try:
                folded = fold_address(address)
                resolved = await self._directory.resolve(address)
            except (BadName, NoSuchAccount, NoSuchDomain, LimitReached) as error:
                log.warning_event("reporting.no_such_address", address=address, why=str(error))
                continue
            for account in resolved.accounts:
                found.setdefault(account.id, set()).add(folded)
        return found

    async def _turn(self, account: AccountId, addresses: set[str]) -> tuple[int, bool]:
        after = await self._store.read(partial(reports_received.seen, account=account))
        new = await self._store.scan(
            partial(reports_received.new_messages, account=account, after=after, limit=_AT_ONCE)
        )
        kept = 0
        for message, trace in new:
            if _came_to(trace, addresses):
                kept += await self._look(account, message)
        if new:
            last = new[-1][0]
            await self._store.write(
                partial(reports_received.set_seen, account=account, message=last), short=True
            )
        return kept, len(new) == _AT_ONCE

    async def _look(self, account: AccountId, message: MessageId) -> int:
        """One message, its reports kept and the mark moved in one write."""
        rows = await self._store.read(
            partial(messages.get_many, account=account, messages=[message])
        )
        row = rows.get(message)
        found = [] if row is None or await self._is_full() else await self._reports_of(row)

        async def write(tx: Transaction) -> int:
            numbers = [await reports_received.add(tx, one) for one in found]
            await reports_received.set_seen(tx, account, message)
            return sum(map(bool, numbers))

        kept = await self._store.write(write)
        if found:
            REPORTS.labels(found[0].kind, "received").inc(kept)
        return kept

    async def _is_full(self) -> bool:
        midnight = unix_seconds(self._clock.now()) // DAY * DAY
        count = await self._store.read(partial(reports_received.count_since, instant=midnight))
        return count >= self._settings.max_received_a_day

    async def _reports_of(self, row: MessageRow) -> list[ReceivedReport]:
        now = unix_seconds(self._clock.now())
        author = author_of(row.trace)
        content = self._store.content(row)
        found = []
        for one in find_attachments(row):
            try:
                raw = await content.read(one.start, one.end)
                found.append(await asyncio.to_thread(_parsed, one, raw, author, now))
            except Damaged:
                log.error_event("reporting.damaged", exc=True, message=row.id)
            except dmarc_report.BadReport as bad:
                REPORTS.labels(one.kind, f"unread-{bad.why.replace(' ', '-')}").inc()
                log.event("reporting.unread", message=row.id, author=author.domain, why=str(bad))
            except tls_report.BadReport as bad:
                REPORTS.labels(one.kind, "unread").inc()
                log.event("reporting.unread", message=row.id, author=author.domain, why=str(bad))
        return found


def _parsed(one: Attachment, raw: bytes, author: Author, now: int) -> ReceivedReport:
    """Raises BadReport of its kind. Beside the loop: a large report takes a second or two."""
    octets = transfer.decode(raw, one.encoding)
    parsed: dmarc_report.AggregateReport | tls_report.Report
    if one.kind == "tls":
        parsed = tls_report.parse_report(octets)
    else:
        parsed = dmarc_report.parse_report(octets)
    return msgspec.structs.replace(summarize(parsed, author), received_at=now)


def _came_to(trace: bytes, addresses: set[str]) -> bool:
    found = _DELIVERED_TO.search(trace)
    if found is None:
        return False
    try:
        return fold_address(found[1].decode("utf-8", "replace")) in addresses
    except BadName:
        return False
