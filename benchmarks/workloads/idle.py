"""500 connections in IDLE on one mailbox: from the delivery to the last EXISTS."""

from __future__ import annotations

import asyncio
import time

from benchmarks import process_tree
from benchmarks.clients import ImapPeer, SmtpPeer, dot_stuffed
from benchmarks.measure import Bench
from benchmarks.messages import MessageMaker
from benchmarks.workloads.filling import signed_in

CONNECTIONS = 500
DELIVERIES = 10


async def idle_500(bench: Bench) -> None:
    """Latency is from the end of the message to the last EXISTS; memory is printed apart."""
    contender = bench.contender
    count = bench.scaled(CONNECTIONS, 20)
    warm = await signed_in(contender, 0, b"INBOX")
    before = process_tree.memory_bytes(contender.roots)
    peers = [await signed_in(contender, 0, b"INBOX") for _ in range(count)]
    for peer in peers:
        await peer.idle()
    grown = process_tree.memory_bytes(contender.roots) - before
    print(f"  {contender.name}: {grown / count / 1024:.0f} KiB an IDLE connection", flush=True)
    sender = await SmtpPeer.connect(contender.host, contender.ports.smtp)
    await sender.say(b"EHLO load.sender.example\r\n", b"250")
    message = dot_stuffed(next(MessageMaker(4096)))
    await _deliver(contender.login(0), sender, peers, message)  # once unmeasured
    with bench.measure("idle-500", DELIVERIES * count) as row:
        for _ in range(DELIVERIES):
            row.latencies.append(await _deliver(contender.login(0), sender, peers, message))
    for peer in [*peers, warm]:
        peer.close()
    sender.close()


async def _deliver(login: str, sender: SmtpPeer, peers: list[ImapPeer], message: bytes) -> float:
    for peer in peers:
        peer.received = 0
        peer.tail = b""
    began = time.perf_counter()
    await sender.send([login.encode()], message)
    while not all(b"EXISTS" in peer.tail for peer in peers):
        if time.perf_counter() - began > 60:
            raise TimeoutError("not every IDLE connection was told")
        await asyncio.sleep(0.001)
    return time.perf_counter() - began
