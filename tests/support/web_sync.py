"""When a change is seen: in the rows of a page by its own clock, and by IMAP clients that idle.

All instants are of the computer's clock (`time.time()`, `Date.now()`), so that those of pages and
of programs can be compared.
"""

from __future__ import annotations

import contextlib
import imaplib
import itertools
import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page

from support.reading import ROWS
from support.web_site import Person, Site

# Looks at the rows whenever something in the page changes, and notes when a wish came true.
_WITNESS = """(rows) => {
    const find = (words) => [...document.querySelectorAll(rows)]
        .find((row) => row.textContent.includes(words))
    const star = (words) => find(words)
        ?.querySelector('[data-act=star]').getAttribute('aria-pressed')
    const kinds = {
        shown: ({words}) => Boolean(find(words)),
        gone: ({words}) => !find(words) && Boolean(document.querySelector(rows)),
        unread: ({words}) => find(words)?.classList.contains('unread') === true,
        read: ({words}) => find(words)?.classList.contains('unread') === false,
        starred: ({words}) => star(words) === 'true',
        plain: ({words}) => star(words) === 'false',
    }
    const wishes = new Map(), seen = {}
    const look = () => {
        for (const [key, wish] of wishes) {
            if (!kinds[wish.kind](wish)) continue
            seen[key] = Date.now()
            wishes.delete(key)
        }
    }
    new MutationObserver(look).observe(document.body,
        {subtree: true, childList: true, attributes: true, characterData: true})
    let clicked = null
    addEventListener('click', () => clicked = Date.now(), {capture: true})
    window.witness = {
        wish(key, wish) {
            if (kinds[wish.kind](wish)) throw new Error(`already ${wish.kind}: ${wish.words}`)
            wishes.set(key, wish)
        },
        seen: (key) => seen[key] ?? null,
        clicked: () => clicked,
    }
}"""


class FarSite(Site):
    """The same server, for a browser that has something between itself and it."""

    def __init__(self, site: Site, port: int) -> None:
        super().__init__(site.server)
        self._port = port

    @property
    def url(self) -> str:
        """Through that port."""
        return f"http://localhost:{self._port}"


class Witness:
    """Looks at the rows of a page without pause."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._numbers = itertools.count()
        page.evaluate(_WITNESS, ROWS)

    def wish(self, kind: str, words: str) -> int:
        """Look out for a row with these words: shown, gone, unread, read, starred or plain."""
        key = next(self._numbers)
        self.page.evaluate(
            "([key, wish]) => witness.wish(key, wish)", [key, {"kind": kind, "words": words}]
        )
        return key

    def moment(self, key: int, seconds: float = 10) -> float:
        """When it was first seen."""
        self.page.wait_for_function(
            "(key) => witness.seen(key) !== null", arg=key, timeout=seconds * 1000
        )
        return float(self.page.evaluate("(key) => witness.seen(key)", key)) / 1000

    def clicked(self) -> float:
        """When somebody last pressed something in this page."""
        return float(self.page.evaluate("() => witness.clicked()")) / 1000


class Idler:
    """An IMAP client that idles in a mailbox (RFC 2177) and notes when it is told what."""

    def __init__(self, client: imaplib.IMAP4_SSL, mailbox: str) -> None:
        self._client = client
        assert client.select(mailbox)[0] == "OK"
        client.send(b"idle1 IDLE\r\n")
        assert client.readline().startswith(b"+")
        self._news: list[tuple[float, bytes]] = []
        self._came = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            line = self._client.readline()
            now = time.time()
            with self._came:
                self._news.append((now, line))
                self._came.notify_all()
            if not line or line.startswith(b"idle1 "):
                return

    def mark(self) -> int:
        """How much it was told so far."""
        with self._came:
            return len(self._news)

    def moment(self, word: bytes, since: int, seconds: float = 10) -> float:
        """When it was told something with this word, after a mark."""

        def found() -> float | None:
            return next((at for at, line in self._news[since:] if word in line), None)

        with self._came:
            self._came.wait_for(lambda: found() is not None, timeout=seconds)
            at = found()
            assert at is not None, f"not told of {word!r}: {self._news[since:]}"
            return at

    def stop(self) -> None:
        """The connection may be used for something else then."""
        self._client.send(b"DONE\r\n")
        self._thread.join(10)
        if self._thread.is_alive():
            self._client.shutdown()  # or whoever reads next would wait for what the thread takes


@contextlib.contextmanager
def idling(site: Site, person: Person, mailbox: str = "INBOX") -> Iterator[Idler]:
    """Signed in and idle."""
    with site.imap(person) as client:
        idler = Idler(client, mailbox)
        try:
            yield idler
        finally:
            idler.stop()


class Sleeper:
    """All processes of a browser: asleep they do nothing, as on a laptop that is closed."""

    def __init__(self, profile: Path) -> None:
        self._all = _family(_first_of(profile))

    def sleep(self) -> None:
        """Stop them where they are."""
        for pid in self._all:
            os.kill(pid, signal.SIGSTOP)

    def wake(self) -> float:
        """They go on; when that was."""
        for pid in self._all:
            os.kill(pid, signal.SIGCONT)
        return time.time()


def _first_of(profile: Path) -> int:
    wanted = f"--user-data-dir={profile}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if wanted in words and not any(word.startswith(b"--type=") for word in words):
                    return int(entry.name)
    raise AssertionError(f"no browser with {profile}")


def _family(first: int) -> list[int]:
    """A process, its children, theirs, and so on."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                facts = (entry / "stat").read_text().rpartition(") ")[2].split()
                children.setdefault(int(facts[1]), []).append(int(entry.name))
    family = [first]
    for one in family:
        family += children.get(one, [])
    return family


def share(values: list[float], part: float) -> float:
    """Of so many values this part is no larger (the nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]
