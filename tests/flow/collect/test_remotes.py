"""Remote accounts as people handle them, and that their secrets show nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pillarbox.accounts.vault import Vault, VaultClosed
from pillarbox.config.collect import CollectSettings
from pillarbox.errors import AlreadyExists, LimitReached, NotFound
from pillarbox.flow.collect.remotes import Remotes
from pillarbox.flow.collect.settings import (
    BadRemote,
    FolderChoice,
    OAuthGrant,
    RemoteSettings,
    SendAs,
    ServerSpec,
    SignIn,
)
from pillarbox.flow.collect.source import AtSource
from pillarbox.ids import RemoteId
from pillarbox.net.secret import Secret
from pillarbox.store.sql.remotes import RemoteState
from support.store_box import Box

SERVER = ServerSpec("imap.example.org", 993)
PASSWORD = "a-password-of-thirty-octets-!!"
SIGN_IN = SignIn("alice", Secret(PASSWORD))
GRANT = OAuthGrant(
    provider="example",
    client_id="the-client",
    client_secret=Secret("the-client-secret"),
    token_endpoint="https://login.example.org/token",
    scope="mail",
    refresh_token=Secret("the-refresh-token"),
    access_token=Secret("the-access-token"),
    expires_at=1_800_000_000,
)


def settings(label: str = "work", **more: Any) -> RemoteSettings:
    wanted = {"kind": "imap", "server": SERVER, "login": "alice"} | more
    return RemoteSettings(label=label, **wanted)


def remotes_of(box: Box, **more: Any) -> Remotes:
    return Remotes(box.store, Vault(box.folder / "data"), box.clock, CollectSettings(**more))


# Settings


@pytest.mark.parametrize(
    "more",
    [
        {"server": None},
        {"login": ""},
        {"label": " "},
        {"label": "two\nlines"},
        {"label": "x" * 101},
        {"path": "mail.mbox"},
        {"kind": "file"},
        {"kind": "file", "server": None},
        {"kind": "pop3", "idle": True},
        {"kind": "pop3", "two_way": True},
        {"kind": "pop3", "mirror": True},
        {"kind": "pop3", "at_source": AtSource("mark")},
        {"kind": "pop3", "at_source": AtSource("move", folder="Done")},
        {"kind": "file", "server": None, "path": "m", "at_source": AtSource("delete")},
        {"at_source": AtSource("move")},
        {"at_source": AtSource("leave", folder="Done")},
        {"at_source": AtSource("mark", after_days=3)},
        {"at_source": AtSource("delete", after_days=-1)},
        {"two_way": True, "at_source": AtSource("delete")},
        {"mirror": True, "at_source": AtSource("mark")},
        {"two_way": True, "mirror": True},
        {"schedule_seconds": -1},
        {"keyword": "two words"},
        {"keyword": "\\Seen"},
    ],
)
def test_settings_that_contradict_themselves(more: dict[str, Any]) -> None:
    with pytest.raises(BadRemote):
        settings(**more)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ServerSpec("", 993),
        lambda: ServerSpec("two words", 993),
        lambda: ServerSpec("imap.example.org", 0),
        lambda: ServerSpec("imap.example.org", 65_536),
        lambda: FolderChoice(include=("",)),
        lambda: FolderChoice(mapped={"Sent": ""}),
        lambda: SendAs(addresses=(), server=SERVER),
        lambda: SendAs(addresses=("alice",), server=SERVER),
    ],
)
def test_parts_of_settings_that_cannot_be(make: Any) -> None:
    with pytest.raises(BadRemote):
        make()


def test_settings_are_stored_as_they_are() -> None:
    whole = settings(
        folders=FolderChoice(include=("INBOX",), exclude=("INBOX/Old",), mapped={"Sent": "Sent"}),
        at_source=AtSource("delete", after_days=14),
        send_as=SendAs(addresses=("alice@example.net",), server=ServerSpec("smtp", 465)),
        keyword="work",
        idle=True,
    )
    assert msgspec.json.decode(msgspec.json.encode(whole), type=RemoteSettings) == whole


@pytest.mark.parametrize(
    ("more", "target"),
    [({}, ""), ({"into": "Work"}, "Work"), ({"kind": "pop3"}, "INBOX")],
)
def test_where_mail_comes_to(more: dict[str, Any], target: str) -> None:
    assert settings(**more).target == target


# Secrets


@pytest.mark.parametrize("sign_in", [SIGN_IN, SignIn("alice", GRANT)])
async def test_a_sign_in_comes_back_whole(box: Box, sign_in: SignIn) -> None:
    remotes = remotes_of(box)
    remote = await remotes.add(box.alice.id, settings(), sign_in)
    assert await remotes.sign_in(remote) == sign_in
    changed = SignIn("alice", Secret("another"))
    await remotes.keep_sign_in(remote, changed)
    assert await remotes.sign_in(remote) == changed


async def test_no_file_but_the_key_helps_to_read_a_secret(box: Box) -> None:
    remotes = remotes_of(box)
    await remotes.add(box.alice.id, settings("one"), SIGN_IN)
    await remotes.add(box.alice.id, settings("two"), SignIn("alice", GRANT))
    await box.store.maintain()
    files = [file for file in Path(box.folder).rglob("*") if file.is_file()]
    octets = b"".join(file.read_bytes() for file in files)
    assert b"imap.example.org" in octets, "the settings are there to be read"
    for secret in (PASSWORD, "the-client-secret", "the-refresh-token", "the-access-token"):
        assert secret.encode() not in octets


async def test_nothing_that_is_shown_holds_a_secret(box: Box) -> None:
    remotes = remotes_of(box)
    remote = await remotes.get(await remotes.add(box.alice.id, settings(), SIGN_IN))
    shown = msgspec.json.encode(remote).decode() + repr(remote) + str(remote)
    assert PASSWORD not in shown
    for sign_in in (SIGN_IN, SignIn("alice", GRANT)):
        text = repr(sign_in) + str(sign_in)
        assert PASSWORD not in text
        assert "the-refresh" not in text
        with pytest.raises(TypeError):
            msgspec.json.encode(sign_in)


async def test_a_lost_key_stops_only_what_needs_it(box: Box) -> None:
    remotes = remotes_of(box)
    remote = await remotes.add(box.alice.id, settings(), SIGN_IN)
    (box.folder / "data" / "vault.key").unlink()
    with pytest.raises(VaultClosed, match="Enter the password again"):
        await remotes.sign_in(remote)
    assert (await remotes.get(remote)).label == "work"
    await remotes.set_sign_in(remote, SIGN_IN)
    assert await remotes.sign_in(remote) == SIGN_IN


async def test_a_stolen_row_opens_nothing(box: Box) -> None:
    """Who can write rows, but not read the key, cannot have another's password used."""
    remotes = remotes_of(box)
    await remotes.add(box.alice.id, settings("one"), SIGN_IN)
    bob = await box.new_account("bob@example.org")
    his = await remotes.add(bob.id, settings("two"), SignIn("bob", Secret("his")))
    await box.store.write(
        lambda tx: tx.run(
            "UPDATE remote SET sealed = (SELECT sealed FROM remote WHERE remote_id <> ?1)"
            " WHERE remote_id = ?1",
            (his,),
        )
    )
    with pytest.raises(VaultClosed):
        await remotes.sign_in(his)


async def test_a_new_key_seals_everything_anew(box: Box) -> None:
    remotes = remotes_of(box, max_remotes=300)
    numbers = [
        await remotes.add(box.alice.id, settings(f"r{n}"), SignIn("alice", Secret(f"p{n}")))
        for n in range(230)
    ]
    lost = numbers[7]
    await box.store.write(
        lambda tx: tx.run("UPDATE remote SET sealed = zeroblob(60) WHERE remote_id = ?", (lost,))
    )
    before = (box.folder / "data" / "vault.key").read_bytes()
    assert await remotes.reseal() == (229, [lost])
    after = (box.folder / "data" / "vault.key").read_bytes()
    assert len(after) == len(before)
    assert after != before
    assert await remotes.sign_in(numbers[229]) == SignIn("alice", Secret("p229"))
    with pytest.raises(VaultClosed):
        await remotes.sign_in(lost)


# By hand


async def test_from_adding_to_removing(box: Box) -> None:
    remotes = remotes_of(box)
    number = await remotes.add(box.alice.id, settings(), SIGN_IN)
    now = int(box.clock.now().timestamp())
    remote = await remotes.get(number)
    assert (remote.state, remote.due_at, remote.is_running) == (RemoteState.ACTIVE, now, False)
    assert remote.settings == settings()
    await remotes.pause(number)
    remote = await remotes.get(number)
    assert (remote.state, remote.due_at) == (RemoteState.PAUSED, None)
    await remotes.change(number, settings("home", schedule_seconds=60))
    await remotes.resume(number)
    (remote,) = await remotes.list_remotes(box.alice.id)
    assert (remote.state, remote.due_at, remote.label) == (RemoteState.ACTIVE, now, "home")
    assert await remotes.find(box.alice.id, "home") == remote
    assert await remotes.find(box.alice.id, "work") is None
    await remotes.remove(number)
    assert await remotes.list_remotes() == []
    for method in (remotes.get, remotes.pause, remotes.resume, remotes.remove, remotes.sign_in):
        with pytest.raises(NotFound):
            await method(number)


async def test_who_has_no_sign_in_waits_for_a_hand(box: Box) -> None:
    remotes = remotes_of(box)
    number = await remotes.add(box.alice.id, settings(once=True), None)
    remote = await remotes.get(number)
    assert (remote.state, remote.due_at) == (RemoteState.PAUSED, None)
    with pytest.raises(VaultClosed, match="No password is stored"):
        await remotes.sign_in(number)


async def test_what_was_begun_at_a_place_is_found(box: Box) -> None:
    remotes = remotes_of(box)
    await remotes.add(box.alice.id, settings("one"), SIGN_IN)
    file = settings("two", kind="file", server=None, login="", path="/mail.mbox")
    number = await remotes.add(box.alice.id, file, None)
    again = msgspec.structs.replace(file, label="three", keyword="old")
    found = await remotes.find_place(box.alice.id, again)
    assert found is not None
    assert found.id == number
    assert await remotes.find_place(box.alice.id, settings("x", login="bob")) is None
    for port, same in ((143, True), (993, True), (1143, False)):
        there = settings("x", server=ServerSpec("IMAP.example.org", port))
        assert (await remotes.find_place(box.alice.id, there) is not None) == same, port
    with pytest.raises(BadRemote):
        await remotes.resume(number)
    with pytest.raises(BadRemote):
        await remotes.change(number, settings("two"))


async def test_what_was_moved_in_is_collected_from_now_on(box: Box) -> None:
    remotes = remotes_of(box, max_remotes=1)
    number = await remotes.add(box.alice.id, settings("moved", once=True), None)
    await remotes.go_on(number, settings("work"), SIGN_IN)
    (remote,) = await remotes.list_remotes()
    assert (remote.id, remote.label, remote.state) == (number, "work", RemoteState.ACTIVE)
    assert not remote.settings.once
    assert remote.due_at is not None
    assert await remotes.sign_in(number) == SIGN_IN
    other = await remotes.add(box.alice.id, settings("two", login="bob", once=True), None)
    with pytest.raises(LimitReached):
        await remotes.go_on(other, settings("three", login="bob"), SIGN_IN)
    assert (await remotes.get(other)).settings.once


async def test_how_many_there_may_be(box: Box) -> None:
    remotes = remotes_of(box, max_remotes=2, max_imports=1)
    for label in ("one", "two"):
        await remotes.add(box.alice.id, settings(label), SIGN_IN)
    with pytest.raises(LimitReached):
        await remotes.add(box.alice.id, settings("three"), SIGN_IN)
    await remotes.add(box.alice.id, settings("four", once=True), SIGN_IN)
    with pytest.raises(LimitReached):
        await remotes.add(box.alice.id, settings("five", once=True), SIGN_IN)
    await remotes.remove(RemoteId(1))
    await remotes.add(box.alice.id, settings("three"), SIGN_IN)
    with pytest.raises(AlreadyExists):
        await remotes.change(RemoteId(2), settings("three"))


async def test_a_new_password_ends_the_need_of_attention(box: Box) -> None:
    remotes = remotes_of(box)
    number = await remotes.add(box.alice.id, settings(), SIGN_IN)
    await box.store.write(
        lambda tx: tx.run("UPDATE remote SET state = 'attention', due_at = NULL, failures = 3")
    )
    await remotes.set_sign_in(number, SignIn("alice@example.org", Secret("new")))
    remote = await remotes.get(number)
    assert (remote.state, remote.failures) == (RemoteState.ACTIVE, 0)
    assert remote.due_at is not None
    assert remote.settings.login == "alice@example.org"
    await remotes.pause(number)
    await remotes.set_sign_in(number, SIGN_IN)
    assert (await remotes.get(number)).state is RemoteState.PAUSED
