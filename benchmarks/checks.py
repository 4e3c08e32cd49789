"""What judging one message costs: `python -m benchmarks.checks`.

CPU-µs on the loop's thread and wall-clock ms, for mail that is signed and not signed, with the
answers in the resolver's cache (warm) and without any (cold: a name server on loopback is asked).
The name server runs in a thread of its own and is not counted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.messages import MessageMaker
from pillarbox.clock import SystemClock
from pillarbox.config.dns import DnsSettings
from pillarbox.config.store import StoreSettings
from pillarbox.config.trust import TrustSettings
from pillarbox.dns.stub import StubResolver
from pillarbox.flow.delivery.envelope import Envelope, Origin, Recipient, Sender
from pillarbox.flow.inbound.checks import Checker
from pillarbox.flow.inbound.judge import Judge
from pillarbox.message.header import fields, header_end
from pillarbox.net.secret import Secret
from pillarbox.store import Store
from pillarbox.store.open import open_store
from pillarbox.telemetry.log import configure
from pillarbox.trust.dkim import SigningKey, generate_key, sign
from support.name_server import NameServer, in_a_thread

_LEFT_OUT = frozenset((b"from", b"dkim-signature", b"authentication-results"))
_FROM = b"From: Carol <carol@example.net>\r\n"
CLIENT = "192.0.2.3"
_SPF = "v=spf1 include:_spf.example.net a:old.example.net ip4:198.51.100.0/24 -all"
WORLD: dict[str, dict[str, Any]] = {
    CLIENT: {"PTR": ["mail.example.net"]},
    "mail.example.net": {"A": [CLIENT], "TXT": ["v=spf1 a -all"]},
    "old.example.net": {"A": ["198.51.100.9"]},
    "example.net": {"TXT": [_SPF]},
    "_spf.example.net": {"TXT": ["v=spf1 ip4:203.0.113.0/24 ip4:192.0.2.0/28 ~all"]},
    "_dmarc.example.net": {"TXT": ["v=DMARC1; p=reject; rua=mailto:dmarc@example.net"]},
}


def _envelope(peer: str, sender: str = "carol@example.net") -> Envelope:
    return Envelope(
        journey="0123456789ab",
        origin=Origin(peer, "mail.example.net", "ESMTP", "0123456789ab"),
        sender=Sender(sender),
        recipients=(Recipient("alice@example.org", ()),),
    )


def _letters(count: int, octets: int) -> tuple[list[bytes], list[bytes], dict[str, Any]]:
    """The same letters plain and signed, and the key's record."""
    secret, record = generate_key("rsa-sha256")
    key = SigningKey("example.net", "s1", "rsa-sha256", Secret(secret))
    maker, now = MessageMaker(octets), SystemClock().now()
    plain = []
    for _ in range(count):
        letter = next(maker)
        end = header_end(letter, 0, len(letter))
        kept = [one.raw for one in fields(letter[:end]) if one.name.lower() not in _LEFT_OUT]
        plain.append(b"".join([_FROM, *kept, b"\r\n", letter[end:]]))
    signed = [sign(letter, len(letter), [key], now) + letter for letter in plain]
    return plain, signed, {"s1._domainkey.example.net": {"TXT": [record]}}


@asynccontextmanager
async def _judge(store: Store, server: NameServer) -> AsyncIterator[tuple[Judge, StubResolver]]:
    clock, settings = SystemClock(), TrustSettings()
    resolver = StubResolver(DnsSettings(servers=(server.address,)), clock)
    checker = Checker(resolver, settings, hostname="mx.example.org", clock=clock)
    try:
        yield Judge(store, settings, checker, hostname="mx.example.org"), resolver
    finally:
        await resolver.close()


async def _cost(
    store: Store,
    judge: Judge,
    letters: list[bytes],
    before: Callable[[], None],
    envelope: Envelope | None = None,
) -> tuple[float, float]:
    """CPU-µs and wall-clock ms for a message, the best of some rounds."""
    best = (float("inf"), float("inf"))
    envelope = envelope or _envelope(CLIENT)
    for _ in range(5):
        spools = []
        for letter in letters:
            spool = store.spool()
            spool.write(letter)
            spools.append(spool)
        cpu, wall = time.thread_time_ns(), time.perf_counter_ns()
        for spool in spools:
            before()
            verdict, _ = await judge.judge(envelope, spool)
            with judge.cleaned(spool):
                pass
            assert verdict.action == "accept", verdict
        count = len(letters)
        spent = (
            (time.thread_time_ns() - cpu) / count / 1e3,
            (time.perf_counter_ns() - wall) / count / 1e6,
        )
        best = min(best, spent)
        for spool in spools:
            spool.discard()
    return best


async def measure(count: int, octets: int) -> list[tuple[str, float, float]]:
    """Rows of the table."""
    plain, signed, keys = _letters(count, octets)
    rows = []
    with tempfile.TemporaryDirectory(prefix="checks-", dir="/var/tmp") as folder:
        store = await open_store(StoreSettings(data_dir=folder), SystemClock())
        with in_a_thread(NameServer(WORLD | keys)) as server:
            async with _judge(store, server) as (judge, resolver):
                began = time.thread_time_ns()
                local = _envelope("127.0.0.1")
                for _ in range(10_000):
                    assert not judge.is_concerned(local.origin)
                rows.append(("trusted client", (time.thread_time_ns() - began) / 1e7, 0.0))
                bare = [letter.replace(b"example.net", b"bare.example", 1) for letter in plain]
                nobody = _envelope("192.0.2.77", "carol@bare.example")
                spent = await _cost(store, judge, bare, lambda: None, nobody)
                rows.append(("nothing published, warm", *spent))
                for name, letters in (("not signed", plain), ("signed, RSA-2048", signed)):
                    warm = await _cost(store, judge, letters, lambda: None)
                    rows.append((f"{name}, warm", *warm))
                    cold = await _cost(store, judge, letters[: count // 10], resolver.forget)
                    rows.append((f"{name}, cold", *cold))
        await store.close()
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=400)
    parser.add_argument("--octets", type=int, default=4096)
    given = parser.parse_args()
    show(given.messages, given.octets)


def show(messages: int = 400, octets: int = 4096) -> None:
    """The table of clients, signatures and caches."""
    with Path("/dev/null").open("w") as nowhere:
        configure(level="info", style="json", stream=nowhere)
        rows = uvloop.run(measure(messages, octets))
    print(f"judging one message of {octets} octets")
    for name, cpu, wall in rows:
        print(f"  {name:24} {cpu:8.1f} CPU-µs {wall:8.2f} ms")


if __name__ == "__main__":
    main()
