"""Links are made of files that come in whole, within bounds, by their owner's own page."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pillarbox.store.sql import accounts
from support.account_app import App
from support.link_box import LinkBox
from support.web_bench import HOST


async def left_behind(box: LinkBox) -> list[Any]:
    """Rows and files that a failed upload must not leave."""
    rows = await box.store.read(lambda db: db.rows("SELECT * FROM link"))
    blobs = await box.store.read(lambda db: db.rows("SELECT * FROM blob"))
    places = (box.folder / "data").rglob("*-*")
    spools = [one.name for one in places if one.name.startswith(("spool-", "sealed-"))]
    return [*rows, *blobs, *spools]


async def test_made_listed_and_withdrawn(box: LinkBox) -> None:
    app = await box.enter()
    told = await app.get("links")
    assert told == {"maxOctets": 100_000, "room": 300_000, "days": 30, "mostDays": 90, "list": []}
    first = await box.make(app, b"a" * 1000, "a.txt")
    second = await box.make(app, b"b" * 2000, "b.txt", "&days=90")
    third = await box.make(app, b"c", "c.txt", "&days=4000")
    told = await app.get("links")
    assert told["room"] == 300_000 - 3001
    assert [one["name"] for one in told["list"]] == ["c.txt", "b.txt", "a.txt"]
    assert all("url" not in one for one in told["list"])
    days = [(await box.store.read(lambda db: db.rows("SELECT expires_at - created_at FROM link")))][
        0
    ]
    assert [seconds // 86_400 for (seconds,) in days] == [30, 90, 90]
    await app.done("DELETE", f"links/{second['id']}")
    assert (await app.call("DELETE", f"links/{second['id']}")).status == 404
    assert [one["id"] for one in (await app.get("links"))["list"]] == [third["id"], first["id"]]
    assert (await box.account()).used_octets == 1001
    assert (await box.store.verify()).problems == []


class Untouched:
    """A body that nobody may read."""

    def __init__(self, box: LinkBox) -> None:
        self.read = False
        self._application = box.application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def noting() -> Any:
            self.read = True
            return await receive()

        await self._application(scope, noting, send)


@pytest.mark.parametrize(
    ("size", "quota", "status", "reason"),
    [
        (100_001, 0, 413, "at most 100000 octets"),
        (10**17, 0, 413, "at most 100000 octets"),
        (50_001, 50_000, 409, "quota"),
    ],
)
async def test_refused_before_anything_is_read(
    box: LinkBox, size: int, quota: int, status: int, reason: str
) -> None:
    app = await box.enter()
    if quota:
        await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, quota))
    box.application = untouched = Untouched(box)
    answer = await box.send(app, b"x", content_length=str(size))
    assert (answer.status, reason in answer.text) == (status, True), answer.text
    assert not untouched.read
    assert await left_behind(box) == []


async def test_more_than_was_told_is_refused_on_the_way(box: LinkBox) -> None:
    app = await box.enter()
    answer = await box.send(app, b"x" * 100_001, content_length="5")
    assert answer.status == 413
    assert await left_behind(box) == []
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, 50_000))
    answer = await box.send(app, b"x" * 50_001, content_length="5")
    assert (answer.status, json.loads(answer.body)["reason"]) == (409, "quota")
    assert await left_behind(box) == []


async def test_so_many_and_no_more(box: LinkBox) -> None:
    app = await box.enter()
    for number in range(3):
        await box.make(app, b"%d" % number * 100_000)
    answer = await box.send(app, b"x")
    assert (answer.status, "no room" in answer.text) == (409, True)
    (newest, *_) = (await app.get("links"))["list"]
    await app.done("DELETE", f"links/{newest['id']}")
    await box.make(app, b"x")
    await box.make(app, b"y")
    answer = await box.send(app, b"z")
    assert (answer.status, "too many" in answer.text) == (409, True)
    assert (await app.get("links"))["room"] == 0


async def upload(box: LinkBox, app: App, messages: list[Any]) -> int:
    """The status of an upload whose body comes as `messages` do; a number is a wait."""
    cookie = "; ".join(f"{name}={value}" for name, value in app.cookies.items())
    fields = {"host": HOST, "cookie": cookie, "x-csrf-token": app.csrf, "content-length": "3000"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/account/links",
        "query_string": b"name=a.bin",
        "scheme": "https",
        "client": ("192.0.2.1", 0),
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
    }
    status = [0]

    async def receive() -> Any:
        return messages.pop(0) if messages else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        status[0] = message.get("status", status[0])

    await box.application(scope, receive, send)
    return status[0]


def piece(octets: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": octets, "more_body": more}


GONE = {"type": "http.disconnect"}


@pytest.mark.parametrize(
    "messages",
    [
        [piece(b"x" * 1000), GONE],
        [piece(b"x" * 80_000), GONE],
        [piece(b"x" * 3000, more=False), GONE],  # while it is being stored
    ],
)
async def test_a_cancelled_upload_leaves_nothing(box: LinkBox, messages: list[Any]) -> None:
    app = await box.enter()
    assert await upload(box, app, list(messages)) == 0
    assert await left_behind(box) == []
    assert (await box.account()).used_octets == 0
    assert await upload(box, app, [piece(b"x" * 3000, more=False)]) == 201


async def test_who_stops_sending_is_given_up(tmp_path: Path) -> None:
    async with LinkBox(tmp_path, pause_seconds=1, uploads=1) as box:
        app = await box.enter()
        assert await upload(box, app, [piece(b"x" * 1000)]) == 429
        assert await left_behind(box) == []
        await box.make(app, b"the place is free again")


async def test_so_many_at_the_same_moment(tmp_path: Path) -> None:
    async with LinkBox(tmp_path, uploads=1) as box:
        app = await box.enter()
        first = asyncio.create_task(upload(box, app, [piece(b"x" * 1000)]))
        await asyncio.sleep(0.1)
        answer = await box.send(app, b"x")
        assert (answer.status, "retry-after" in answer.headers) == (429, True)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await box.make(app, b"x")


async def test_only_our_own_page_makes_one(box: LinkBox) -> None:
    app = await box.enter()
    assert (await box.send(app, b"x", x_csrf_token="wrong")).status == 403
    assert (await box.send(app, b"x", sec_fetch_site="cross-site")).status == 403
    assert (await box.send(app, b"x", query="&days=soon")).status == 400
    stranger = App(box)
    assert (await box.send(stranger, b"x")).status == 401
    assert (await stranger.call("GET", "links")).status == 401
    assert await left_behind(box) == []


async def test_another_persons_link_cannot_be_seen_or_withdrawn(box: LinkBox) -> None:
    app = await box.enter()
    made = await box.make(app, b"mine")
    other = await box.new_account("bob@example.org")
    await box.store.write(
        lambda tx: tx.run(
            "UPDATE link SET account_id = ? WHERE link_id = ?", (other.id, made["id"])
        )
    )
    assert (await app.get("links"))["list"] == []
    assert (await app.call("DELETE", f"links/{made['id']}")).status == 404
