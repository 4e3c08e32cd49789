"""`pillarbox collect`: added, shown, changed, paused, removed; no answer holds a secret."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from pillarbox.accounts.vault import Vault
from pillarbox.cli.collect_oauth import registration_of
from pillarbox.clock import SystemClock
from pillarbox.config.collect import CollectSettings, OAuthProviderSettings
from pillarbox.config.store import StoreSettings
from pillarbox.config.writing import to_toml
from pillarbox.flow.collect.oauth_messages import new_request
from pillarbox.flow.collect.presets import find_named
from pillarbox.flow.collect.remotes import Remotes
from pillarbox.flow.collect.settings import RemoteSettings, ServerSpec
from pillarbox.ids import RemoteId
from pillarbox.net.secret import Secret
from pillarbox.store.open import open_store
from pillarbox.store.sql import accounts, remote_lease
from support.command_line import Run, command_line

ALICE, SECRET = "alice@example.org", "open sesame 123"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command line; its answers never hold the password."""
    (tmp_path / "p.toml").write_text(to_toml({"store": {"data_dir": "data"}}))
    (tmp_path / "data").mkdir()
    (tmp_path / "password").write_text(SECRET)
    (tmp_path / "password").chmod(0o600)
    monkeypatch.setenv("PILLARBOX_CONFIG", str(tmp_path / "p.toml"))
    monkeypatch.chdir(tmp_path)

    whole = command_line(capsys, monkeypatch)

    def call(*words: str) -> tuple[int, str, str]:
        code, out, err = whole(*words)
        assert SECRET not in out + err
        return code, out, err

    assert call("account", "add", ALICE, "--add-domain", "--generate-password")[0] == 0
    return call


def add(run: Run, *more: str) -> tuple[int, str, str]:
    """Without signing in there: nobody listens at port 1."""
    words = ("--imap", "127.0.0.1:1", "--login", "al@example.net", "--allow-private", "--untested")
    return run("collect", "add", ALICE, *words, "--password-file", "password", *more)


def shown(run: Run, name: str = "1") -> dict[str, object]:
    code, told, _ = run("collect", "show", ALICE, name, "--json")
    assert code == 0
    value: dict[str, object] = json.loads(told)
    return value


def test_add_and_show(run: Run, tmp_path: Path) -> None:
    code, told, _ = add(run, "--every", "30m", "--keyword", "old", "--at-source", "delete=14d")
    assert (code, told.startswith("Added al@example.net as number 1.")) == (0, True)
    value = shown(run)
    settings = value["settings"]
    assert isinstance(settings, dict)
    assert (value["account"], value["state"]) == (ALICE, "active")
    assert (settings["schedule_seconds"], settings["keyword"]) == (1800, "old")
    assert settings["at_source"] == {"action": "delete", "after_days": 14, "folder": ""}
    assert settings["skip_spam"] is True
    told = run("collect", "show", ALICE, "al@example.net")[1]
    assert "at the source: deleted 14 days after it came" in told
    assert "looks: each 30 min" in told
    assert "al@example.net" in run("collect", "list")[1]
    everything = b"".join(path.read_bytes() for path in tmp_path.glob("data/*") if path.is_file())
    assert SECRET.encode() not in everything


def test_providers_that_are_known(run: Run) -> None:
    code, told, _ = run("collect", "providers")
    gmail = next(line for line in told.splitlines() if line.startswith("gmail "))
    assert code == 0
    assert "app password or OAuth" in gmail
    assert "2.4 GiB a day by IMAP" in gmail
    known = json.loads(run("collect", "providers", "--json")[1])
    assert "web.de" in {one["name"] for one in known}
    code, _, error = run(
        "collect", "add", ALICE, "--provider", "nobody", "--login", "a@example.net"
    )
    assert (code, "Known are gmail" in error) == (1, True)


def test_twice_is_refused(run: Run) -> None:
    add(run)
    code, _, error = add(run)
    assert (code, "already, as number 1" in error) == (1, True)


def test_moving_in_from_where_it_is_collected_is_refused(run: Run) -> None:
    add(run)
    words = ("--host", "127.0.0.1:1", "--login", "al@example.net", "--allow-private")
    code, _, error = run("import", "imap", ALICE, *words, "--password-file", "password")
    assert (code, "would bring everything twice" in error) == (1, True)


def test_collecting_goes_on_from_what_was_moved_in(run: Run, tmp_path: Path) -> None:
    """Else all that was moved in would come a second time."""

    async def move_in() -> None:
        store = await open_store(StoreSettings(data_dir=str(tmp_path / "data")), SystemClock())
        remotes = Remotes(store, Vault(tmp_path / "data"), SystemClock(), CollectSettings())
        account = await store.read(lambda db: accounts.find(db, ALICE))
        assert account is not None
        moved = RemoteSettings(
            kind="imap",
            server=ServerSpec("127.0.0.1", 1),
            login="al@example.net",
            label="imap al@example.net",
            once=True,
        )
        await remotes.add(account.id, moved, None, by_itself=False)
        await store.close()

    asyncio.run(move_in())
    code, told, _ = add(run, "--every", "30m")
    assert (code, "moved in from there does not come again" in told) == (0, True)
    assert shown(run)["state"] == "active"
    assert json.loads(run("import", "list", "--json")[1]) == []
    assert add(run)[0] == 1


def test_it_is_tried_before_it_is_stored(run: Run) -> None:
    words = ("--imap", "127.0.0.1:1", "--login", "al@example.net", "--password-file", "password")
    code, _, error = run("collect", "add", ALICE, *words)
    assert (code, "--allow-private" in error) == (1, True)
    code, _, error = run("collect", "add", ALICE, *words, "--allow-private")
    assert (code, "cannot be reached" in error) == (1, True)
    assert json.loads(run("collect", "list", "--json")[1]) == []


def test_edit_changes_what_is_given_and_nothing_else(run: Run) -> None:
    add(run, "--keyword", "old", "--only", "Work", "--idle")
    before = shown(run)["settings"]
    assert isinstance(before, dict)
    code, _, error = run("collect", "edit", ALICE, "1")
    assert (code, "Say what to change" in error) == (1, True)
    run("collect", "edit", ALICE, "1", "--every", "1h", "--port", "2", "--spam")
    after = shown(run)["settings"]
    assert after == before | {
        "schedule_seconds": 3600,
        "skip_spam": False,
        "server": before["server"] | {"port": 2},
    }
    run("collect", "edit", ALICE, "1", "--name", "other", "--into", "Old")
    assert run("collect", "show", ALICE, "other")[0] == 0


def test_pause_resume_remove(run: Run) -> None:
    add(run)
    assert run("collect", "pause", ALICE, "1")[0] == 0
    assert shown(run)["state"] == "paused"
    assert run("collect", "resume", ALICE, "1")[0] == 0
    assert shown(run)["state"] == "active"
    code, _, error = run("collect", "remove", ALICE, "1")
    assert (code, "--yes" in error) == (1, True)
    assert run("collect", "remove", ALICE, "1", "--yes")[0] == 0
    code, _, error = run("collect", "show", ALICE, "1")
    assert (code, "pillarbox collect list" in error) == (1, True)


def test_paused_from_the_beginning(run: Run) -> None:
    add(run, "--paused")
    assert shown(run)["state"] == "paused"


def test_a_run_that_fails_says_why(run: Run) -> None:
    add(run)
    code, out, error = run("collect", "run", ALICE)
    assert (code, out) == (1, "")
    assert "cannot be reached" in error
    listed = run("collect", "list")[1]
    assert "cannot be reached" in listed


def test_what_the_server_is_at_must_be_paused_first(run: Run, tmp_path: Path) -> None:
    add(run, "--idle")

    async def take() -> None:
        store = await open_store(StoreSettings(data_dir=str(tmp_path / "data")), SystemClock())
        owner = f"{os.getpid()}-server"  # a process that lives
        await store.write(lambda tx: remote_lease.lease_one(tx, RemoteId(1), owner, 60))
        await store.close()

    asyncio.run(take())
    assert "connected" in run("collect", "list")[1]
    code, _, error = run("collect", "run", ALICE, "1")
    assert (code, "'pillarbox collect pause' it first" in error) == (1, True)


def test_nothing_to_run(run: Run) -> None:
    code, _, error = run("collect", "run", ALICE)
    assert (code, "pillarbox collect add" in error) == (1, True)


def test_another_password_and_another_key(run: Run, tmp_path: Path) -> None:
    add(run)
    words = ("--password-file", "password", "--untested")
    assert run("collect", "sign-in", ALICE, "1", *words, "--login", "other@example.net")[0] == 0
    settings = shown(run)["settings"]
    assert isinstance(settings, dict)
    assert settings["login"] == "other@example.net"
    before = (tmp_path / "data/vault.key").read_bytes()
    code, told, _ = run("collect", "rekey")
    assert (code, "1 password sealed" in told) == (0, True)
    assert (tmp_path / "data/vault.key").read_bytes() != before
    (tmp_path / "data/vault.key").unlink()
    code, told, _ = run("collect", "rekey")
    assert (code, "pillarbox collect sign-in" in told) == (1, True)


def test_oauth_needs_to_be_known_there(run: Run) -> None:
    code, _, error = run("collect", "add", ALICE, "--provider", "outlook", "--login", "a@b.example")
    assert code == 1
    assert "collect.oauth" in error


def test_oauth_at_any_provider(run: Run, tmp_path: Path) -> None:
    """By its endpoints, which are no way into our own network."""
    words = ("--imap", "imap.example.net", "--login", "a@example.net", "--device")
    urls = ("--token-url", "https://127.0.0.1/token", "--device-url", "https://127.0.0.1/device")
    code, _, error = run("collect", "add", ALICE, *words, *urls)
    assert (code, "--scope" in error) == (1, True)
    words = (*words, "--client-id", "us", "--scope", "mail offline_access")
    code, _, error = run("collect", "add", ALICE, *words, *urls)
    assert (code, "addresses are not public" in error) == (1, True)

    secret = Secret("theirs")
    given = argparse.Namespace(
        device=False,
        device_url="",
        authorization_url="https://id.example.net/begin",
        token_url="https://id.example.net/token",
        client_id="us",
        client_secret_file=secret,
        scope="mail",
    )
    registration = registration_of(None, given, None)  # type: ignore[arg-type]
    assert (registration.provider, registration.client_secret) == ("", secret)
    asked = new_request(registration, "http://127.0.0.1:1/", "a@example.net")
    assert asked.url.startswith("https://id.example.net/begin?response_type=code&client_id=us&")


def test_oauth_at_a_companys_own_sign_in() -> None:
    """The addresses of the settings count, and a grant remembers them."""
    ours = OAuthProviderSettings(
        provider="outlook",
        client_id="us",
        authorization_url="https://id.example.net/begin",
        token_url="https://id.example.net/token",
    )
    collect, store = CollectSettings(oauth=(ours,)), StoreSettings(data_dir="/nowhere")
    opened = SimpleNamespace(settings=SimpleNamespace(collect=collect, store=store))
    given = argparse.Namespace(token_url="", client_id="", client_secret_file="")
    registration = registration_of(opened, given, find_named("outlook"))  # type: ignore[arg-type]
    assert (registration.provider, registration.client_id) == ("", "us")
    assert registration.endpoints.token == "https://id.example.net/token"


def test_a_server_that_was_guessed_is_shown_first(run: Run, tmp_path: Path) -> None:
    """What the DNS says is no word of the person's; without a terminal it must be named."""
    config = tmp_path / "p.toml"
    config.write_text(config.read_text() + '\n[dns]\nservers = ["127.0.0.1:1"]\n')
    code, _, error = run("collect", "add", ALICE, "al@nowhere.invalid")
    assert code == 1
    assert "could not be found out" in error
