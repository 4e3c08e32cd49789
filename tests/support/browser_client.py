"""What a browser does, without one: keeps cookies, follows forms. For pages over a `WebBox`."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

from support.asgi import Answered, ask
from support.web_bench import HOST, WebBox

_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


class Browser:
    """`async` calls that answer like `ask`; `cookies` are those that it was given."""

    def __init__(self, box: WebBox, *, scheme: str = "https", peer: str = "192.0.2.1") -> None:
        self.box = box
        self.scheme, self.peer = scheme, peer
        self.cookies: dict[str, str] = {}

    async def go(self, path: str, method: str = "GET", body: bytes = b"", **more: str) -> Answered:
        """One request; header fields as `ask` takes them."""
        fields = {"accept": "text/html", **more}
        if self.cookies:
            fields["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await ask(
            self.box.application,
            path,
            method=method,
            body=body,
            host=HOST,
            scheme=self.scheme,
            peer=self.peer,
            **fields,
        )
        for cookie in answer.set_cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            if "Max-Age=0" in cookie:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer

    async def post(self, path: str, fields: dict[str, str], **more: str) -> Answered:
        """A form."""
        kind = "application/x-www-form-urlencoded"
        return await self.go(path, "POST", urlencode(fields).encode(), content_type=kind, **more)

    async def post_json(self, path: str, value: Any, method: str = "POST", **more: str) -> Answered:
        """As the app's `fetch` does."""
        headers = {"content_type": "application/json", "accept": "application/json", **more}
        return await self.go(path, method, json.dumps(value).encode(), **headers)

    async def hidden(self, path: str) -> dict[str, str]:
        """The hidden fields of the page's form."""
        return hidden_fields(await self.go(path))

    async def sign_in(self, email: str, password: str, **more: str) -> Answered:
        """Open the page, fill the form, send it."""
        hidden = await self.hidden("/sign-in")
        return await self.post("/sign-in", {**hidden, "email": email, "password": password, **more})


def hidden_fields(answer: Answered) -> dict[str, str]:
    """Of the forms of a page."""
    return dict(_HIDDEN.findall(answer.text))
