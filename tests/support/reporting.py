"""A bench that judges, counts and reports, on a clock that a test moves."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from pillarbox.accounts.signing_keys import DkimKeys
from pillarbox.config.reports import ReportSettings
from pillarbox.flow.delivery.signing import Signer, SigningKeys
from pillarbox.flow.reporting.letters import Post
from pillarbox.flow.reporting.production import Producer
from pillarbox.flow.reporting.reading import ReportReader
from pillarbox.flow.reporting.sources import Reporter
from pillarbox.flow.reporting.witness import DmarcWitness
from pillarbox.net.https import Fetched, FetchFailed
from support.fake_clock import FakeClock
from support.fake_resolver import FakeResolver
from support.judging import CLIENT, make_judge, with_judge
from support.smtp_bench import HOSTNAME, Bench, open_bench

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
DAY = 20758  # of that noon, since 1970
CONTACT = f"postmaster@{HOSTNAME}"
WORLD: dict[str, Any] = {
    CLIENT: {"PTR": ["mail.example.net"]},
    "mail.example.net": {"A": [CLIENT]},
    "example.net": {"TXT": ["v=spf1 a:mail.example.net -all"]},
    "_dmarc.example.net": {
        "TXT": ["v=DMARC1; p=reject; sp=quarantine; adkim=s; rua=mailto:dmarc@example.net!1m"]
    },
}


class FakeHttps:
    """Takes uploads, or answers as it is told to."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes, str]] = []
        self.status = 201
        self.down = False

    async def post(self, url: str, body: bytes, media_type: str) -> Fetched:
        if self.down:
            raise FetchFailed("unreachable", "The server cannot be reached.")
        self.taken.append((url, body, media_type))
        return Fetched(self.status, "text/plain", b"")


@dataclass
class Desk:
    """One server's reports."""

    bench: Bench
    clock: FakeClock
    resolver: FakeResolver
    settings: ReportSettings
    witness: DmarcWitness
    reader: ReportReader
    https: FakeHttps = field(default_factory=FakeHttps)

    def producer(self) -> Producer:
        """A worker; more than one may be made."""
        bench = self.bench
        signer = Signer(SigningKeys(bench.store), self.clock, HOSTNAME)
        return Producer(
            bench.store,
            self.settings,
            self.clock,
            reporter=Reporter("Example", CONTACT),
            resolver=self.resolver,
            post=Post(bench.store, bench.directory, signer, CONTACT),
            post_https=self.https.post,
        )

    async def next_day(self) -> None:
        """The counts are written, midnight goes by, and the time of all reports."""
        await self.witness.flush()
        await self.clock.advance(86_400 - self.clock.now().timestamp() % 86_400 + 18_000)

    async def make_keys(self, domain: str = "example.org") -> None:
        """Keys that sign at once."""
        await DkimKeys(self.bench.store, self.clock).ensure(domain)

    async def letters(self) -> list[tuple[str, bytes]]:
        """What is in the queue: recipient and octets."""
        found = []
        for row in await self.bench.queued():
            content = self.bench.store.content(row)
            to = row.recipients[0][0].forward_path
            found.append((to, await content.read(0, content.size)))
        return found


@contextlib.asynccontextmanager
async def open_desk(
    folder: Path, world: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Desk]:
    """A desk whose [reports] are as given."""
    clock = FakeClock(NOON)
    resolver = FakeResolver(WORLD if world is None else world)
    chosen = ReportSettings(**settings)
    async with open_bench(folder, clock=clock) as bench:
        witness = DmarcWitness(bench.store, chosen, clock)
        with_judge(bench, make_judge(bench, resolver, clock=clock, witness=witness))
        reader = ReportReader(bench.store, bench.directory, chosen, clock)
        yield Desk(bench, clock, resolver, chosen, witness, reader)


def opened(octets: bytes) -> EmailMessage:
    """As the standard library reads it."""
    message = message_from_bytes(octets, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def attachment(octets: bytes) -> tuple[str, str, bytes]:
    """Media type, file name and content of the one attachment."""
    (part,) = opened(octets).iter_attachments()
    return part.get_content_type(), part.get_filename() or "", part.get_payload(decode=True)
