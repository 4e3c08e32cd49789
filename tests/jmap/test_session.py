"""The session object and its state."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from pillarbox.jmap.registry import CAPABILITIES
from pillarbox.jmap.session import session_object, session_state
from support.jmap_bench import JmapBox


def test_the_state_changes_with_the_object_and_only_then(tmp_path: Path) -> None:
    async def main() -> None:
        async with JmapBox(tmp_path) as box:
            ctx = box.context()
            told = session_object(ctx.services, ctx.identity, "https://mail.example.org")
            assert told["state"] == session_state(
                ctx.services, ctx.identity, "https://mail.example.org"
            )
            assert told["state"] != session_state(ctx.services, ctx.identity, "https://b.example")
            other = msgspec.structs.replace(box.limits, max_calls=99)
            box.limits = other  # type: ignore[misc]
            changed = box.context()
            assert told["state"] != session_state(
                changed.services, changed.identity, "https://mail.example.org"
            )

    asyncio.run(main())


def test_every_capability_is_told_and_those_of_accounts_twice(tmp_path: Path) -> None:
    async def main() -> None:
        async with JmapBox(tmp_path) as box:
            ctx = box.context()
            told = session_object(ctx.services, ctx.identity, "https://mail.example.org")
            assert set(told["capabilities"]) == {one.uri for one in CAPABILITIES}
            of_account = {one.uri for one in CAPABILITIES if one.account is not None}
            account = f"A{box.alice.id}"
            assert set(told["accounts"][account]["accountCapabilities"]) == of_account
            assert told["primaryAccounts"] == dict.fromkeys(of_account, account)

    asyncio.run(main())
