"""`pillarbox import`: from files, stopped, killed, out of room; what it says and what is here."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pillarbox.config.writing import to_toml
from support.command_line import Run, command_line
from support.store_box import letter

ALICE = "alice@example.org"


def write_mbox(path: Path, count: int, octets: int = 200) -> Path:
    """So many different messages."""
    with path.open("wb") as file:
        for number in range(count):
            file.write(b"From bob@example.org Thu Jan  2 03:04:05 2020\n")
            text = letter(f"Number {number}", "x" * octets, Message_ID=f"<{number}@example.org>")
            file.write(text.replace(b"\r\n", b"\n") + b"\n")
    return path


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command line on a data folder with the account alice; (exit code, output, errors)."""
    (tmp_path / "p.toml").write_text(
        to_toml({"store": {"data_dir": "data", "max_message_octets": 65_536}})
    )
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("PILLARBOX_CONFIG", str(tmp_path / "p.toml"))
    monkeypatch.chdir(tmp_path)

    call = command_line(capsys, monkeypatch)
    assert call("account", "add", ALICE, "--add-domain", "--generate-password")[0] == 0
    return call


def bring(run: Run, *more: str) -> tuple[int, str, str]:
    return run("import", "mbox", ALICE, "old.mbox", *more)


def test_from_dry_run_to_undo(run: Run, tmp_path: Path) -> None:
    write_mbox(tmp_path / "old.mbox", 12)
    code, told, _ = bring(run, "--dry-run")
    assert code == 0
    assert "12 messages would come" in told
    assert run("import", "list", "--json")[1] == "[]\n"
    code, told, progress = bring(run)
    assert (code, "12 messages brought" in told, progress) == (0, True, "")
    assert "12 were here already" in bring(run)[1]
    (one,) = json.loads(run("import", "list", ALICE, "--json")[1])
    assert (one["brought"], one["state"], one["account"]) == (12, "done", ALICE)
    assert "12 were here already" in run("import", "show", ALICE, "1")[1]
    assert "12 messages would be removed" in run("import", "undo", ALICE, "1", "--dry-run")[1]
    code, _, error = run("import", "undo", ALICE, "1")
    assert (code, "--yes" in error) == (1, True)
    assert "Removed 12 messages" in run("import", "undo", ALICE, "1", "--yes")[1]
    assert "12 messages brought" in bring(run)[1]


def test_undo_leaves_what_was_moved(run: Run, tmp_path: Path) -> None:
    write_mbox(tmp_path / "old.mbox", 2)
    bring(run, "--into", "Old")
    write_mbox(tmp_path / "old.mbox", 3)
    run("import", "mbox", ALICE, "old.mbox", "--into", "Old")
    told = run("import", "undo", ALICE, "1", "--yes")[1]
    assert "Removed 3 messages." in told
    assert "gone: Old" in told


def test_the_same_file_under_another_name_is_another_import(run: Run, tmp_path: Path) -> None:
    write_mbox(tmp_path / "old.mbox", 1)
    (tmp_path / "elsewhere").mkdir()
    write_mbox(tmp_path / "elsewhere/old.mbox", 1)
    bring(run)
    run("import", "mbox", ALICE, "elsewhere/old.mbox")
    labels = [one["settings"]["label"] for one in json.loads(run("import", "list", "--json")[1])]
    assert len(set(labels)) == 2


def test_no_room(run: Run, tmp_path: Path) -> None:
    write_mbox(tmp_path / "old.mbox", 10)
    run("account", "quota", ALICE, "--messages", "4")
    code, told, _ = bring(run, "--dry-run")
    assert (code, "6 too many" in told) == (1, True)
    code, told, _ = bring(run)
    assert (code, "4 messages brought" in told) == (1, True)
    assert "the same command again goes on" in told.lower()
    run("account", "quota", ALICE, "--messages", "none")
    code, told, _ = bring(run)
    assert (code, "6 messages brought" in told) == (0, True)


def test_every_message_that_failed_is_named_with_its_reason(run: Run, tmp_path: Path) -> None:
    with write_mbox(tmp_path / "old.mbox", 2).open("ab") as file:
        file.write(b"From bob@example.org Thu Jan  2 03:04:05 2020\nSubject: huge\n\n")
        file.write(b"y" * 70_000 + b"\n")
    code, told, _ = bring(run)
    assert code == 1
    assert "2 messages brought, 1 FAILED." in told
    assert re.search(
        r"^  old, \S+: It has 7\d+ octets; this server keeps 65536", told, re.MULTILINE
    ), told
    assert told.splitlines()[1] in run("import", "show", ALICE, "1")[1]
    code, told, _ = run("import", "compare", "mbox", ALICE, "old.mbox")
    assert (code, "MISSING: 1 message" in told) == (1, True)


def test_compare(run: Run, tmp_path: Path) -> None:
    write_mbox(tmp_path / "old.mbox", 5)
    words = ("import", "compare", "mbox", ALICE, "old.mbox")
    code, told, _ = run(*words)
    assert (code, "MISSING: 5 messages" in told) == (1, True)
    bring(run)
    code, told, _ = run(*words)
    assert (code, told.splitlines()[-1]) == (0, "OK: nothing is missing.")
    found = json.loads(run(*words, "--json", "--quiet")[1])
    assert (found["complete"], found["sentence"]) == (True, "OK: nothing is missing.")
    assert [one["equal"] for one in found["folders"]] == [5]


def test_json_ends_with_what_came_of_it(run: Run, tmp_path: Path) -> None:
    write_mbox(tmp_path / "old.mbox", 3)
    forecast = json.loads(bring(run, "--dry-run", "--json")[1].splitlines()[-1])
    assert (forecast["event"], forecast["to_come"], forecast["suffices"]) == ("forecast", 3, True)
    ended = json.loads(bring(run, "--json")[1].splitlines()[-1])
    assert (ended["event"], ended["outcome"], ended["brought"]) == ("ended", "done", 3)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("mbox", ALICE, "none.mbox"), "There is no file or folder none.mbox."),
        (("mbox", "nobody@example.org", "old.mbox"), "There is no such account."),
        (("files", ALICE, "p.toml"), "No mail was found there"),
        (("show", ALICE, "7"), "pillarbox import list"),
        (("undo", ALICE, "7", "--yes"), "pillarbox import list"),
        (("imap", ALICE, "--login", "alice"), "Say where the mail is"),
        (("imap", ALICE, "--provider", "nope", "--login", "a@b.example"), "Known are gmail"),
        (("pop3", ALICE, "--provider", "icloud", "--login", "a@icloud.com"), "no POP3"),
        (("imap", ALICE, "--host", "localhost", "--login", "a"), "--password-file"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    run: Run, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    write_mbox(tmp_path / "old.mbox", 1)
    code, out, error = run("import", *words)
    assert (code, out) == (1, "")
    assert told in error
    assert "Traceback" not in error


def test_what_failed_at_once_is_no_import(run: Run, tmp_path: Path) -> None:
    """A wrong path or password leaves nothing behind in `list`."""
    assert run("import", "files", ALICE, "p.toml")[0] == 1
    assert json.loads(run("import", "list", "--json")[1]) == []


# A process of its own


def start(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "pillarbox.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ,
    )


def begun(run: Run) -> int:
    """How many messages the import has brought when it has brought some."""
    for _ in range(1200):
        (one, *_) = json.loads(run("import", "list", "--json")[1]) or [{"brought": 0}]
        if one["brought"]:
            return int(one["brought"])
        time.sleep(0.05)
    raise AssertionError("the import never began")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_broken_off_and_given_again(run: Run, tmp_path: Path, number: signal.Signals) -> None:
    count = 6000
    write_mbox(tmp_path / "old.mbox", count, 2000)
    process = start("import", "mbox", ALICE, "old.mbox", "--quiet")
    assert 0 < begun(run) < count
    process.send_signal(number)
    told, _ = process.communicate(timeout=60)
    if number is signal.SIGINT:
        assert process.returncode == 130
        assert b"Stopped. What was brought is safe here. The same command again" in told
    code, told_again, _ = bring(run)  # at once: the lease of the dead is no hindrance
    assert code == 0, told_again
    (one,) = json.loads(run("import", "list", "--json")[1])
    assert one["brought"] == count
    assert "OK: nothing is missing." in run("import", "compare", "mbox", ALICE, "old.mbox")[1]
    assert re.search(rf"^old +.* {count} ", run("mailbox", "list", ALICE)[1], re.MULTILINE)


def test_two_at_once(run: Run, tmp_path: Path) -> None:
    write_mbox(tmp_path / "old.mbox", 6000, 2000)
    process = start("import", "mbox", ALICE, "old.mbox", "--quiet")
    try:
        begun(run)
        code, _, error = bring(run)
        assert (code, "Another process" in error) == (1, True)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
