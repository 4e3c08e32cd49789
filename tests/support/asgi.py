"""A request to an ASGI application without any socket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answered:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    set_cookies: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The body, decoded."""
        return self.body.decode()


async def ask(
    application: Any,
    path: str,
    *,
    method: str = "GET",
    host: str | None = "mail.example.org",
    peer: str = "192.0.2.1",
    scheme: str = "https",
    body: bytes = b"",
    **headers: str,
) -> Answered:
    """`headers`: `_` stands for `-`."""
    fields = [(name.replace("_", "-").lower(), value) for name, value in headers.items()]
    if host is not None:
        fields.append(("host", host))
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "scheme": scheme,
        "client": (peer, 0),
        "server": ("127.0.0.1", 443),
        "headers": [(name.encode(), value.encode()) for name, value in fields],
    }
    answered = Answered()

    unread = [body]

    async def receive() -> dict[str, Any]:
        if not unread:  # who asks again waits for the peer to go, which it does not
            await asyncio.Event().wait()
        return {"type": "http.request", "body": unread.pop(), "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answered.status = message["status"]
            told = [(k.decode(), v.decode()) for k, v in message["headers"]]
            answered.headers = dict(told)
            answered.set_cookies = [value for name, value in told if name == "set-cookie"]
        else:
            answered.body += message.get("body", b"")

    await application(scope, receive, send)
    return answered
