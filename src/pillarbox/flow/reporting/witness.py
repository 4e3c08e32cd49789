"""Counts judged messages in memory, and from time to time in the store.

Nothing waits for it: a message costs it a look into a dictionary. What a crash loses of it is a
few seconds' counts.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from pillarbox.clock import unix_seconds
from pillarbox.errors import PillarboxError
from pillarbox.flow.reporting.observation import Wanted, observe, wanted
from pillarbox.flow.reporting.timing import due_at
from pillarbox.store.sql import reports
from pillarbox.store.sql.reports import DueReport
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import REPORT_ROWS_LOST
from pillarbox.trust.dmarc.tree import listed_domain

if TYPE_CHECKING:
    from pillarbox.clock import Clock
    from pillarbox.config.reports import ReportSettings
    from pillarbox.flow.delivery.envelope import Envelope
    from pillarbox.flow.inbound.facts import TrustFacts
    from pillarbox.flow.inbound.policy import Verdict
    from pillarbox.store import Store, Transaction
    from pillarbox.trust.dmarc import DmarcRecord
    from pillarbox.trust.dmarc_report import Row

log = get_logger("reporting")

_DOMAINS_A_REPORT = 5  # counted for each report that may be sent: not all get one
_DOMAINS_OF_ONE = 20  # of one registered domain on one day: by a wildcard it has any number
_ROWS_AT_ONCE = 500  # in one write: some milliseconds

_Day = tuple[int, str]  # days since 1970, and the domain


class DmarcWitness:
    """`note` for each message, `flush` now and then."""

    def __init__(self, store: Store, settings: ReportSettings, clock: Clock) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._own = frozenset(address.lower() for address in settings.addresses)
        self._counts: dict[tuple[_Day, Row], int] = {}
        self._records: dict[_Day, DmarcRecord] = {}
        self._lost = 0
        self._today = 0
        self._known: set[str] = set()  # domains that count today
        self._of_one: Counter[str] = Counter()  # how many of them are of a registered domain

    def note(self, envelope: Envelope, facts: TrustFacts, verdict: Verdict) -> None:
        """One message. Reports to us are left out: else two servers would report for ever on
        nothing but each other's reports."""
        row = observe(facts, verdict)
        record = facts.dmarc.record
        if row is None or record is None:
            return
        if self._own.issuperset(one.forward_path.lower() for one in envelope.recipients):
            return
        day = (unix_seconds(self._clock.now()) // reports.DAY, facts.dmarc.policy_domain)
        if not self._counts_today(*day):
            self._lost += 1
            return
        key = (day, row)
        if key not in self._counts and len(self._counts) >= self._settings.max_pending:
            self._lost += 1
            return
        self._counts[key] = self._counts.get(key, 0) + 1
        self._records[day] = record

    def _counts_today(self, today: int, domain: str) -> bool:
        """Not the twenty-first below one registered domain: whoever has it could make up
        enough to leave no report for others."""
        if today != self._today:
            self._today = today
            self._known.clear()
            self._of_one.clear()
        if domain in self._known:
            return True
        registered = listed_domain(domain)
        if self._of_one[registered] >= _DOMAINS_OF_ONE:
            return False
        if len(self._known) >= self._settings.max_pending:
            return False
        self._of_one[registered] += 1
        self._known.add(domain)
        return True

    async def flush(self) -> None:
        """Write what has come together; what cannot be written is lost, and counted as such."""
        counts, self._counts = self._counts, {}
        records, self._records = self._records, {}
        by_day: dict[_Day, list[tuple[Row, int]]] = {}
        for (day, row), count in counts.items():
            by_day.setdefault(day, []).append((row, count))
        for day, rows in by_day.items():
            for at in range(0, len(rows), _ROWS_AT_ONCE):
                await self._write(day, wanted(day[1], records[day]), rows[at : at + _ROWS_AT_ONCE])
        if self._lost:
            REPORT_ROWS_LOST.inc(self._lost)
            log.warning_event("reporting.rows_lost", messages=self._lost)
            self._lost = 0

    async def _write(self, day: _Day, asked: Wanted, rows: list[tuple[Row, int]]) -> None:
        due = DueReport(
            kind="dmarc",
            day=day[0],
            domain=day[1],
            policy=msgspec.json.encode(asked).decode(),
            due_at=due_at(*day, self._settings.spread_seconds),
        )
        counts = {msgspec.json.encode(row).decode(): count for row, count in rows}

        async def write(tx: Transaction) -> int:
            return await reports.count_messages(
                tx,
                due,
                counts,
                max_rows=self._settings.max_rows,
                max_domains=_DOMAINS_A_REPORT * self._settings.max_a_day,
            )

        try:
            self._lost += await self._store.write(write)
        except PillarboxError as error:
            self._lost += sum(counts.values())
            log.warning_event("reporting.not_written", why=str(error))
