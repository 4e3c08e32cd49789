"""A browser in which somebody is signed in, for calls to /account/."""

from __future__ import annotations

import json
from typing import Any

from support.asgi import Answered
from support.browser_client import Browser
from support.web_people import ALICE, PASSWORD, PeopleBox


class App(Browser):
    """`await app.enter()`, then `get`, `done` and `call`."""

    csrf = ""

    async def enter(self, **more: Any) -> Any:
        """Sign in; as alice unless it is said otherwise."""
        given = {"email": ALICE, "password": PASSWORD, **more}
        answer = await self.post_json("/sign-in", given)
        assert answer.status == 200, answer.text
        told = json.loads(answer.body)
        self.csrf = told.get("csrf", "")
        return told

    async def call(self, method: str, path: str, value: Any = None, **more: str) -> Answered:
        """One request, whatever comes of it."""
        headers = {"accept": "*/*", "x_csrf_token": self.csrf, "sec_fetch_site": "same-origin"}
        if value is None:
            return await self.go(f"/account/{path}", method, **{**headers, **more})
        return await self.post_json(f"/account/{path}", value, method, **{**headers, **more})

    async def get(self, path: str) -> Any:
        """What is there."""
        answer = await self.call("GET", path)
        assert answer.status == 200, answer.text
        return json.loads(answer.body)

    async def done(self, method: str, path: str, value: Any = None) -> Any:
        """A change that goes well."""
        answer = await self.call(method, path, value)
        assert answer.status in (200, 204), answer.text
        return json.loads(answer.body) if answer.body else None


async def entered(box: PeopleBox) -> App:
    """Alice's."""
    app = App(box)
    await app.enter()
    return app
