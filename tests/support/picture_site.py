"""A stranger's server with pictures, on loopback, which here stands for the open Internet."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from pillarbox.net.address_policy import AddressPolicy

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


class PictureSite(ThreadingHTTPServer):
    """`with PictureSite() as site`; counts what it is asked for, and keeps the heads.

    /large is larger than others, /away leads inside, /gone is not there.
    """

    daemon_threads = True

    def __init__(self) -> None:
        outer = self
        self.heads: list[dict[str, str]] = []
        self.paths: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.heads.append({k.lower(): v for k, v in self.headers.items()})
                outer.paths.append(self.path)
                body, status = PNG, 200
                if self.path == "/large":
                    body = PNG + bytes(100_000)
                elif self.path == "/away":
                    status = 302
                elif self.path == "/gone":
                    status = 404
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://inside.example/secret")
                self.send_header("Set-Cookie", "a=b")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_said: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))

    def __enter__(self) -> PictureSite:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class OnePort(AddressPolicy, frozen=True):
    """Loopback stands for the open Internet, but one address of it, which stands for inside."""

    def allows(self, address: str, port: int) -> bool:
        return address == "127.0.0.1" and port == self.ports[0]


async def resolve(host: str) -> list[str]:
    """Every name is the site's, but one."""
    return ["127.0.0.2"] if host == "inside.example" else ["127.0.0.1"]
