"""Moving octets: envelopes of 5,000 messages, bodies of 2,000 large ones by IMAP and POP3."""

from __future__ import annotations

from benchmarks.clients import PopPeer
from benchmarks.measure import Bench, timed
from benchmarks.workloads.filling import fill, signed_in
from support.server import PASSWORD

SIZE = 65536


async def structure(bench: Bench) -> None:
    """ENVELOPE and BODYSTRUCTURE of 5,000 messages: the first time, and with warm caches."""
    count = bench.scaled(5000, 100)
    await fill(bench.contender, 0, count, 4096)
    await bench.settle()  # what is done behind filling belongs to filling
    peer = await signed_in(bench.contender, 0, b"INBOX")
    for name in ("fetch-envelope-5k", "fetch-envelope-5k-again"):
        with bench.measure(name, 1) as row, timed(row):
            await peer.command(b"FETCH 1:* (UID ENVELOPE BODYSTRUCTURE)")
    peer.close()


async def bodies(bench: Bench) -> None:
    """2,000 messages of 64 KiB, one RETR each, then one FETCH of all."""
    contender = bench.contender
    count = bench.scaled(2000, 20)
    await fill(contender, 0, count, SIZE)
    await bench.settle()
    pop = await PopPeer.connect(contender.host, contender.ports.pop3)
    await pop.command(b"USER " + contender.login(0).encode())
    await pop.command(b"PASS " + PASSWORD.encode())
    with bench.measure("pop3-2000x64k", count) as row:
        before = pop.received
        for number in range(1, count + 1):
            with timed(row):
                await pop.command(b"RETR %d" % number, multiline=True)
        row.octets = pop.received - before
    await pop.command(b"QUIT")
    pop.close()
    peer = await signed_in(contender, 0, b"INBOX")
    with bench.measure("fetch-bodies-2000", count) as row, timed(row):
        before = peer.received
        await peer.command(b"FETCH 1:* (UID BODY.PEEK[])")
        row.octets = peer.received - before
    peer.close()
