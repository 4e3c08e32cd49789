"""All mail as one download: for its owner, once a link, one at a time."""

from __future__ import annotations

import asyncio
import io
import json
import mailbox
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pillarbox.errors import Unavailable
from pillarbox.flow.collect.export.export import Exporter
from pillarbox.flow.collect.export.zip_stream import ZipStream
from pillarbox.net.secret import Secret
from support.account_app import App, entered
from support.asgi import Answered
from support.store_box import letter
from support.web_bench import HOST
from support.web_people import PASSWORD, PeopleBox


async def link(app: App, form: str = "mbox") -> str:
    told = await app.done("POST", "export", {"form": form})
    assert told["path"].startswith("/account/export/")
    return str(told["path"])


async def download(app: App, path: str) -> Answered:
    """As a link that was followed, which knows no word of our pages."""
    return await app.go(path, sec_fetch_site="same-origin")


@pytest.mark.parametrize("form", ["mbox", "maildir", "pillarbox"])
async def test_everything_comes(box: PeopleBox, tmp_path: Path, form: str) -> None:
    app = await entered(box)
    for number in range(30):
        await box.append(letter(f"Letter {number}"))
    work = await box.create("Work")
    await box.append(letter("From work"), work.id)
    answer = await download(app, await link(app, form))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
    assert (
        'attachment; filename="alice@example.org-2026-11-' in answer.headers["content-disposition"]
    )
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("pillarbox.json"))["form"] == form
        archive.extractall(tmp_path / "all")
    if form == "mbox":
        inbox = mailbox.mbox(tmp_path / "all/Mail/INBOX.mbox", create=False)
        assert [one["Subject"] for one in inbox][-1] == "Letter 29"
        assert len(mailbox.mbox(tmp_path / "all/Mail/Work.mbox", create=False)) == 1
    if form == "maildir":
        assert len(mailbox.Maildir(tmp_path / "all/Maildir", create=False)) == 30


async def test_a_link_is_for_one_session_one_time_and_one_minute(box: PeopleBox) -> None:
    app, other = await entered(box), await entered(box)
    await box.admin.create_account("bob@example.org", Secret(PASSWORD))
    bob = App(box)
    await bob.enter(email="bob@example.org")
    path = await link(app)
    assert (await download(other, path)).status == 404
    assert (await download(bob, path)).status == 404
    assert (await download(app, path + "x")).status == 404
    assert (await download(App(box), path)).status == 303  # to the sign-in page
    assert (await app.go(path, sec_fetch_site="cross-site")).status == 403
    assert (await download(app, path)).status == 200
    again = await download(app, path)
    assert again.status == 404 and "Begin it once more" in again.text
    late = await link(app)
    await box.clock.advance(61)
    assert (await download(app, late)).status == 404


async def test_the_password_is_asked_for_again(box: PeopleBox) -> None:
    app = await entered(box)
    await box.clock.advance(11 * 60)
    answer = await app.call("POST", "export", {"form": "mbox"})
    assert answer.status == 403 and json.loads(answer.body)["reason"] == "confirm"
    assert (await app.call("POST", "export", {"form": "rar"})).status in (400, 403)
    await app.done("POST", "confirm", {"password": PASSWORD})
    assert (await app.call("POST", "export", {"form": "mbox"}, x_csrf_token="x")).status == 403
    assert (await app.call("POST", "export", {"form": "rar"})).status == 400


async def test_one_at_a_time_and_a_fault_breaks_it_off(
    box: PeopleBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = await entered(box)
    await box.append(letter("One"))
    first, second = await link(app), await link(app)
    seen: list[Any] = []

    async def meanwhile() -> None:
        seen.append(await download(app, second))
        seen.append(await app.call("POST", "export", {}))

    finishing = ZipStream.finishing

    async def slow(*given: Any) -> Any:
        await meanwhile()
        return await write(*given)

    write = Exporter.write
    monkeypatch.setattr(Exporter, "write", slow)
    assert (await download(app, first)).status == 200
    assert [one.status for one in seen] == [409, 409]
    assert "being downloaded just now" in seen[1].text
    monkeypatch.setattr(Exporter, "write", write)

    def fails(self: Any) -> Any:
        yield from ()
        raise Unavailable

    monkeypatch.setattr(ZipStream, "finishing", fails)
    with pytest.raises(Unavailable):  # behind the first octets: the connection is cut
        await download(app, await link(app))
    monkeypatch.setattr(ZipStream, "finishing", finishing)
    assert (await download(app, await link(app))).status == 200


async def test_who_goes_away_gives_everything_back(box: PeopleBox) -> None:
    """In the middle of the archive, which nobody takes any more."""
    app = await entered(box)
    for number in range(10):
        await box.append(letter(f"Large {number}", os.urandom(1_000_000).hex()))
    path, begun = await link(app), asyncio.Event()
    cookies = "; ".join(f"{name}={value}" for name, value in app.cookies.items())
    fields = {"host": HOST, "cookie": cookies, "sec-fetch-site": "same-origin"}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "scheme": "https",
        "client": ("192.0.2.1", 0),
        "server": ("127.0.0.1", 443),
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
    }
    said = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if said:
            return said.pop()
        await begun.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            begun.set()
            await asyncio.sleep(60)

    async with asyncio.timeout(20):
        await box.application(scope, receive, send)
    assert (await download(app, await link(app))).status == 200
