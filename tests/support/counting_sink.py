"""A mail server that takes everything and knows exactly what it answered 250 for.

It runs in a thread of its own, so that it goes on while the test kills those who send to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import threading
from collections import Counter
from collections.abc import Iterator

from support.server import HOST

_PATH = re.compile(rb"<([^>]*)>")
_OFFERS = b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-CHUNKING\r\n250 SIZE 0\r\n"
_PLAIN = b"250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n"


class CountingSink:
    """`accepted` counts, for each recipient, the 250 that its messages got at their end."""

    def __init__(self, *, slowest: float = 0.0, mark: bytes = b"", seed: int = 0) -> None:
        """It thinks up to `slowest` seconds over a whole message before it answers; every message
        must end with `mark`.
        """
        self.accepted: Counter[str] = Counter()
        self.sessions = 0
        self.wrong: list[bytes] = []  # ends of messages without the mark
        self.port = 0
        self._slowest = slowest
        self._mark = mark
        self._rng = random.Random(seed)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session; who hangs up in a message has not sent it."""
        self.sessions += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            writer.write(b"220 sink.example ESMTP\r\n")
            await self._converse(reader, writer)
        writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        people: list[str] = []
        message = b""
        offers = self._rng.choice((_OFFERS, _PLAIN))  # some sessions use BDAT, some DATA
        while line := await reader.readline():
            verb, _, rest = line.strip().partition(b" ")
            verb = verb.upper()
            if verb == b"EHLO":
                writer.write(offers)
            elif verb == b"RCPT":
                found = _PATH.search(line)
                assert found is not None
                people.append(found[1].decode())
                writer.write(b"250 2.1.5 ok\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                message = (await reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n")
                await self._end(writer, people, message)
                people, message = [], b""
            elif verb == b"BDAT":
                size, _, last = rest.partition(b" ")
                message += await reader.readexactly(int(size))
                if last:
                    await self._end(writer, people, message)
                    people, message = [], b""
                else:
                    writer.write(b"250 2.0.0 more\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 2.0.0 bye\r\n")
                return
            else:
                if verb in (b"MAIL", b"RSET"):
                    people, message = [], b""
                writer.write(b"250 2.0.0 ok\r\n")

    async def _end(self, writer: asyncio.StreamWriter, people: list[str], message: bytes) -> None:
        if not message.endswith(self._mark):
            self.wrong.append(message[-200:])
        if self._slowest:
            await asyncio.sleep(self._rng.uniform(0, self._slowest))
        self.accepted.update(people)
        writer.write(b"250 2.0.0 taken\r\n")


@contextlib.contextmanager
def in_a_thread(sink: CountingSink) -> Iterator[CountingSink]:
    """Serve on a free port of loopback until the block ends."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def serve() -> None:
        server = await asyncio.start_server(sink.serve, HOST, 0, limit=1 << 20, backlog=1000)
        sink.port = server.sockets[0].getsockname()[1]
        ready.set()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=run, name="counting-sink")
    thread.start()
    assert ready.wait(60)
    try:
        yield sink
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
