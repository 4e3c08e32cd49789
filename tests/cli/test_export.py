"""`pillarbox export` as a person meets it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pillarbox.config.writing import to_toml
from support.command_line import command_line
from support.store_box import Box, letter


@pytest.fixture
def filled(tmp_path, monkeypatch):
    """A configuration whose store has alice with three letters."""
    import asyncio

    async def fill() -> None:
        async with Box(tmp_path) as box:
            work = await box.create("Work")
            await box.append(letter("One"), received_at=1_000_000_000)
            await box.append(letter("Two"), received_at=1_700_000_000)
            await box.append(letter("Three"), work.id, received_at=1_700_000_000)

    asyncio.run(fill())
    file = tmp_path / "p.toml"
    file.write_text(to_toml({"store": {"data_dir": "data"}}))
    monkeypatch.setenv("PILLARBOX_CONFIG", str(file))
    return tmp_path


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command line; (exit code, standard output, standard error)."""

    return command_line(capsys, monkeypatch)


@pytest.mark.parametrize("form", ["mbox", "maildir", "pillarbox"])
def test_each_form(run, filled: Path, form: str) -> None:
    target = filled / "alice.zip"
    code, shown, error = run("export", "alice@example.org", str(target), "--as", form, "--quiet")
    assert (code, error) == (0, "")
    assert re.match(r"3 messages \([1-9]", shown)
    with zipfile.ZipFile(target) as archive:
        assert json.loads(archive.read("pillarbox.json"))["form"] == form
    code, _, error = run("export", "alice@example.org", str(target))
    assert code == 1
    assert "is there already" in error


def test_parts_and_json(run, filled: Path) -> None:
    target = filled / "part.zip"
    code, shown, _ = run(
        "export", "alice@example.org", str(target), "--mailbox", "INBOX", "--since", "2020-01-01",
        "--json",
    )  # fmt: skip
    assert code == 0
    last = json.loads(shown.splitlines()[-1])
    assert (last["event"], last["brought"], last["skipped"], last["failed"]) == ("ended", 1, 1, 0)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("bob@example.org", "x.zip"), "no such account"),
        (("alice@example.org", "no/folder/x.zip"), "cannot be written"),
        (("alice@example.org", "x.zip", "--mailbox", "Nowhere"), "no mailbox 'Nowhere'"),
        (("alice@example.org", "x.zip", "--host", "imap.example.org"), "--host goes with"),
        (("imap", "alice@example.org"), "needs --host and --login"),
        (("alice@example.org", "x.zip", "--since", "yesterday"), "is no day"),
    ],
)
def test_what_cannot_be_done(run, filled: Path, monkeypatch, words, what) -> None:
    monkeypatch.chdir(filled)
    code, _, error = run("export", *words)
    assert code in (1, 2)
    assert what in error
    assert not (filled / "x.zip").exists()


def test_to_a_server_that_is_not_there(run, filled: Path) -> None:
    words = ("export", "imap", "alice@example.org", "--host", "127.0.0.1", "--port", "9",
             "--login", "alice", "--tls", "none", "--password-stdin")  # fmt: skip
    code, _, error = run(*words, stdin="open sesame\n")
    assert code == 1
    assert "private" in error
    code, _, error = run(*words, "--allow-private", stdin="open sesame\n")
    assert code == 1
    assert "sesame" not in error


def test_what_the_configuration_allows_holds_here_too(run, filled: Path) -> None:
    """As for collecting and moving in: private addresses, and who vouches for servers."""
    words = ("export", "imap", "alice@example.org", "--host", "127.0.0.1", "--port", "9",
             "--login", "alice", "--password-stdin")  # fmt: skip
    collect = {"allow_private": True, "authorities": "none.pem"}
    (filled / "p.toml").write_text(to_toml({"store": {"data_dir": "data"}, "collect": collect}))
    code, _, error = run(*words, stdin="open sesame\n")
    assert code == 1
    assert "private" not in error and "none.pem" in error
    code, _, error = run(*words, "--authority", str(filled / "gone.pem"), stdin="open sesame\n")
    assert (code, "gone.pem is not there" in error) == (1, True)


def test_the_command_is_one_of_its_own() -> None:
    """A whole process, as it is started from a shell."""
    command = [sys.executable, "-m", "pillarbox.cli", "export", "--help"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "pillarbox export imap ACCOUNT" in shown


def test_to_another_server_and_again(run, filled: Path) -> None:
    from support.collect_sources import running_source

    with running_source("pillarbox") as there:
        words = ("export", "imap", "alice@example.org", "--host", "127.0.0.1", "--port",
                 str(there.imap), "--login", there.take(), "--tls", "none", "--allow-private",
                 "--password-stdin", "--quiet")  # fmt: skip
        code, shown, error = run(*words, stdin=there.password + "\n")
        assert (code, error) == (0, "")
        assert re.match(r"3 messages \([1-9]", shown)
        code, shown, _ = run(*words, stdin=there.password + "\n")
        assert code == 0
        assert shown.startswith("0 messages (0 B)")
        assert "3 were there already" in shown
        code, _, error = run(*words, stdin="wrong\n")
        assert code == 1
        assert "wrong" not in error.replace("password is wrong", "")
