"""Two servers on loopback: one has pages with vectors in frames, the other notes who came."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

from pillarbox.web.bodies.cleaning import clean_message
from pillarbox.web.bodies.document import SANDBOX, document, framed, with_pictures
from pillarbox.web.bodies.job import Bounds, Job, Piece
from support.hostile_html import VECTORS, Vector

MODES = ("control", "sandboxed", "cleaned")
_MARKER = "0123456789abcdef" * 2
_BY_NAME = {vector.name: vector for vector in VECTORS}


def cleaned_page(html: str) -> str:
    """As the sanitiser leaves it, without any header field."""
    bounds = Bounds(style_octets=1 << 18, nesting=500, result_octets=1 << 24)
    pieces = (Piece("html", html.encode(), "utf-8"),)
    cleaned = clean_message(Job(pieces, False, _MARKER, "/m/A1/B1/part/", {}, bounds))
    markup = with_pictures(cleaned, _MARKER, None)
    return document(cleaned, markup=markup, notes=(), kind="html", is_dark=False, language="en")


class _Server:
    """A server in a thread of its own."""

    def __init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page, headers = outer.answer(self.path)
                octets = page.encode()
                self.send_response(200)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(octets)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the window was closed
                    self.wfile.write(octets)

            def log_message(self, *_said: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str) -> tuple[str, dict[str, str]]:
        """A page and its header fields."""
        raise NotImplementedError


class Tracker(_Server):
    """Remembers each request; its address for a vector is `aim`."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[str, str]] = set()  # mode, vector

    def aim(self, mode: str, vector: Vector) -> str:
        return f"{self.origin}/{mode}/{vector.name}"

    def fired(self, mode: str) -> set[str]:
        """Names of the vectors that reached it."""
        return {name for seen, name in self.seen if seen == mode}

    def answer(self, path: str) -> tuple[str, dict[str, str]]:
        mode, _, rest = path.removeprefix("/").partition("/")
        self.seen.add((mode, rest.partition("/")[0].partition("?")[0]))
        return "", {"Content-Type": "text/plain", "Access-Control-Allow-Origin": "*"}


class Pages(_Server):
    """`/frames/MODE?NAME&NAME…` holds the vectors' pages, `/page/MODE?NAME`."""

    def __init__(self, tracker: Tracker) -> None:
        super().__init__()
        self._tracker = tracker

    def answer(self, path: str) -> tuple[str, dict[str, str]]:
        parts = urlsplit(path)
        _, kind, mode, *_ = [*parts.path.split("/"), "", ""]
        names = list(parse_qs(parts.query, keep_blank_values=True))
        headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
        if kind == "frames":
            sandbox = (
                f' sandbox="{SANDBOX.removeprefix("sandbox ")}"' if mode == "sandboxed" else ""
            )
            frames = [f'<iframe src="/page/{mode}?{name}"{sandbox}></iframe>' for name in names]
            return f"<!doctype html><title>frames</title>{''.join(frames)}", headers
        if kind != "page":
            return "", headers
        vector = _BY_NAME[names[0]]
        html = vector.aimed(self._tracker.aim(mode, vector))
        if mode == "cleaned":
            return cleaned_page(html), headers
        if mode == "sandboxed":
            pictures = [f"{self.origin}/m/A1/B1/part/", f"{self.origin}/imgproxy/"]
            answer = framed("", pictures=pictures)
            given = dict(answer.headers)
            del given["content-length"], given["content-type"]
            return html, headers | given
        return html, headers
