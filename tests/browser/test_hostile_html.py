"""The gate for hostile HTML: what really reaches out in Chromium does not get out of a message.

Each layer is tried alone: pages as they are under our header fields and in our frame, with the
sanitiser off; and what the sanitiser leaves, without header fields and frame. Then all of it, in a
frame at a real server. PILLARBOX_BROWSER=long tries every vector, otherwise one of each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Error, Page

from support.browser_cookie import session_cookie
from support.browsing import IS_LONG
from support.hostile_html import SAMPLE, VECTORS, Vector
from support.hostile_pages import MODES, Pages, Tracker
from support.store_box import letter
from support.stored_mail import deliver_all
from support.web_site import Site

_AT_ONCE = 12  # frames of a window
_SETTLE_MS = 700  # for what begins behind `load`
_LATE = 10  # times as long for a busy machine, where something must come
_CHOSEN = [vector for vector in VECTORS if IS_LONG or vector.name in SAMPLE]


@pytest.fixture(scope="module")
def tracker() -> Iterator[Tracker]:
    with Tracker() as running:
        yield running


@pytest.fixture(scope="module")
def pages(tracker: Tracker) -> Iterator[Pages]:
    with Pages(tracker) as running:
        yield running


def look_at(
    open_context: Callable[..., BrowserContext], pages: Pages, tracker: Tracker, mode: str
) -> None:
    """Open all vectors in frames, some at a time; those that must reach out get the time to."""
    context = open_context()
    groups = [[vector] for vector in _CHOSEN if vector.alone]
    many = [vector for vector in _CHOSEN if not vector.alone]
    groups += [many[at : at + _AT_ONCE] for at in range(0, len(many), _AT_ONCE)]
    for group in groups:
        window = context.new_page()
        names = "&".join(vector.name for vector in group)
        try:
            window.goto(f"{pages.origin}/frames/{mode}?{names}", wait_until="load")
            window.wait_for_timeout(_SETTLE_MS)
            live = {vector.name for vector in group if vector.live}
            for _ in range(_LATE):
                if mode != "control" or live <= tracker.fired(mode):
                    break
                window.wait_for_timeout(_SETTLE_MS)
        except Error:
            assert any(vector.alone for vector in group), names  # it went elsewhere meanwhile
        window.close()


def test_vectors_are_live_and_each_layer_alone_stops_them(
    open_context: Callable[..., BrowserContext],
    pages: Pages,
    tracker: Tracker,
    figures: Callable[[str], None],
) -> None:
    for mode in MODES:
        look_at(open_context, pages, tracker, mode)
    live = {vector.name for vector in _CHOSEN if vector.live}
    fired = tracker.fired("control")
    figures(f"hostile HTML: {len(fired)} of {len(_CHOSEN)} vectors reach out without protection")
    assert sorted(live - fired) == [], "no longer live: these prove nothing any more"
    assert tracker.fired("sandboxed") == set()
    assert tracker.fired("cleaned") == set()


def test_none_gets_out_of_a_message(
    open_context: Callable[..., BrowserContext], site: Site, tracker: Tracker
) -> None:
    person = site.new_person(0)
    paths = deliver_all(site.server, person.login, [page_of(one, tracker) for one in _CHOSEN])
    context = open_context()
    cookie = session_cookie(site.server, person.login)
    context.add_cookies([{"name": "pillarbox", "value": cookie, "url": site.url}])
    shown = 0
    for at in range(0, len(paths), _AT_ONCE):
        window = context.new_page()
        frames = "".join(
            f'<iframe src="{path}/body?v=1&amp;img=1&amp;all=1"></iframe>'
            for path in paths[at : at + _AT_ONCE]
        )
        held_by(window, frames)
        window.goto(f"{site.url}/frames", wait_until="load")
        window.wait_for_timeout(_SETTLE_MS)
        shown += bodies_in(window)
        window.close()
    assert shown == len(paths)  # frames that show nothing would prove nothing
    assert tracker.fired("shown") == set()


def held_by(window: Page, page: str) -> None:
    """`/frames` of the site is that page, so that its frames are of the same origin."""
    window.route("**/frames", lambda route: route.fulfill(body=page, content_type="text/html"))


def page_of(vector: Vector, tracker: Tracker) -> bytes:
    html = vector.aimed(tracker.aim("shown", vector)).replace("\n", "&#10;")
    return letter(
        vector.name, html + "<p>A word to be seen.</p>", Content_Type="text/html; charset=utf-8"
    )


def bodies_in(window: Page) -> int:
    """How many frames show a message."""
    return sum(
        frame.evaluate("document.documentElement.dataset.kind === 'html'")
        for frame in window.frames
        if "/body?" in frame.url
    )
