"""The page's own requests, taken down while a browser makes them, and made again by several."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import uvloop
from playwright.sync_api import Browser, Request

from benchmarks import process_tree
from benchmarks.web.figures import percentile
from benchmarks.web.http_peer import HttpPeer
from benchmarks.web.mail_page import MailPage
from benchmarks.web.opening import SignedIn
from support.reading import jmap
from support.web_site import Site

CONNECTIONS = 6  # as many as a browser opens; below what one person may do at once
SECONDS = 4.0
KNOWN = 500  # messages that are opened in turn
_BODIES = re.compile(r"/m/[^/]+/([^/]+)/body\?")


@dataclass(frozen=True, slots=True)
class Message:
    """How a message is named in requests."""

    id: str
    blob: str


@dataclass(slots=True)
class Recorded:
    """What the page asked for, as templates."""

    shell: Request
    rows: Request
    details: Request
    body: Request
    opened: Message
    messages: list[Message]
    total: int  # in the list


@dataclass(slots=True)
class Load:
    """Figures of one kind of request."""

    what: str
    requests: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    octets: int = 0
    latencies: list[float] = field(default_factory=list)


def record(browser: Browser, site: Site) -> dict[str, list[bytes]]:
    """What a page sends, each kind KNOWN times for different messages and places."""
    with SignedIn(browser, site) as (context, page):
        recorded = _record(MailPage(page, site))
        cookie = "; ".join(f"{one['name']}={one['value']}" for one in context.cookies())
        chance = random.Random(3)
        kinds = {
            "the page with its first list": recorded.shell,
            "a page of rows": recorded.rows,
            "opening: what the header shows": recorded.details,
            "opening: the body, cleaned": recorded.body,
        }
        return {
            what: [_octets(template, recorded, chance, cookie) for _ in range(KNOWN)]
            for what, template in kinds.items()
        }


def measure(site: Site, requests: dict[str, list[bytes]]) -> list[Load]:
    """Each kind by itself, over as many connections as one browser has; no browser runs."""
    root, port = site.server.pid, site.server.web
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return [runner.run(_measured(what, made, port, root)) for what, made in requests.items()]


def table(loads: list[Load]) -> list[str]:
    """CPU is that of the server's whole process tree."""
    lines = [
        "| request | a second | CPU ms | p50 ms | p99 ms | KiB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for one in loads:
        cells = (
            f"{one.requests / one.seconds:,.0f}",
            f"{one.cpu / one.requests * 1000:.2f}",
            f"{percentile(one.latencies, 50):.1f}",
            f"{percentile(one.latencies, 99):.1f}",
            f"{one.octets / one.requests / 1024:.1f}",
        )
        lines.append(f"| {one.what} | {' | '.join(cells)} |")
    return lines


def _record(mail: MailPage) -> Recorded:
    """One start, one jump, one message; what each sent."""
    asked: list[Request] = []
    page = mail.page

    def take(request: Request) -> None:  # Playwright marks what it calls; a method takes no mark
        asked.append(request)

    page.on("request", take)
    mail.start()
    page.wait_for_timeout(3500)
    shell = asked[0]
    asked.clear()
    mail.jump(0.4)
    rows = _calling(asked, "Email/query")
    mail.rest()
    place = mail.seen()
    asked.clear()
    row = page.locator(f"[role=row][aria-rowindex='{place + 1}']")
    found = row.get_attribute("data-id") or ""
    mail.open(place, "Letter number")
    page.wait_for_timeout(500)
    body = next(one for one in asked if _BODIES.search(one.url))
    blob = (_BODIES.search(body.url) or ["", ""])[1]
    query = {"sort": [{"property": "receivedAt", "isAscending": False}], "limit": KNOWN}
    [listed] = jmap(page, ["Email/query", {**query, "position": 2000}])
    [got] = jmap(page, ["Email/get", {"ids": listed["ids"], "properties": ["id", "blobId"]}])
    return Recorded(
        shell=shell,
        rows=rows,
        details=_calling(asked, '"attachments"'),
        body=body,
        opened=Message(found, blob),
        messages=[Message(one["id"], one["blobId"]) for one in got["list"]],
        total=mail.total(),
    )


def _calling(asked: list[Request], words: str) -> Request:
    return next(one for one in asked if words in (one.post_data or ""))


def _octets(template: Request, recorded: Recorded, chance: random.Random, cookie: str) -> bytes:
    other = chance.choice(recorded.messages)
    parts = urlsplit(template.url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    path = path.replace(f"/{recorded.opened.blob}/", f"/{other.blob}/")
    body = template.post_data or ""
    body = body.replace(json.dumps(recorded.opened.id), json.dumps(other.id))
    body = re.sub(r'"position":\d+', f'"position":{chance.randrange(recorded.total // 2)}', body)
    kept = {"accept", "accept-encoding", "accept-language", "content-type", "x-csrf-token"}
    kept |= {"sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "user-agent"}
    given = {name: value for name, value in template.all_headers().items() if name in kept}
    octets = body.encode()
    head = [f"{template.method} {path} HTTP/1.1", f"Host: {parts.netloc}", f"Cookie: {cookie}"]
    if octets:
        head += [f"Origin: {parts.scheme}://{parts.netloc}", f"Content-Length: {len(octets)}"]
    head += [f"{name}: {value}" for name, value in given.items()]
    return "\r\n".join([*head, "", ""]).encode() + octets


async def _measured(what: str, prepared: list[bytes], port: int, root: int) -> Load:
    load = Load(what)
    peers = [await HttpPeer.connect("127.0.0.1", port) for _ in range(CONNECTIONS)]
    await _ask(peers, prepared, load, 0.5)  # caches are warm then, as they are in a page
    load = Load(what)
    cpu, began = process_tree.cpu_seconds([root]), time.perf_counter()
    await _ask(peers, prepared, load, SECONDS)
    load.seconds = time.perf_counter() - began
    load.cpu = process_tree.cpu_seconds([root]) - cpu
    for peer in peers:
        peer.close()
    return load


async def _ask(peers: list[HttpPeer], prepared: list[bytes], load: Load, seconds: float) -> None:
    """All at once, each one request after the other."""
    end = time.perf_counter() + seconds

    async def one(number: int) -> None:
        at = number
        while time.perf_counter() < end:
            began = time.perf_counter()
            answer = await peers[number].ask(prepared[at % len(prepared)])
            load.latencies.append((time.perf_counter() - began) * 1000)
            load.requests += 1
            load.octets += len(answer)
            at += len(peers)

    await asyncio.gather(*map(one, range(len(peers))))
