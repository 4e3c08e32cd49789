"""The event source: changes told as they happen (RFC 8620 §7.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from pillarbox.clock import Clock
from pillarbox.ids import ModSeq
from pillarbox.jmap.approval_news import ApprovalNews
from pillarbox.jmap.bulk_news import BULK_TYPE, BulkNews
from pillarbox.jmap.errors import RequestRefused
from pillarbox.jmap.http.desk import Desk
from pillarbox.jmap.push import Watch, push_types

LEAST_PING = 5  # seconds; RFC 8620 lets it be 30 at most
MOST_PING = 900  # and this 300 at least; NATs forget a silent connection after some minutes
_MOST_TYPES = 100  # names that a client may give
_STREAM = "text/event-stream"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def get_events(request: Request, desk: Desk) -> Response:
    """Answer for as long as the client stays, an hour at most."""
    identity = await desk.sign_in.identify(request)
    types = _types(_parameter(request, "types", "*"))
    once = _closes_after(_parameter(request, "closeafter", "no"))
    ping = _ping(_parameter(request, "ping", "0"))
    if request.method == "HEAD":
        return Response(headers=_HEADERS, media_type=_STREAM)
    held = ExitStack()
    held.enter_context(desk.streams.take(identity.account))
    store = desk.services.store
    bulk: BulkNews | None = None
    try:
        watch = Watch(store, identity.account, types, _last_seen(request))
        held.callback(desk.watches.add(watch, identity))
        if BULK_TYPE in types:
            bulk = BulkNews(store, identity.account, _last_seen(request))
            await bulk.begin()
        await watch.begin()
    except BaseException:
        held.close()
        raise
    life = desk.services.settings.event_stream_seconds
    asks = ApprovalNews(store, identity)
    events = _events(watch, _News(asks, bulk), store.clock, life, ping, once=once)
    return _Held(held, events)


class _Held(StreamingResponse):
    """Gives back what it holds, even when the client left before the first event."""

    def __init__(self, held: ExitStack, events: AsyncIterator[bytes]) -> None:
        super().__init__(events, headers=_HEADERS, media_type=_STREAM)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            await super().__call__(scope, receive, send)


class _News:
    """What is told besides the states, and before them, so that who closes after one has all."""

    def __init__(self, asks: ApprovalNews, bulk: BulkNews | None) -> None:
        self._asks = asks
        self._bulk = bulk

    async def first(self) -> list[bytes]:
        """What waits for an answer from before."""
        asks = await self._asks.read()
        return [] if asks is None else [_event("approval", asks)]

    async def read(self) -> list[bytes]:
        """What came since the last time."""
        events = await self.first()
        operations = await self._bulk.read() if self._bulk is not None else []
        if operations:
            events.append(_event("bulk", operations))
        return events


async def _events(
    watch: Watch, news: _News, clock: Clock, life: float, ping: int, *, once: bool
) -> AsyncIterator[bytes]:
    ends_at = clock.monotonic() + life
    yield b": \n\n"  # the first octets let proxies pass the head on
    for event in await news.first():
        yield event
    while not watch.closed:
        left = ends_at - clock.monotonic()
        if left <= 0:
            return
        change = await watch.next(min(left, ping) if ping else left)
        if change is not None:
            modseq, told = change
            for event in await news.read():
                yield event
            yield _event("state", told, modseq)
            if once:
                return
        elif ping and not watch.closed and clock.monotonic() < ends_at:
            yield _event("ping", {"interval": ping})


def _event(name: str, told: object, modseq: ModSeq | None = None) -> bytes:
    last = f"id: {modseq}\n" if modseq is not None else ""
    data = msgspec.json.encode(told).decode()
    return f"event: {name}\n{last}data: {data}\n\n".encode()


def _parameter(request: Request, name: str, default: str) -> str:
    given = request.query_params.getlist(name)
    if len(given) > 1:
        raise _wrong(f"{name!r} is given twice.")
    return given[0] if given else default


def _types(text: str) -> frozenset[str]:
    if text == "*":
        return push_types()
    names = text.split(",")
    if len(names) > _MOST_TYPES or not all(name.isascii() and name.isalpha() for name in names):
        raise _wrong("'types' is '*' or names of types with commas between.")
    return push_types() & frozenset(names)


def _closes_after(text: str) -> bool:
    if text not in ("state", "no"):
        raise _wrong("'closeafter' is 'state' or 'no'.")
    return text == "state"


def _ping(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise _wrong("'ping' is a number of seconds, or 0.")
    seconds = int(text)
    return min(max(seconds, LEAST_PING), MOST_PING) if seconds else 0


def _last_seen(request: Request) -> ModSeq | None:
    """What the client saw last, when it comes again; what we never said means all is new."""
    text = request.headers.get("last-event-id", "")
    if not text:
        return None
    known = text.isascii() and text.isdecimal() and len(text) < 19
    return ModSeq(int(text)) if known else ModSeq(0)


def _wrong(sentence: str) -> RequestRefused:
    return RequestRefused("notRequest", sentence)
