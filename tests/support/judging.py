"""A judge over a fake DNS, for SMTP benches."""

from __future__ import annotations

import dataclasses

from pillarbox.clock import Clock
from pillarbox.config.trust import TrustSettings
from pillarbox.flow.inbound.checks import Checker
from pillarbox.flow.inbound.greylisting import Greylist
from pillarbox.flow.inbound.judge import Judge, Witness
from pillarbox.smtp.server.door import SmtpServer
from support.fake_resolver import FakeResolver
from support.smtp_bench import HOSTNAME, Bench, MemoryPeer

CLIENT = "192.0.2.3"


def make_judge(
    bench: Bench,
    resolver: FakeResolver,
    settings: TrustSettings | None = None,
    clock: Clock | None = None,
    witness: Witness | None = None,
) -> Judge:
    """The judge that a node would compose."""
    settings = settings or TrustSettings()
    clock = clock or bench.services.clock
    checker = Checker(resolver, settings, hostname=HOSTNAME, clock=clock)
    greylist = (
        Greylist(bench.store, settings.greylist, clock) if settings.greylist.enabled else None
    )
    return Judge(
        bench.store, settings, checker, hostname=HOSTNAME, greylist=greylist, witness=witness
    )


def with_judge(bench: Bench, judge: Judge) -> None:
    """From the next connection on, mail is judged."""
    bench.services = dataclasses.replace(bench.services, judge=judge)
    bench.server = SmtpServer(bench.services)


async def bring(
    bench: Bench,
    message: bytes,
    *,
    sender: str = "carol@example.net",
    to: str = "alice@example.org",
    peer: str = CLIENT,
    role: str = "mx",
) -> str:
    """One message over one connection; the last reply, that of RCPT when it was refused."""
    client = MemoryPeer(bench, role, peer)
    try:
        await client.reply()
        await client.ask("LHLO mail.example.net" if role == "lmtp" else "EHLO mail.example.net")
        await client.ask(f"MAIL FROM:<{sender}>")
        reply = await client.ask(f"RCPT TO:<{to}>")
        if not reply.startswith("250"):
            return reply
        assert (await client.ask("DATA")).startswith("354")
        await client.send(message + b".\r\n")
        return await client.reply()
    finally:
        client.close()
