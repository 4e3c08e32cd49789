"""Files of mail through the account's pages: taken whole or not at all, bounded, brought once."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import mailbox
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pillarbox.config.collect import CollectSettings
from pillarbox.config.collect_files import CollectFileSettings
from pillarbox.flow.collect.files.opening import open_files
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.flow.collect.uploaded import Uploaded, plain_name, sweep
from pillarbox.ids import RemoteId
from pillarbox.net.secret import Secret
from pillarbox.store.sql import mailboxes
from support.account_app import App, entered
from support.asgi import Answered
from support.connecting import ConnectBox
from support.store_box import letter
from support.web_people import ALICE, PASSWORD


@pytest.fixture
def box(tmp_path: Path) -> ConnectBox:
    return ConnectBox(tmp_path)


def zipped(*entries: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in entries:
            archive.writestr(name, octets)
    return made.getvalue()


def mbox(count: int) -> bytes:
    return b"".join(
        b"From somebody@example.org Mon Jan  6 10:00:00 2003\n"
        + letter(f"Letter {number}").replace(b"\r\n", b"\n")
        + b"\n"
        for number in range(count)
    )


def maildir_zip(folder: Path) -> bytes:
    """Made by the Python library."""
    folder.mkdir()
    made = mailbox.Maildir(folder / "old", create=True)
    for place, words in ((made, "In the inbox"), (made.add_folder("Work"), "At work")):
        message = mailbox.MaildirMessage(letter(words))
        message.set_subdir("cur")
        place.add(message)
    files = [one for one in folder.rglob("*") if one.is_file()]
    return zipped(*((str(one.relative_to(folder)), one.read_bytes()) for one in files))


async def sent(app: App, name: str, octets: bytes, **more: Any) -> Answered:
    link = await app.call("POST", "remotes/files", {"name": name, "octets": len(octets), **more})
    if link.status != 200:
        return link
    return await given(app, json.loads(link.body)["path"], octets)


async def given(app: App, path: str, octets: bytes) -> Answered:
    headers = {"x_csrf_token": app.csrf, "sec_fetch_site": "same-origin", "accept": "*/*"}
    return await app.go(path, "POST", octets, **headers)


async def counts(box: ConnectBox) -> dict[str, int]:
    tree = await box.store.read(lambda db: mailboxes.tree(db, box.alice.id))
    return {one.path: one.messages for one in tree if one.messages}


def left(box: ConnectBox) -> list[str]:
    folder = Path(box.services.settings.store.data_dir) / "uploaded"
    return [one.name for one in folder.rglob("*")] if folder.exists() else []


FORMS: list[tuple[str, Callable[[Path], bytes], dict[str, int]]] = [
    ("Old mail.mbox", lambda _: mbox(3), {"Old mail": 3}),
    ("mail.zip", maildir_zip, {"INBOX": 1, "Work": 1}),
    (
        "letters.zip",
        lambda _: zipped(("Trips/a.eml", letter("A")), ("Trips/b.eml", letter("B"))),
        {"Trips": 2},
    ),
    (
        "takeout.zip",
        lambda _: zipped(
            (
                "Takeout/Mail/All mail Including Spam and Trash.mbox",
                mbox(2).replace(b"\nSubject:", b"\nX-Gmail-Labels: Harbour\nSubject:"),
            )
        ),
        {"Harbour": 2},
    ),
]


@pytest.mark.parametrize(("name", "make", "wanted"), FORMS, ids=[one[0] for one in FORMS])
async def test_a_file_is_brought_and_taken_back(
    box: ConnectBox,
    tmp_path: Path,
    name: str,
    make: Callable[[Path], bytes],
    wanted: dict[str, int],
) -> None:
    app = await entered(box)
    answer = await sent(app, name, make(tmp_path / "made"))
    assert answer.status == 200, answer.text
    number = json.loads(answer.body)["id"]
    (one,) = await app.get("remotes")
    assert (one["kind"], one["label"], one["state"], one["canRun"]) == (
        "file",
        name,
        "active",
        True,
    )
    assert str(tmp_path) not in json.dumps(one)
    await box.fetch(number)
    assert await counts(box) == wanted
    (one,) = await app.get("remotes")
    assert (one["state"], one["brought"], one["canRun"]) == ("done", sum(wanted.values()), False)
    assert left(box) == []
    again = await app.call("POST", f"remotes/{number}/run")
    assert again.status == 403 and "once more" in again.text
    await app.done("POST", f"remotes/{number}/undo")
    await box.ended()
    assert await counts(box) == {}


async def test_the_same_file_again_brings_nothing_twice(box: ConnectBox) -> None:
    app = await entered(box)
    octets = mbox(4)
    first = json.loads((await sent(app, "old.mbox", octets)).body)["id"]
    await box.fetch(first)
    again = json.loads((await sent(app, "old.mbox", octets, keyword="x")).body)["id"]
    await box.fetch(again)
    assert again == first
    assert await counts(box) == {"old": 4}
    other = json.loads((await sent(app, "old.mbox", mbox(5), into="INBOX")).body)["id"]
    assert other != first
    await box.fetch(other)
    assert (await counts(box))["INBOX"] == 5


async def test_pause_and_remove(box: ConnectBox) -> None:
    app = await entered(box)
    number = json.loads((await sent(app, "old.mbox", mbox(1))).body)["id"]
    await app.done("POST", f"remotes/{number}/pause")
    assert (await app.get("remotes"))[0]["state"] == "paused"
    await app.done("POST", f"remotes/{number}/run")
    assert (await app.get("remotes"))[0]["state"] == "active"
    often = await app.call("PUT", f"remotes/{number}", {"once": False, "everyMinutes": 1})
    assert often.status == 422 and "over once" in often.text
    assert left(box)
    await app.done("DELETE", f"remotes/{number}")
    assert left(box) == []


@pytest.mark.parametrize(
    ("name", "octets", "word"),
    [
        ("holiday.jpg", b"\xff\xd8\xff" + b"no mail" * 40, "No mail"),
        ("bomb.zip", zipped(("a.mbox", b"\0" * (80 << 20))), "grows"),
        ("broken.zip", zipped(("a.eml", letter("A")))[:-30], "no whole zip"),
        ("../../etc/x.zip", zipped(("../../a.eml", letter("A"))), "No mail"),
    ],
)
async def test_what_is_no_mail_is_not_kept(
    box: ConnectBox, name: str, octets: bytes, word: str
) -> None:
    app = await entered(box)
    answer = await sent(app, name, octets)
    assert (answer.status, json.loads(answer.body)["reason"]) == (422, "file"), answer.text
    assert word in answer.text
    assert left(box) == [] and await app.get("remotes") == []


@pytest.mark.parametrize("change", [lambda one: one[:-1], lambda one: one + b"x"])
async def test_only_the_whole_file_counts(
    box: ConnectBox, change: Callable[[bytes], bytes]
) -> None:
    app = await entered(box)
    octets = mbox(2)
    told = {"name": "old.mbox", "octets": len(octets)}
    path = (await app.done("POST", "remotes/files", told))["path"]
    answer = await given(app, path, change(octets))
    assert answer.status == 422, answer.text
    assert left(box) == [] and await app.get("remotes") == []


async def test_a_path_is_for_one_file_of_one_session(box: ConnectBox) -> None:
    app = await entered(box)
    octets = mbox(1)
    told = {"name": "old.mbox", "octets": len(octets)}
    path = (await app.done("POST", "remotes/files", told))["path"]
    await box.admin.create_account("bob@example.org", Secret(PASSWORD))
    bob = App(box)
    await bob.enter(email="bob@example.org")
    assert (await given(bob, path, octets)).status == 404
    elsewhere = await entered(box)
    assert (await given(elsewhere, path, octets)).status == 404
    foreign = await app.go(path, "POST", octets, x_csrf_token="no", sec_fetch_site="same-origin")
    assert foreign.status == 403
    assert (await given(app, path, octets)).status == 200
    assert (await given(app, path, octets)).status == 404
    path = (await app.done("POST", "remotes/files", told))["path"]
    await box.clock.advance(11 * 60)
    assert (await given(app, path, octets)).status == 404
    stale = await app.call("POST", "remotes/files", told)
    assert stale.status == 403 and json.loads(stale.body)["reason"] == "confirm"


class NarrowBox(ConnectBox):
    """Ten thousand octets are much here."""

    collect = replace(
        CollectSettings(allow_private=True), files=CollectFileSettings(max_upload_octets=10_000)
    )


async def test_bounds(tmp_path: Path) -> None:
    async with NarrowBox(tmp_path) as box:
        app = await entered(box)
        large = await app.call("POST", "remotes/files", {"name": "x", "octets": 10_001})
        assert large.status == 413, large.text
        octets = mbox(20)
        assert 3_000 < len(octets) < 10_000
        number = json.loads((await sent(app, "old.mbox", octets)).body)["id"]
        many = await app.call("POST", "remotes/files", {"name": "y", "octets": 9_000})
        assert many.status == 409 and "comes first" in many.text
        await box.fetch(number)
        assert (await sent(app, "y.mbox", mbox(21))).status == 200
        for wrong in ({"name": "", "octets": 5}, {"name": "x", "octets": 0}, {"name": "x"}):
            assert (await app.call("POST", "remotes/files", wrong)).status == 400
        bad = await app.call("POST", "remotes/files", {"name": "x", "octets": 5, "keyword": "a b"})
        assert bad.status == 422


async def test_one_at_a_time(box: ConnectBox, monkeypatch: pytest.MonkeyPatch) -> None:
    app = await entered(box)
    octets = mbox(1)
    told = {"name": "old.mbox", "octets": len(octets)}
    path = (await app.done("POST", "remotes/files", told))["path"]
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*given: Any) -> str:
        begun.set()
        await go_on.wait()
        raise SourceFailure("file", "Enough.")

    monkeypatch.setattr("pillarbox.web.account.remote_files.Files._write", slow)
    first = asyncio.ensure_future(given(app, path, octets))
    await begun.wait()
    second = await app.call("POST", "remotes/files", told)
    assert second.status == 409 and "being sent" in second.text
    go_on.set()
    assert (await first).status == 422
    assert (await app.call("POST", "remotes/files", told)).status == 200


async def test_files_of_many_are_looked_into_one_after_the_other(
    box: ConnectBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "pillarbox.web.account.remote_files"
    await box.admin.create_account("bob@example.org", Secret(PASSWORD))
    alice, bob = await entered(box), App(box)
    await bob.enter(email="bob@example.org")
    begun, go_on = asyncio.Event(), asyncio.Event()
    running: list[Path] = []
    most = 0

    async def slow(path: Path, **more: Any) -> Any:
        nonlocal most
        running.append(path)
        most = max(most, len(running))
        begun.set()
        try:
            await go_on.wait()
            return await open_files(path, **more)
        finally:
            running.remove(path)

    monkeypatch.setattr(f"{place}.open_files", slow)
    first = asyncio.ensure_future(sent(alice, "old.mbox", mbox(1)))
    await begun.wait()
    monkeypatch.setattr(f"{place}._WAIT_SECONDS", 0.05)
    async with asyncio.timeout(20):
        late = await sent(bob, "bobs.mbox", mbox(2))
    assert (late.status, "again in a few minutes" in late.text) == (429, True), late.text
    assert not any("bobs" in one for one in left(box))
    monkeypatch.setattr(f"{place}._WAIT_SECONDS", 20)
    second = asyncio.ensure_future(sent(bob, "bobs.mbox", mbox(2)))
    go_on.set()
    assert [(await one).status for one in (first, second)] == [200, 200]
    assert (most, running) == (1, [])


async def test_a_full_account_waits_with_its_file(box: ConnectBox) -> None:
    app = await entered(box)
    await box.admin.set_quota(ALICE, 100)
    number = json.loads((await sent(app, "old.mbox", mbox(3))).body)["id"]
    await box.fetch(number)
    (one,) = await app.get("remotes")
    assert (one["trouble"], one["canRun"]) == ("quota", True)
    await box.admin.set_quota(ALICE, 0)
    await box.fetch(number)
    assert await counts(box) == {"old": 3}


async def test_what_nobody_wants_is_swept(box: ConnectBox) -> None:
    app = await entered(box)
    kept = json.loads((await sent(app, "kept.mbox", mbox(1))).body)["id"]
    gone = json.loads((await sent(app, "gone.mbox", mbox(2))).body)["id"]
    uploaded = Uploaded(Path(box.services.settings.store.data_dir))
    now = box.clock.now().timestamp()

    def age(seconds: float) -> None:
        for file in uploaded.folder.rglob("*.*"):
            os.utime(file, (now - seconds, now - seconds))

    uploaded.new(box.alice.id, "broken-off").write_bytes(b"half")
    await box.parts.remotes.remove(RemoteId(int(gone)))
    age(60)
    await sweep(uploaded, box.parts.remotes, box.clock, 7)
    assert "gone.mbox" in left(box) and "kept.mbox" in left(box)  # it may be about to be added
    age(2 * 3600)
    await sweep(uploaded, box.parts.remotes, box.clock, 7)
    assert [one for one in left(box) if "." in one] == ["kept.mbox"]
    age(8 * 86_400)
    await sweep(uploaded, box.parts.remotes, box.clock, 7)
    assert left(box) == []
    with pytest.raises(SourceFailure):
        await box.fetch(kept)
    (one,) = await app.get("remotes")
    assert (one["state"], one["trouble"]) == ("attention", "file")


async def test_the_file_is_kept_for_good_before_that_is_said(
    box: ConnectBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = await entered(box)
    written: list[tuple[str, list[str]]] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        fsync(descriptor)
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        written.append((path.name, os.listdir(path) if path.is_dir() else []))

    monkeypatch.setattr(os, "fsync", noting)
    assert (await sent(app, "old.mbox", mbox(1))).status == 200
    (place,) = [one for one in left(box) if "." not in one]
    assert (place, ["old.mbox"]) in written
    assert ("uploaded", [place]) in written


async def test_a_full_disk_is_told_of(box: ConnectBox, monkeypatch: pytest.MonkeyPatch) -> None:
    app = await entered(box)

    def full(descriptor: int, octets: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pillarbox.web.account.remote_files.os.write", full)
    answer = await sent(app, "old.mbox", mbox(1))
    assert (answer.status, "disk" in answer.text) == (503, True), answer.text
    monkeypatch.undo()
    assert left(box) == []
    assert (await sent(app, "old.mbox", mbox(1))).status == 200


async def test_sweeping_takes_nothing_that_comes_just_then(
    box: ConnectBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded = Uploaded(Path(box.services.settings.store.data_dir))
    now = int(box.clock.now().timestamp())
    coming = uploaded.new(box.alice.id, "salt")
    place = uploaded.folder / f"{box.alice.id}-abc"
    place.mkdir()  # the file is about to be put there
    os.utime(place, (now, now))
    await sweep(uploaded, box.parts.remotes, box.clock, 7)
    assert place.is_dir()
    os.utime(place, (now - 9 * 86_400, now - 9 * 86_400))

    def given_meanwhile() -> None:
        coming.write_bytes(b"octets")
        os.utime(coming, (now, now))
        uploaded.settle(coming, box.alice.id, "abc", "old.mbox")

    def looked(at: int, days: int) -> Any:
        found = Uploaded.places(uploaded, at, days)
        given_meanwhile()
        return found

    monkeypatch.setattr(uploaded, "places", looked)
    await sweep(uploaded, box.parts.remotes, box.clock, 7)
    assert (place / "old.mbox").read_bytes() == b"octets"
    monkeypatch.setattr(Path, "is_dir", lambda path: True)
    assert uploaded.octets_of(box.alice.id) == 6
    (place / "old.mbox").unlink()
    monkeypatch.setattr(uploaded, "_places", lambda: iter([uploaded.folder / f"{box.alice.id}-x"]))
    assert uploaded.octets_of(box.alice.id) == 0  # another worker took it away


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("old.mbox", "old.mbox"),
        ("../../etc/passwd", "passwd"),
        ("C:\\mail\\Old Mail.zip", "Old Mail.zip"),
        ("..", "mail"),
        (" ..", "mail"),
        (". .", "mail"),
        (" .x", "x"),
        ("", "mail"),
        (".hidden", "hidden"),
        ("a\0b\nc.zip", "abc.zip"),
        ("邮件.zip", "邮件.zip"),
        ("\udcff.zip", "zip"),
        ("x" * 300 + ".zip", "x" * 196 + ".zip"),
        ("邮" * 100 + ".zip", "邮" * 65 + ".zip"),
    ],
)
def test_names_lead_nowhere(given: str, wanted: str) -> None:
    assert plain_name(given) == wanted
