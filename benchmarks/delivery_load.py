"""Load for `benchmarks.steps`: a process that delivers over SMTP, as fast as it is answered."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator

from benchmarks.clients import dot_stuffed
from benchmarks.messages import MessageMaker

_HELLO, _ENVELOPE, _MESSAGE = range(3)  # what the last replies answer


class Sender(asyncio.Protocol):
    """One connection: the next transaction begins with the last one's 250."""

    def __init__(self, work: Iterator[tuple[bytes, bytes]]) -> None:
        self.finished = asyncio.get_running_loop().create_future()
        self._work = work
        self._waiting_for = _HELLO
        self._message = b""
        self._got = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def start(self) -> None:
        """Begin the next transaction, or be finished."""
        assert self._transport is not None
        envelope, self._message = next(self._work, (b"", b""))
        if not envelope:
            self._transport.close()
            self.finished.set_result(None)
            return
        self._waiting_for = _ENVELOPE
        self._transport.write(envelope)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._got += data
        if self._waiting_for == _HELLO:
            if data.startswith(b"220"):
                self._transport.write(b"EHLO load.example\r\n")
            return
        if not self._got.endswith(b"\r\n"):
            return
        last = self._got[:-2].rpartition(b"\r\n")[2]
        if last.startswith((b"4", b"5")):
            self.finished.set_exception(RuntimeError(repr(self._got)))
        elif self._waiting_for == _ENVELOPE and last.startswith(b"354"):
            self._got, self._waiting_for = b"", _MESSAGE
            self._transport.write(self._message)
        elif self._waiting_for == _MESSAGE:
            self._got = b""
            self.start()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(exc or ConnectionResetError("the server hung up"))

    def ready(self) -> None:
        """Greeting and EHLO were answered."""
        self._got = b""


async def deliver(port: int, count: int, connections: int, size: int, users: int) -> float:
    """Send `count` messages over so many connections; seconds from first to last reply."""
    maker = MessageMaker(size)
    work = [
        (
            b"MAIL FROM:<load@sender.example>\r\nRCPT TO:<user%d@example.org>\r\nDATA\r\n"
            % (number % users),
            dot_stuffed(next(maker)) + b".\r\n",
        )
        for number in range(count)
    ]
    waiting = iter(work)
    loop = asyncio.get_running_loop()
    senders: list[Sender] = []
    for _ in range(connections):
        _, sender = await loop.create_connection(lambda: Sender(waiting), "127.0.0.1", port)
        senders.append(sender)
    await asyncio.sleep(0.5)  # all have been greeted
    began = time.perf_counter()
    for sender in senders:
        sender.ready()
        sender.start()
    await asyncio.gather(*(sender.finished for sender in senders))
    return time.perf_counter() - began


def main() -> None:
    """Arguments: port, messages, connections, octets of a message, users."""
    import uvloop

    port, count, connections, size, users = map(int, sys.argv[1:])
    seconds = uvloop.run(deliver(port, count, connections, size, users))
    print(seconds, time.process_time())  # the generator's own cost is told, too


if __name__ == "__main__":
    main()
