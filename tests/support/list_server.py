"""A mailing list's own server: HTTPS on loopback, and what was asked of it (RFC 8058 §3.2)."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pillarbox.net.self_signed import create_self_signed
from pillarbox.trust.authres import Finding, encode

HOST = "lists.example.net"
NEWS = f"news@{HOST}"
_MOST = 10_000

# Read by every Python that starts with this folder in PYTHONPATH. The list's name leads to
# loopback, which our guard would refuse, and its certificate is believed; all else is our own.
_SITE = """
from functools import partial

from pillarbox.net import https
from pillarbox.net.address_policy import AddressPolicy
from pillarbox.web.bodies import leaving


async def to_loopback(host):
    assert host == {host!r}, host
    return ["127.0.0.1"]


post = https.post


async def post_there(url, body, kind, *, limits, **guards):
    policy = AddressPolicy(private=True, ports=({port},))
    context = https.client_context({pem!r})
    return await post(
        url, body, kind, address_policy=policy, limits=limits, resolve=to_loopback, context=context
    )


leaving.post = post_there
"""


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ListServer:
    """Answers with `status`."""

    port: int
    folder: Path  # for PYTHONPATH of a mail server that shall reach it
    status: int = 200
    asked: list[Asked] = field(default_factory=list)

    def letter(self, number: int, to: str) -> tuple[bytes, bytes]:
        """What this server's own mail exchanger wrote at delivery, and a letter of the list."""
        signature = "aBcD+/12"
        said = {"d": HOST, "s": "k1", "a": "rsa-sha256", "b": signature}
        found = tuple(("header", name, value) for name, value in said.items())
        lines = [
            f"DKIM-Signature: v=1; a=rsa-sha256; d={HOST}; s=k1;"
            f" h=from:to:list-unsubscribe:list-unsubscribe-post; bh=x; b={signature}34567890",
            f"From: News <{NEWS}>",
            f"To: {to}",
            f"Subject: News, number {number}",
            f"Message-ID: <news-{number}@{HOST}>",
            f"List-Id: <news.{HOST}>",
            f"List-Unsubscribe: <https://{HOST}:{self.port}/leave?who=7>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            "",
            "Nobody wants to know this.",
            "",
        ]
        return encode("localhost", [Finding("dkim", "pass", "", found)]), "\r\n".join(
            lines
        ).encode()


@contextlib.contextmanager
def running_list(folder: Path) -> Iterator[ListServer]:
    """On a free port, until the end of the block."""
    certificate, key = folder / "list.pem", folder / "list.key"
    create_self_signed([HOST], certificate, key, now=datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length", "0")), _MOST)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            told.asked.append(Asked(self.command, self.path, headers, body))
            self.send_response(told.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    told = ListServer(server.server_address[1], folder)
    site = _SITE.format(host=HOST, port=told.port, pem=certificate.read_text())
    (folder / "sitecustomize.py").write_text(site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
