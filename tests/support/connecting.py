"""The account's pages with other providers, which are on this computer and may lie."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

from pillarbox.config.collect import CollectSettings
from pillarbox.config.settings import Settings
from pillarbox.flow.collect.progress import Progress
from pillarbox.ids import RemoteId
from pillarbox.node.collecting_one import Parts, Way, run_once
from pillarbox.node.collecting_parts import make_elsewhere, make_parts
from pillarbox.store.sql import mailboxes
from pillarbox.web import account, pages, sign_in
from support.fake_resolver import FakeResolver
from support.lying_servers import LOGIN
from support.web_bench import QUICK
from support.web_people import PeopleBox

THEIRS = "pencil-sharpener-of-theirs"  # the password there
RESOLVER = FakeResolver(
    {
        "inside.example.net": {"A": ["10.1.2.3"]},
        "customer.example": {"MX": [(10, "aspmx.l.google.com")]},
    }
)


class ConnectBox(PeopleBox):
    """Other servers may be on this computer, if `collect` says so."""

    collect = CollectSettings(allow_private=True, look_seconds=5)

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.web_settings = Settings(auth=QUICK, collect=self.collect)

    async def open(self) -> None:
        await super().open()
        self.parts: Parts = make_parts(self.services.settings, self.store, RESOLVER, self.clock)
        self.reach(self.parts.open)

    def reach(self, open_source: Any) -> None:
        """Serve the pages, whose ways to other servers are these."""
        whole = make_elsewhere(self.services.settings, RESOLVER, self.clock, self.parts)
        elsewhere = dataclasses.replace(whole, open=open_source)
        self.services = dataclasses.replace(self.services, elsewhere=elsewhere)
        self.serve(pages.routes, sign_in.routes, account.routes)

    async def fetch(self, number: str) -> None:
        """What a worker does when it is due."""
        await run_once(self.parts, RemoteId(int(number)), Way(started_by="schedule"), Progress())

    async def ended(self) -> None:
        """What was begun behind an answer is done."""
        for task in [one for one in asyncio.all_tasks() if one.get_name().startswith("undo-")]:
            await task

    async def paths(self) -> list[str]:
        """Alice's mailboxes."""
        tree = await self.store.read(lambda db: mailboxes.tree(db, self.alice.id))
        return [one.path for one in tree]


def wish(port: int, **more: Any) -> dict[str, Any]:
    """What a person gives the page about an IMAP server."""
    there = {"kind": "imap", "host": "127.0.0.1", "port": port, "tls": "none"}
    return {**there, "login": LOGIN, "password": THEIRS, **more}
