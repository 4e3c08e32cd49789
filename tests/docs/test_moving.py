"""The guides about mail from elsewhere, followed line by line; another Pillarbox is elsewhere."""

from __future__ import annotations

import imaplib
import io
import mailbox
import re
import shlex
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pillarbox.cli.main import main
from pillarbox.config.writing import to_toml
from pillarbox.testing.server import RunningServer
from support.store_box import letter

GUIDES = Path(__file__).parents[2] / "docs/guide"
RUN = {
    "moving-in": ["account", "try", "bring", "pop3", "files", "compare", "mirror", "undo"],
    "collecting": ["add", "steer", "sign-in", "remove"],
    "moving-out": ["files", "back", "server", "compare", "pop"],
}
THERE, PASSWORD = "alice@example.net", "open sesame"
Run = Callable[..., tuple[int, str, str]]


def blocks(page: str) -> dict[str, str]:
    """The labelled examples of a page."""
    text = (GUIDES / f"{page}.md").read_text()
    return dict(re.findall(r"```sh ([\w-]+)\n(.*?)```", text, re.DOTALL))


def commands(text: str) -> list[list[str]]:
    """Words behind `pillarbox`, a list for each line."""
    lines = [line.strip() for line in text.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("pillarbox ")]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The old server, with a few messages in a few folders."""
    server = RunningServer(tmp_path_factory.mktemp("elsewhere"))
    server.add_account(THERE, PASSWORD)
    server.start()
    with imaplib.IMAP4("127.0.0.1", server.imap) as client:
        client.login(THERE, PASSWORD)
        client.create("Work")
        for folder, number in (("INBOX", 0), ("INBOX", 1), ("Work", 2), ("Sent", 3)):
            client.append(folder, r"(\Seen)", None, letter(f"Letter {number}"))
    yield server
    server.stop()


@pytest.fixture
def run(
    tmp_path: Path,
    elsewhere: RunningServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """A command of a page; its server and its password are those of this test."""
    (tmp_path / "p.toml").write_text(to_toml({"store": {"data_dir": "data"}}))
    (tmp_path / "data").mkdir()
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "password").chmod(0o600)
    monkeypatch.setenv("PILLARBOX_CONFIG", str(tmp_path / "p.toml"))
    monkeypatch.chdir(tmp_path)
    ports = {"imap": elsewhere.imap, "pop3": elsewhere.pop3}

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
        if "--host" in words or "--imap" in words:
            protocol = "pop3" if "pop3" in words else "imap"
            there = {"mail.example.net": "127.0.0.1", "pop.example.net": "127.0.0.1"}
            words = tuple(there.get(word, word) for word in words)
            words += ("--port", str(ports[protocol]), "--tls", "none", "--allow-private")
            words += ("--password-file", "password")
        if "sign-in" in words:
            words += ("--password-file", "password")
        try:
            code = main(words)
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    made = call("account", "add", "alice@example.org", "--add-domain", "--generate-password")
    assert made[0] == 0
    return call


def well(run: Run, words: list[str]) -> str:
    code, out, error = run(*words)
    assert code == 0, (words, out, error)
    return out


@pytest.mark.parametrize("page", RUN)
def test_every_example_is_run_here(page: str) -> None:
    assert list(blocks(page)) == RUN[page]


def test_moving_in_from_a_server(run: Run) -> None:
    """The page from its top to undo."""
    examples = blocks("moving-in")
    for words in commands(examples["account"]):
        well(run, words)
    (trying,) = commands(examples["try"])
    assert "4 messages" in well(run, trying)
    assert "alice@example.org" in run("account", "list")[1]
    (comparing,) = commands(examples["compare"])
    code, told, _ = run(*comparing)
    assert (code, "MISSING: 4 messages" in told) == (1, True), told
    (bringing,) = commands(examples["bring"])
    assert "4 messages brought" in well(run, bringing)
    assert "4 were here already" in well(run, bringing)
    assert well(run, comparing).endswith("OK: nothing is missing.\n")
    assert well(run, [*comparing, "--hashes"]).endswith("OK: nothing is missing.\n")
    (mirroring,) = commands(examples["mirror"])
    well(run, mirroring)
    listing, showing, trying, undoing = commands(examples["undo"])
    assert "imap alice@example.net" in well(run, listing)
    assert "4 were here already" in well(run, showing)
    well(run, trying)
    well(run, comparing)
    well(run, undoing)
    assert run(*comparing)[0] == 1


def test_a_mirror_does_not_empty_a_mailbox_unasked(run: Run, elsewhere: RunningServer) -> None:
    (mirroring,) = commands(blocks("moving-in")["mirror"])
    with imaplib.IMAP4("127.0.0.1", elsewhere.imap) as client:
        client.login(THERE, PASSWORD)
        client.create("Emptied")
        for number in range(5):
            client.append("Emptied", None, None, letter(f"Soon gone {number}"))
        assert "5 messages brought" in well(run, [*mirroring, "--only", "Emptied"])
        client.select("Emptied")
        client.store("1:*", "+FLAGS", r"(\Deleted)")
        client.expunge()
    told = well(run, [*mirroring, "--only", "Emptied"])
    assert "5 of 5 messages" in told
    assert "--many-deletions" in told
    told = well(run, [*mirroring, "--only", "Emptied", "--many-deletions"])
    assert "5 removed as at the source" in told


def test_moving_in_by_pop3(run: Run) -> None:
    (words,) = commands(blocks("moving-in")["pop3"])
    assert "2 messages brought" in well(run, words)
    assert "2 were here already" in well(run, words)


def test_moving_in_from_files(run: Run, tmp_path: Path) -> None:
    file = mailbox.mbox(tmp_path / "old-mail.mbox")
    file.add(letter("From an mbox").replace(b"\r\n", b"\n"))
    file.flush()
    folder = mailbox.Maildir(tmp_path / "old-maildir")
    folder.add(letter("From a Maildir").replace(b"\r\n", b"\n"))
    with zipfile.ZipFile(tmp_path / "letters.zip", "w") as archive:
        archive.writestr("one.eml", letter("From a zip"))
    for words in commands(blocks("moving-in")["files"]):
        assert "1 message brought" in well(run, words)
        assert "1 were here already" in well(run, words)
        comparing = ["import", "compare", *words[1:]]
        assert well(run, comparing).endswith("OK: nothing is missing.\n")
    listed = well(run, ["mailbox", "list", "alice@example.org"])
    for line in (r"Old +1", r"Letters +1"):
        assert re.search(line, listed), listed


def test_collecting(run: Run) -> None:
    examples = blocks("collecting")
    (adding,) = commands(examples["add"])
    well(run, adding)
    for words in commands(examples["steer"]):
        shown = well(run, words)
        if words[:2] == ["collect", "run"]:
            assert "4 messages brought" in shown
        if words[:2] == ["collect", "test"]:
            assert "4 messages" in shown
    (signing,) = commands(examples["sign-in"])
    well(run, signing)
    assert "0 messages brought" in well(run, ["collect", "run", "alice@example.org", "1"])
    (removing,) = commands(examples["remove"])
    well(run, removing)
    assert "example.net" not in well(run, ["collect", "list"])


def test_moving_out(run: Run, tmp_path: Path) -> None:
    """As files and back; to a server and back."""
    file = mailbox.mbox(tmp_path / "mine.mbox")
    for number in range(3):
        file.add(letter(f"Mine {number}").replace(b"\r\n", b"\n"))
    file.flush()
    well(run, ["import", "mbox", "alice@example.org", "mine.mbox", "--into", "Work"])
    examples = blocks("moving-out")
    for words in commands(examples["files"]):
        assert "3 messages" in well(run, words)
        assert zipfile.is_zipfile(tmp_path / words[2])
    for words in commands(examples["back"]):
        shown = well(run, words)
    assert "3 messages brought" in shown
    (sending,) = commands(examples["server"])
    assert "3 messages" in well(run, sending)
    assert "3 were there already" in well(run, sending)
    (comparing,) = commands(examples["compare"])
    code, told, _ = run(*comparing, "--only", "Work")
    assert code == 1  # one message is there that never was here
    assert re.search(r"^Work +Work +4 +3 +0 +1 +0 +0$", told, re.MULTILINE), told


def test_being_fetched_from_elsewhere(run: Run) -> None:
    shown, choosing, password = commands(blocks("moving-out")["pop"])
    before = well(run, shown)
    well(run, choosing)
    assert "30" in well(run, shown)
    assert well(run, shown) != before
    assert "pop3" in well(run, password) + well(run, ["app-password", "list", "alice@example.org"])


@pytest.mark.parametrize("page", RUN)
def test_options_that_a_page_names_exist(page: str) -> None:
    """Each `--option` of a page is one of the commands that it runs."""
    import argparse

    from pillarbox.cli import account, app_password, collect, export, import_mail

    known: set[str] = {"--help"}
    for module in (collect, import_mail, export, account, app_password):
        parser = argparse.ArgumentParser()
        module.configure(parser)
        waiting: list[argparse.ArgumentParser] = [parser]
        while waiting:
            for action in waiting.pop()._actions:
                known |= set(action.option_strings)
                if isinstance(action, argparse._SubParsersAction):
                    waiting += action.choices.values()
    named = set(re.findall(r"--[a-z][a-z0-9-]+", (GUIDES / f"{page}.md").read_text()))
    assert named - known == set()
