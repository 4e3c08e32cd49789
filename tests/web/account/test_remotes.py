"""Mail at other providers through the account's pages: five troubles in five sentences, nobody
else's seen, no password told, and what was brought taken back.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pillarbox.config.collect import CollectSettings
from pillarbox.flow.collect.holding import Stopped
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.net.secret import Secret
from pillarbox.telemetry.log import JsonLines
from support.account_app import App, entered
from support.authority import new_authority
from support.connecting import THEIRS, ConnectBox, wish
from support.lying_servers import Liar, lying_imap, lying_pop3
from support.server import PASSWORD as POP_PASSWORD
from support.store_box import letter
from support.web_people import ALICE, PASSWORD

NO = b"NO [AUTHENTICATIONFAILED] no"


@pytest.fixture
def box(tmp_path: Path) -> ConnectBox:
    return ConnectBox(tmp_path)


@pytest.fixture
def liar() -> Iterator[Liar]:
    with lying_imap() as server:
        server.fill([letter(f"Letter {number}") for number in range(5)])
        server.fill([letter("Work")], "Work")
        yield server


async def refused(app: App, given: dict[str, Any]) -> dict[str, Any]:
    answer = await app.call("POST", "remotes/test", given)
    assert answer.status == 422, answer.text
    assert THEIRS not in answer.text
    told: dict[str, Any] = json.loads(answer.body)
    return told


async def test_a_look_tells_folders_and_room(box: ConnectBox, liar: Liar) -> None:
    app = await entered(box)
    told = await app.done("POST", "remotes/test", wish(liar.port))
    assert (told["isWhole"], told["suffices"], told["toCome"]) == (True, True, 6)
    found = [(one["path"], one["messages"]) for one in told["folders"]]
    assert found == [("INBOX", 5), ("Work", 1)]
    assert await app.get("remotes") == []
    await box.admin.set_quota(ALICE, 100)
    told = await app.done("POST", "remotes/test", wish(liar.port))
    assert not told["suffices"] and told["missingOctets"] > 0


async def test_five_troubles_have_five_sentences(
    box: ConnectBox, liar: Liar, tmp_path: Path
) -> None:
    app = await entered(box)
    liar.lies.sign_in = NO
    told = [await refused(app, wish(liar.port))]
    liar.lies.sign_in = b"NO [ALERT] Application-specific password required " + THEIRS.encode()
    told.append(await refused(app, wish(liar.port)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*new_authority().issue("other.example").write(tmp_path))
    with lying_imap(context) as strange:
        told.append(await refused(app, wish(strange.port, tls="implicit")))
    told.append(await refused(app, wish(liar.port, host="inside.example.net")))
    told.append(await refused(app, wish(liar.port, host="no-such.example.net")))
    reasons = [one["reason"] for one in told]
    assert reasons == ["sign-in", "second-factor", "certificate", "tls", "address"]
    assert len({one["detail"] for one in told}) == 5
    assert (await refused(app, wish(0)))["reason"] == "settings"
    assert (await app.call("POST", "remotes/test", wish(1, kind="smtp"))).status == 400


class PublicBox(ConnectBox):
    """As it is unless an administrator says otherwise."""

    collect = CollectSettings(looks_per_minute=4)


async def test_private_addresses_are_for_administrators(tmp_path: Path, liar: Liar) -> None:
    async with PublicBox(tmp_path) as box:
        app = await entered(box)
        for host in ("127.0.0.1", "inside.example.net", "localhost", "::ffff:127.0.0.1"):
            told = await refused(app, wish(liar.port, host=host, allowPrivate=True))
            assert told["reason"] == "address" and "private" in told["detail"]
        many = await app.call("POST", "remotes/test", wish(liar.port))
        assert many.status == 409 and "Wait a minute" in many.text
        assert (await app.call("POST", "remotes", wish(liar.port))).status == 409
        await box.clock.advance(61)
        made = await app.done("POST", "remotes", wish(liar.port, allow_private=True))
        with pytest.raises(SourceFailure, match="private"):
            await box.fetch(made["id"])
        assert (await app.get("remotes"))[0]["trouble"] == "address"
        assert liar.sign_ins == 0


async def test_from_adding_to_taking_back(box: ConnectBox, liar: Liar) -> None:
    app, before = await entered(box), await box.paths()
    number = (await app.done("POST", "remotes", wish(liar.port, label="Old mail")))["id"]
    (one,) = await app.get("remotes")
    assert (one["id"], one["label"], one["state"]) == (number, "Old mail", "active")
    assert one["run"] is None
    await box.fetch(number)
    (one,) = await app.get("remotes")
    assert (one["state"], one["brought"], one["trouble"]) == ("done", 6, "")
    run = one["run"]
    assert (run["outcome"], run["foldersDone"], run["folders"]) == ("done", 2, 2)
    assert (run["brought"], run["messagesDone"], run["failed"]) == (6, 6, 0)
    assert "Work" in await box.paths()
    await app.done("POST", f"remotes/{number}/undo")
    await box.ended()
    (one,) = await app.get("remotes")
    assert (one["state"], one["brought"], one["isRunning"]) == ("done", 0, False)
    assert (one["run"]["startedBy"], one["run"]["removed"]) == ("undo", 6)
    assert await box.paths() == before
    await app.done("POST", f"remotes/{number}/run")
    await box.fetch(number)
    assert (await app.get("remotes"))[0]["brought"] == 6
    await app.done("DELETE", f"remotes/{number}")
    assert await app.get("remotes") == []
    assert "Work" in await box.paths()


async def test_taking_back_stops_what_runs(box: ConnectBox, liar: Liar) -> None:
    app, held = await entered(box), threading.Event()
    liar.lies.after_bodies = (3, lambda: held.wait(60) and None)
    number = (await app.done("POST", "remotes", wish(liar.port)))["id"]
    fetching = asyncio.ensure_future(box.fetch(number))
    while liar.bodies < 3:
        await asyncio.sleep(0.01)
    assert (await app.get("remotes"))[0]["isRunning"]
    asked = asyncio.ensure_future(app.done("POST", f"remotes/{number}/undo"))
    while not asked.done():
        await box.clock.advance(0.2)
        await asyncio.sleep(0.01)
    held.set()
    with pytest.raises(Stopped):
        await fetching
    await asked
    await box.ended()
    (one,) = await app.get("remotes")
    assert (one["state"], one["brought"], one["isRunning"]) == ("paused", 0, False)


async def test_pop3_and_steering(box: ConnectBox) -> None:
    app = await entered(box)
    with lying_pop3() as pop:
        pop.fill([letter("One"), letter("Two")])
        more = {"kind": "pop3", "once": False, "atSource": "delete", "afterDays": 14}
        given = wish(pop.port, everyMinutes=30, **more) | {"password": POP_PASSWORD}
        assert (await app.done("POST", "remotes/test", given))["toCome"] == 2
        number = (await app.done("POST", "remotes", given))["id"]
        again = await app.call("POST", "remotes", given)
        assert again.status == 409 and "already" in again.text
        await box.fetch(number)
    (one,) = await app.get("remotes")
    assert (one["brought"], one["state"], one["everySeconds"]) == (2, "active", 1800)
    assert one["atSource"] == {"action": "delete", "days": 14}
    await app.done("POST", f"remotes/{number}/pause")
    assert (await app.get("remotes"))[0]["state"] == "paused"
    await app.done("POST", f"remotes/{number}/run")
    assert (await app.get("remotes"))[0]["state"] == "active"
    await app.done("POST", f"remotes/{number}/undo")
    await box.ended()
    (one,) = await app.get("remotes")
    assert (one["state"], one["brought"]) == ("paused", 0)


async def test_what_was_moved_in_goes_on_being_fetched(box: ConnectBox, liar: Liar) -> None:
    app = await entered(box)
    number = (await app.done("POST", "remotes", wish(liar.port)))["id"]
    await box.fetch(number)
    again = await app.done("POST", "remotes", wish(liar.port, once=False))
    assert again["id"] == number
    await box.fetch(number)
    (one,) = await app.get("remotes")
    assert (one["brought"], one["run"]["brought"], one["once"]) == (6, 0, False)


async def test_a_wrong_password_is_seen_and_mended(box: ConnectBox, liar: Liar) -> None:
    app = await entered(box)
    liar.lies.sign_in = NO
    number = (await app.done("POST", "remotes", wish(liar.port)))["id"]
    for _ in range(3):
        with pytest.raises(SourceFailure):
            await box.fetch(number)
    (one,) = await app.get("remotes")
    assert (one["state"], one["trouble"]) == ("attention", "sign-in")
    assert "Check both" in one["why"]
    await app.done("POST", f"remotes/{number}/password", {"password": "another"})
    assert (await app.get("remotes"))[0]["state"] == "active"
    liar.lies.sign_in = b""
    await box.fetch(number)
    assert (await app.get("remotes"))[0]["trouble"] == ""


async def test_a_quota_that_is_met_is_told(box: ConnectBox, liar: Liar) -> None:
    app = await entered(box)
    await box.admin.set_quota(ALICE, 100)
    number = (await app.done("POST", "remotes", wish(liar.port)))["id"]
    await box.fetch(number)
    (one,) = await app.get("remotes")
    assert one["trouble"] == "quota" and one["why"]


async def test_nobody_elses_and_no_other_sites(box: ConnectBox, liar: Liar) -> None:
    app = await entered(box)
    number = (await app.done("POST", "remotes", wish(liar.port)))["id"]
    await box.admin.create_account("bob@example.org", Secret(PASSWORD))
    bob = App(box)
    await bob.enter(email="bob@example.org")
    assert await bob.get("remotes") == []
    calls: list[tuple[str, str, Any]] = [
        ("POST", f"remotes/{number}/run", None),
        ("POST", f"remotes/{number}/pause", None),
        ("POST", f"remotes/{number}/undo", None),
        ("POST", f"remotes/{number}/password", {"password": "x"}),
        ("DELETE", f"remotes/{number}", None),
    ]
    for method, path, value in calls:
        assert (await bob.call(method, path, value)).status == 404, path
    calls += [
        ("POST", "remotes", wish(liar.port)),
        ("POST", "remotes/test", wish(liar.port)),
        ("POST", "remotes/find", {"address": "a@gmail.com"}),
    ]
    for method, path, value in calls:
        for headers in ({"x_csrf_token": "x"}, {"sec_fetch_site": "cross-site"}):
            assert (await app.call(method, path, value, **headers)).status == 403, path
    await box.clock.advance(11 * 60)
    for path in ("remotes", "remotes/test", f"remotes/{number}/password"):
        answer = await app.call("POST", path, wish(liar.port))
        assert answer.status == 403 and json.loads(answer.body)["reason"] == "confirm", path
    assert (await app.get("remotes"))[0]["state"] == "active"
    assert liar.sign_ins == 0


async def test_the_password_is_told_nowhere(
    box: ConnectBox, liar: Liar, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    app = await entered(box)
    liar.lies.sign_in = NO + b" not " + THEIRS.encode()
    texts = [(await app.call("POST", "remotes/test", wish(liar.port))).text]
    made = await app.call("POST", "remotes", wish(liar.port))
    texts.append(made.text)
    with pytest.raises(SourceFailure):
        await box.fetch(json.loads(made.body)["id"])
    texts.append((await app.call("GET", "remotes")).text)
    texts.append((await app.call("POST", "remotes", wish(liar.port, tls="x"))).text)
    logged = [JsonLines().format(one) for one in caplog.records]
    assert any("collect.added" in one for one in logged)
    assert all(THEIRS not in one for one in (*texts, *logged))
    for file in (one for one in box.folder.rglob("*") if one.is_file()):
        assert THEIRS.encode() not in file.read_bytes(), file


@pytest.mark.parametrize(
    ("address", "by", "name", "host"),
    [
        ("somebody@gmail.com", "preset", "gmail", "imap.gmail.com"),
        ("boss@customer.example", "mx", "gmail", "imap.gmail.com"),
        ("somebody@outlook.com", "preset", "outlook", "outlook.office365.com"),
        ("x@nothing.example", "", None, None),
        ("no address", "", None, None),
    ],
)
async def test_what_an_address_tells(
    box: ConnectBox, address: str, by: str, name: str | None, host: str | None
) -> None:
    app = await entered(box)
    told = await app.done("POST", "remotes/find", {"address": address})
    assert told["foundBy"] == by
    assert (told["provider"] or {}).get("name") == name
    assert (told["imap"] or {}).get("host") == host


class Slow:
    """A source that answers when nobody waits any more."""

    def __init__(self, source: Any, *, lists: bool) -> None:
        self.source, self.lists = source, lists

    async def folders(self) -> Any:
        if not self.lists:
            await asyncio.sleep(60)
        return await self.source.folders()

    async def open(self, folder: Any) -> Any:
        await asyncio.sleep(60)

    async def close(self) -> None:
        await self.source.close()


class HastyBox(ConnectBox):
    """A look takes a second at most."""

    collect = replace(ConnectBox.collect, look_seconds=1.0)


@pytest.mark.parametrize("lists", [True, False])
async def test_a_slow_server_is_not_waited_for(tmp_path: Path, liar: Liar, lists: bool) -> None:
    async with HastyBox(tmp_path) as box:
        app, opened = await entered(box), box.parts.open

        async def open_slowly(settings: Any, sign_in: Any) -> Any:
            return Slow(await opened(settings, sign_in), lists=lists)

        box.reach(open_slowly)
        if lists:
            told = await app.done("POST", "remotes/test", wish(liar.port))
            assert not told["isWhole"]
            assert [one["path"] for one in told["folders"]] == ["INBOX", "Work"]
        else:
            assert (await refused(app, wish(liar.port)))["reason"] == "cut"
