"""The pages of recovery over a real store, and the letters that they send."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import urlencode

from pillarbox.net.secret import Secret
from pillarbox.store.sql import accounts, credentials, queue, recovery
from pillarbox.store.sql.recovery import Recovery
from pillarbox.web import pages
from pillarbox.web.recovery import routes
from support.asgi import Answered, ask
from support.web_bench import HOST, WebBox

GOOD = "seven brown umbrellas"
FAR = "alice.private@example.net"


class RecoveryBox(WebBox):
    """The pages of recovery, and what was sent."""

    async def open(self) -> None:
        await super().open()
        await self.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
        await self.admin.set_password(
            "alice@example.org", Secret("the old password"), keep_session=self.session.id
        )
        self.session, cookie = await self.services.sessions.begin(  # that ended the first one
            self.context().identity, peer="192.0.2.1", agent="a browser", stays=False
        )
        self.cookie = f"__Host-pillarbox={cookie.reveal().decode()}"
        self.serve(pages.routes, routes)

    async def has_address(self, **more: Any) -> None:
        given = Recovery(**{"address": FAR, "since": 1, **more})
        await self.store.write(lambda tx: recovery.put(tx, self.alice.id, given))

    async def page(self, path: str, **more: Any) -> Answered:
        return await self.ask(path, signed_in=False, **more)

    async def post(self, path: str, peer: str = "192.0.2.9", **fields: str) -> Answered:
        """As a browser: the page first, then its form with the hidden field and the cookie."""
        first = await ask(self.application, path, host=HOST, accept="text/html")
        cookie = first.headers.get("set-cookie", "").partition(";")[0]
        hidden = re.search(rb'name="csrf" value="([^"]+)"', first.body)
        body = urlencode({"csrf": hidden[1].decode() if hidden else "", **fields}).encode()
        return await ask(
            self.application,
            path,
            method="POST",
            host=HOST,
            peer=peer,
            body=body,
            accept="text/html",
            content_type="application/x-www-form-urlencoded",
            cookie=cookie,
            origin=f"https://{HOST}",
        )

    async def sent(self, expected: int = 1) -> list[tuple[str, str]]:
        """Addresses and texts of letters that left, once so many did and no wish waits."""
        for _ in range(500):
            waits = await self.store.read(recovery.has_wish)
            rows = await self.store.read(queue.list_queued)
            if len(rows) >= expected and not waits:
                break
            await asyncio.sleep(0.01)
        found = []
        for row in rows:
            content = self.store.content(row)
            text = (await content.read(0, content.size)).decode()
            found.append((row.recipients[0][0].forward_path, text))
        return found

    async def link(self) -> str:
        """The path of a link in the newest letter."""
        _, text = (await self.sent())[-1]
        found = re.search(rf"https://{HOST}(/\S+)", text)
        assert found is not None, text
        return found[1]

    async def opens(self, password: str) -> bool:
        row = await self.store.read(lambda db: credentials.password(db, self.alice.id))
        assert row is not None
        return await self.admin.hasher.verify(row.argon2, password.encode())


def bare(answered: Answered) -> tuple[int, dict[str, str], bytes]:
    """Without what is new in each answer."""
    headers = {k: v for k, v in answered.headers.items() if k not in ("date", "set-cookie")}
    return answered.status, headers, re.sub(rb'value="[\w=-]{20,}"', b"", answered.body)
