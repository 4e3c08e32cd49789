"""A sender in memory: a store, a DNS, a network, peers that follow scripts, with TLS if wanted.

async with Rig(tmp_path) as rig:
    peer = rig.peer("x.example", Script(answers={"RCPT": "450 4.2.1 later"}))
    (outcome,) = await rig.send("a@x.example")
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pillarbox.config.outbound import OutboundSettings
from pillarbox.flow.outbound.outcome import Destination, Job, Outcome
from pillarbox.flow.outbound.sender import Home, OutboundSender, Surroundings
from pillarbox.net.https import Fetched, FetchFailed
from pillarbox.sasl.client import Credentials
from pillarbox.store.model import LeasedMessage, LeasedRecipient
from pillarbox.store.sql import queue, transport
from pillarbox.trust.tls_rpt.tally import SessionResult
from support.authority import Issued, new_authority
from support.fake_clock import FakeClock
from support.fake_resolver import FakeResolver
from support.memory_network import MemoryNetwork
from support.queue_bench import message, put
from support.scripted_smtp import EVERYTHING, Script, ScriptedSmtp
from support.store_box import Box

ROOT = new_authority("Rig Root")
HOSTNAME = "mail.example.org"
_DAY = 86_400


@dataclass
class TlsScript(Script):
    """A peer that offers STARTTLS with this context, and over TLS what `inside` has."""

    context: ssl.SSLContext | None = None
    inside: Sequence[str] = EVERYTHING
    over_tls: int = 0  # connections that got as far

    def connection(self) -> ScriptedSmtp:
        return _TlsSmtp(self)


class _TlsSmtp(ScriptedSmtp):
    script: TlsScript

    def __init__(self, script: TlsScript) -> None:
        super().__init__(script)
        self._secured = False

    def _answer(self, line: bytes) -> None:
        if line.upper() == b"EHLO " + HOSTNAME.encode().upper():
            self.script.seen.append(line.decode())
            inside = self._secured or self.script.context is None
            offers = self.script.inside if inside else ("STARTTLS", *self.script.offers)
            answer = self.script.find(line.decode()) if "EHLO" in self.script.answers else None
            usual = Script(offers=offers).find("EHLO x")
            self.send(answer or usual)
            return
        super()._answer(line)
        if line.upper() == b"STARTTLS" and not self.transport.is_closing():
            self._task = asyncio.get_running_loop().create_task(self._secure())

    async def _secure(self) -> None:
        assert self.script.context is not None
        loop = asyncio.get_running_loop()
        try:
            found = await loop.start_tls(
                self.transport, self, self.script.context, server_side=True
            )
        except (OSError, RuntimeError):
            return  # the client did not like it
        assert found is not None
        self.transport = found
        self._secured = True
        self.script.over_tls += 1


def server_context(folder: Path, issued: Issued, *chain: Issued) -> ssl.SSLContext:
    """For a peer with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    folder.mkdir(parents=True, exist_ok=True)
    context.load_cert_chain(*issued.write(folder, *chain))
    return context


@dataclass
class Rig:
    """The sender and all around it; `settings` are those of [outbound]."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    authentic: Collection[str] | bool = False
    home: Home | None = None
    credentials: dict[str, Credentials] = field(default_factory=dict)
    listening: frozenset[tuple[str, int]] = frozenset()

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.box = Box(self.folder, clock=self.clock)
        self.resolver = FakeResolver(authentic=self.authentic)
        self.network = MemoryNetwork(self.clock)
        self.pages: dict[str, Fetched | FetchFailed] = {}
        self.fetched: list[str] = []
        self.connector = self.network.connector("198.51.100.1")
        self._hosts = 0

    async def __aenter__(self) -> Self:
        await self.box.open()
        authorities = self.folder / "root.pem"
        authorities.write_bytes(ROOT.pem)
        wanted: dict[str, Any] = {
            "private_addresses": True,
            "authorities": str(authorities),
        } | self.settings
        self.outbound = OutboundSettings(**wanted)
        self.sender = OutboundSender(
            self.outbound,
            Surroundings(
                store=self.box.store,
                resolver=self.resolver,
                clock=self.clock,
                hostname=HOSTNAME,
                home=self.home,
                credentials=self.credentials,
                listening=self.listening,
                connector=self.connector,
                fetch=self._fetch,
                shuffle=lambda records: None,
            ),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for client, _ in self.network.connections:
            client.abort()
        await asyncio.sleep(0)
        await self.sender.close()
        await self.box.store.close()

    # Who is there

    def peer(self, domain: str, *scripts: Script) -> Script:
        """The MX hosts of a domain, mx0, mx1 … by preference; the first one's script."""
        scripts = scripts or (Script(),)
        records = []
        for number, script in enumerate(scripts):
            name = f"mx{number}.{domain}"
            self.host(name, script)
            records.append((10 * (number + 1), name))
        self.resolver.records[domain] = {"MX": records}
        return scripts[0]

    def host(self, name: str, script: Script | None) -> str:
        """A server of this name; None: nobody listens there. Its address."""
        self._hosts += 1
        address = f"192.0.2.{self._hosts}"
        self.resolver.records.setdefault(name, {}).setdefault("A", []).append(address)
        if script is not None:
            self.network.listen(address, 25, script.connection)
        return address

    def tls_peer(self, domain: str, certificate: Issued | None = None, **more: Any) -> TlsScript:
        """One MX host with TLS; by default with a certificate that is right."""
        issued = certificate or ROOT.issue(f"mx0.{domain}")
        script = TlsScript(context=server_context(self.folder / domain, issued, ROOT), **more)
        self.peer(domain, script)
        return script

    # What is sent

    async def job(self, *recipients: str, **fields: Any) -> Job:
        """A queued message with all its recipients."""
        (number,) = await put(self.box.store, message(*recipients, **fields))
        found = await self.box.store.read(lambda db: queue.get_messages(db, [number]))
        return Job(found[number], tuple(_leased(number, at, r) for at, r in enumerate(recipients)))

    async def send(self, *recipients: str, **fields: Any) -> list[Outcome]:
        """One message to one destination; an outcome for each recipient that has one."""
        return await self.send_jobs(await self.job(*recipients, **fields))

    async def send_jobs(self, *jobs: Job) -> list[Outcome]:
        """Several, as one chunk of the queue."""
        found: list[Outcome] = []

        async def report(outcomes: Sequence[Outcome]) -> None:
            found.extend(outcomes)

        await self.sender.send(self.destination(jobs[0]), jobs, report)
        keys = [(one.queued, one.number) for one in found]
        assert len(keys) == len(set(keys)), "an outcome was reported twice"
        return found

    def destination(self, job: Job) -> Destination:
        return self.sender.route(job.message, job.recipients[0])

    # What is known afterwards

    async def results(self, domain: str) -> list[SessionResult]:
        """What TLS reports will say."""
        await self.sender._results.write()
        day = int(self.clock.now().timestamp()) // _DAY
        return await self.box.store.read(lambda db: transport.results(db, day, domain))

    async def _fetch(self, url: str) -> Fetched:
        self.fetched.append(url)
        page = self.pages.get(url)
        if page is None:
            raise FetchFailed("unreachable", "The server cannot be reached.")
        if isinstance(page, FetchFailed):
            raise page
        return page

    def publish_policy(self, domain: str, mode: str, *mx: str, ident: str = "1") -> None:
        """An MTA-STS policy with its record."""
        lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {one}" for one in mx), "max_age: 86400"]
        url = f"https://mta-sts.{domain}/.well-known/mta-sts.txt"
        self.pages[url] = Fetched(200, "text/plain", "\r\n".join(lines).encode())
        self.resolver.records[f"_mta-sts.{domain}"] = {"TXT": [f"v=STSv1; id={ident};"]}


def _leased(number: int, at: int, address: str) -> LeasedRecipient:
    return LeasedRecipient(
        queued=number,
        number=at,
        forward_path=address,
        domain=address.rpartition("@")[2],
        route="",
        notify="",
        orcpt="",
        attempts=0,
        uncertain=False,
        warned=False,
    )


Work = Callable[[Rig], Any]
__all__ = ["ROOT", "LeasedMessage", "Rig", "TlsScript", "server_context"]
