"""Pages for files behind links, with small bounds; alice can sign in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from pillarbox.config.links import LinkSettings
from pillarbox.config.settings import Settings
from pillarbox.config.web import WebSettings
from pillarbox.web import account, links, pages, sign_in
from support.account_app import App
from support.asgi import Answered, ask
from support.web_bench import HOST, QUICK
from support.web_people import PeopleBox

SMALL = LinkSettings(max_octets=100_000, account_octets=300_000, account_links=4)


class LinkBox(PeopleBox):
    """`app = await box.enter()`, then `await box.make(app, b"octets", "name.txt")`."""

    def __init__(self, folder: Path, **changed: Any) -> None:
        super().__init__(folder, spool_memory_octets=4096)
        self.web_settings = _settings(changed)

    async def open(self) -> None:
        await super().open()
        self.serve(pages.routes, sign_in.routes, account.routes, links.routes)

    def change(self, **changed: Any) -> None:
        """The same pages with other settings of links."""
        settings = msgspec.structs.replace(_settings(changed), store=self.settings)
        self.services = replace(self.services, settings=settings)
        self.serve(pages.routes, sign_in.routes, account.routes, links.routes)

    async def enter(self) -> App:
        """Alice's browser, signed in."""
        app = App(self)
        await app.enter()
        return app

    async def send(
        self, app: App, octets: bytes, name: str = "plan.bin", query: str = "", **headers: str
    ) -> Answered:
        """One upload, whatever comes of it."""
        fields = {
            "accept": "*/*",
            "x_csrf_token": app.csrf,
            "sec_fetch_site": "same-origin",
            "content_length": str(len(octets)),
        }
        path = f"/account/links?name={quote(name, safe='')}{query}"
        return await app.go(path, "POST", octets, **{**fields, **headers})

    async def make(self, app: App, octets: bytes, name: str = "plan.bin", query: str = "") -> Any:
        """What is told of a new link; `path` is that of its page."""
        answer = await self.send(app, octets, name, query)
        assert answer.status == 201, answer.text
        told = json.loads(answer.body)
        assert told["url"].startswith(f"https://{HOST}/links/")
        return {**told, "path": told["url"].removeprefix(f"https://{HOST}")}

    async def visit(self, path: str, **more: Any) -> Answered:
        """As somebody who has no account and no cookie."""
        given = {"accept": "text/html", "peer": "198.51.100.7"} | more
        return await ask(self.application, path, host=HOST, **given)


def _settings(changed: dict[str, Any]) -> Settings:
    wished = msgspec.structs.replace(SMALL, **changed)
    return Settings(auth=QUICK, web=WebSettings(links=wished))
