"""Mail going out: submitted by our users, queued, sent to smtp-sink over 10 destinations."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator

from benchmarks.clients import SmtpPeer, dot_stuffed
from benchmarks.contenders import FAR_DOMAINS
from benchmarks.measure import Bench, Row, timed
from benchmarks.messages import MessageMaker
from support.server import HOST, PASSWORD, wait_for_port

CONNECTIONS = 20
PEOPLE = 100  # different recipients in each domain
_FROM = re.compile(rb"^From: .*$", re.MULTILINE)


async def queue(bench: Bench) -> None:
    """20,000 messages of 4 KiB from 20 users; the stretch ends when the sink has counted them."""
    contender = bench.contender
    if contender.sink == 0:
        return
    count = bench.scaled(20_000, 200)
    maker = MessageMaker(4096)
    peers = [await _signed_in(bench, number) for number in range(CONNECTIONS)]
    with _sink(contender.sink, count) as sink, bench.measure("queue", count) as row:
        await asyncio.gather(
            *(
                _submit(peer, contender.login(first), range(first, count, CONNECTIONS), maker, row)
                for first, peer in enumerate(peers)
            )
        )
        await asyncio.to_thread(sink.wait, 600)
    await bench.settle(row)
    for peer in peers:
        peer.close()


async def _signed_in(bench: Bench, number: int) -> SmtpPeer:
    contender = bench.contender
    peer = await SmtpPeer.connect(contender.host, contender.ports.submission)
    await peer.say(b"EHLO load.sender.example\r\n", b"250")
    secret = base64.b64encode(f"\0{contender.login(number)}\0{PASSWORD}".encode())
    await peer.say(b"AUTH PLAIN %b\r\n" % secret, b"235")
    return peer


async def _submit(
    peer: SmtpPeer, login: str, numbers: range, maker: MessageMaker, row: Row
) -> None:
    sender = login.encode()
    for number in numbers:
        message = dot_stuffed(_FROM.sub(b"From: Someone <%b>\r" % sender, next(maker), count=1))
        domain = FAR_DOMAINS[number % len(FAR_DOMAINS)]
        recipient = f"person{number // len(FAR_DOMAINS) % PEOPLE}@{domain}".encode()
        with timed(row):
            await peer.send([recipient], message, sender)


@contextlib.contextmanager
def _sink(port: int, count: int) -> Iterator[subprocess.Popen[bytes]]:
    """Takes mail at all loopback addresses, and ends when it has so much."""
    program = shutil.which("smtp-sink", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise SystemExit("smtp-sink is missing; it comes with postfix")
    command = [program, "-u", "nobody", "-M", str(count), f"0.0.0.0:{port}", "1000"]
    sink = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, host=HOST)
        yield sink
    finally:
        sink.terminate()
        sink.wait()
