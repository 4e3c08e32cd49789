"""Somebody who is signed in and may be asked, and browsers that wait for the answer."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import msgspec
from starlette.routing import Route

from pillarbox.accounts import totp
from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.accounts.identity import Identity
from pillarbox.config.recovery import RecoverySettings
from pillarbox.jmap.approval_news import ApprovalNews
from pillarbox.jmap.http.door import JmapDoor
from pillarbox.store.sql import approvals
from pillarbox.web import account, pages
from pillarbox.web.recovery import routes
from support.asgi import Answered
from support.browser_client import Browser
from support.recovery_box import RecoveryBox

ALICE = "alice@example.org"
WAIT = "/forgot/device/wait"


class ApprovalBox(RecoveryBox):
    """alice has codes of an authenticator program, and her mail is open in a browser."""

    async def open(self) -> None:
        await super().open()
        await self.codes_for(self.alice.id)
        self.serve(pages.routes, account.routes, routes, jmap_routes)

    async def __aexit__(self, *error: object) -> None:
        await self.authenticator.history.close()
        await super().__aexit__(*error)  # type: ignore[arg-type]

    async def codes_for(self, owner: Any) -> None:
        secret = await self.second_factors.begin_totp(owner)
        step = int(self.clock.now().timestamp()) // totp.STEP_SECONDS
        await self.second_factors.finish_totp(owner, totp.code_of(secret, step))

    async def ask_for(self, name: str, peer: str = "198.51.100.7") -> Browser:
        """Another browser that waits now; somebody has looked whom it concerns."""
        browser = Browser(self, peer=peer)
        hidden = await browser.hidden("/forgot/device")
        answer = await browser.post("/forgot/device", {**hidden, "email": name})
        assert (answer.status, answer.headers["location"]) == (303, WAIT)
        await self.settled()
        return browser

    async def settled(self) -> None:
        now = int(self.clock.now().timestamp())
        for _ in range(500):
            if await self.store.read(lambda db: approvals.next_to_look_up(db, now)) is None:
                return
            await asyncio.sleep(0.005)

    async def asks(self) -> list[dict[str, Any]]:
        """As alice's page is told."""
        identity = Identity(self.alice.id, ALICE, f"session:{self.session.id}")
        return await ApprovalNews(self.store, identity).read() or []

    async def answer(self, number: int | None, *, of: str = "", **more: Any) -> Answered:
        """By alice's page."""
        which = of or (await self.asks())[0]["id"]
        return await self.tell(self.session, self.cookie, which, number, **more)

    async def tell(
        self, session: BrowserSession, cookie: str, which: str, number: int | None, **more: Any
    ) -> Answered:
        fields = {"x_csrf_token": session.csrf, "accept": "application/json", **more}
        return await self.ask(
            f"/account/approvals/{which}",
            signed_in=False,
            method="POST",
            body=msgspec.json.encode({"number": number}),
            content_type="application/json",
            cookie=cookie,
            **fields,
        )


def jmap_routes(services: Any) -> list[Any]:
    door = JmapDoor(services.jmap, services.authenticator, services.sessions)
    return [one for one in door.routes if isinstance(one, Route)]


async def number_on(browser: Browser) -> int:
    """What the waiting page shows."""
    found = re.search(r'data-waiting="[^"]+">(\d\d)</p>', (await browser.go(WAIT)).text)
    assert found
    return int(found[1])


async def state_of(browser: Browser) -> str:
    state: str = msgspec.json.decode((await browser.go("/forgot/device/state")).body)["state"]
    return state


async def go_on(browser: Browser) -> Answered:
    """Press the button."""
    return await browser.post(WAIT, await browser.hidden(WAIT))


_UNLIMITED = {"per_network_and_hour": 10_000, "per_account_and_hour": 1000, "asks_per_day": 1000}


def patient(folder: Path, **more: Any) -> ApprovalBox:
    """Without limits, or with other settings."""
    box = ApprovalBox(folder)
    settings = RecoverySettings(**(_UNLIMITED | more))
    box.web_settings = msgspec.structs.replace(box.web_settings, recovery=settings)
    return box
