"""A window of the browser, and clocks that run inside of it.

Nothing is timed from here: a page is told what to wait for, the event that begins is a real click
or key, and the time that it gives back is from that event until what was waited for was painted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

SIZE = {"width": 1280, "height": 900}
PATIENCE = 30_000  # milliseconds

# `wait(events, holds)`: from the first of these events until `holds()` at the time of a frame that
# has been painted; the message comes when the frame is done.
_CLOCKS = """
(() => {
  if (window.bench) return
  const bench = window.bench = {lcp: 0, cls: 0, inputs: {}, short: 0, frames: 0}
  const watch = (type, take, more) => {
    try {
      new PerformanceObserver((list) => list.getEntries().forEach(take))
        .observe({type, buffered: true, ...more})
    } catch {}
  }
  watch('largest-contentful-paint', (one) => { bench.lcp = one.startTime })
  watch('layout-shift', (one) => { if (!one.hadRecentInput) bench.cls += one.value })
  watch('event', (one) => {
    if (!one.interactionId) return
    bench.inputs[one.interactionId] = Math.max(bench.inputs[one.interactionId] ?? 0, one.duration)
  }, {durationThreshold: 16})

  const later = window.setTimeout, often = window.setInterval, frame = window.requestAnimationFrame
  const counted = (act, delay) => typeof act !== 'function' ? act : function (...given) {
    if ((delay ?? 0) < 15000) bench.short++
    return act.apply(this, given)
  }
  window.setTimeout = (act, delay, ...given) => later(counted(act, delay), delay, ...given)
  window.setInterval = (act, delay, ...given) => often(counted(act, delay), delay, ...given)
  window.requestAnimationFrame = (act) => frame((now) => { bench.frames++; act(now) })

  bench.painted = (holds, began) => new Promise((done, failed) => {
    const channel = new MessageChannel()
    channel.port1.onmessage = () => done(performance.now() - began())
    const look = () => {
      if (began() && holds()) channel.port2.postMessage(0)
      else if (!began() || performance.now() - began() < PATIENCE) frame(look)
      else failed(new Error('too late: ' + holds))
    }
    frame(look)
  })
  bench.wait = (events, holds) => {
    let at = 0
    const took = (event) => { if (!at) at = event.timeStamp }
    for (const name of events) window.addEventListener(name, took, {capture: true, once: true})
    bench.waiting = bench.painted(holds, () => at)
    bench.waiting.catch(() => undefined)
  }
  bench.now = (act, holds) => {
    const at = performance.now()
    act()
    return bench.painted(holds, () => at)
  }
})()
""".replace("PATIENCE", str(PATIENCE))


@dataclass(frozen=True, slots=True)
class Network:
    """Between the browser and the server."""

    name: str
    delay_ms: float = 0.0  # there and back
    megabits: float = 0.0  # a second, either way; 0: as fast as it goes
    slowdown: int = 1  # of the page's CPU


LOOPBACK = Network("loopback")
FAST_4G = Network("fast-4g", delay_ms=165, megabits=9, slowdown=4)
NETWORKS = {one.name: one for one in (LOOPBACK, FAST_4G)}


@contextlib.contextmanager
def opened(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """Windows that share nothing with others, with the clocks in every page."""
    context = browser.new_context(**{"viewport": SIZE, "locale": "en-GB", **options})
    context.set_default_timeout(PATIENCE)
    context.add_init_script(_CLOCKS)
    try:
        yield context
    finally:
        context.close()


def new_page(context: BrowserContext, network: Network = LOOPBACK) -> Page:
    """An empty window behind that network."""
    page = context.new_page()
    if network != LOOPBACK:
        session = context.new_cdp_session(page)
        octets = network.megabits * 1_000_000 / 8
        slow = {"offline": False, "latency": network.delay_ms}
        slow |= {"downloadThroughput": octets, "uploadThroughput": octets}
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", slow)
        session.send("Emulation.setCPUThrottlingRate", {"rate": network.slowdown})
    return page


def clicked(page: Page, x: float, y: float, holds: str) -> float:
    """Milliseconds from a click there until `holds`, a function in JavaScript, and painted."""
    page.evaluate(f"() => bench.wait(['pointerdown'], {holds})")
    page.mouse.click(x, y)
    return float(page.evaluate("() => bench.waiting"))


def clicked_on(page: Page, selector: str, holds: str) -> float:
    """The same in the middle of the first element that is so."""
    box = page.locator(selector).first.bounding_box()
    assert box is not None, selector
    return clicked(page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, holds)


def pressed(page: Page, key: str, holds: str) -> float:
    """The same for a key."""
    page.evaluate(f"() => bench.wait(['keydown'], {holds})")
    page.keyboard.press(key)
    return float(page.evaluate("() => bench.waiting"))


def done(page: Page, act: str, holds: str) -> float:
    """The same for something that the page is told to do, as by a drag of the scroll bar."""
    return float(page.evaluate(f"() => bench.now({act}, {holds})"))


def heap(page: Page) -> float:
    """MiB of the page's objects, after two collections."""
    session: CDPSession = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return float(used) / 2**20
