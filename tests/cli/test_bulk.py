"""`pillarbox bulk`: what the filters mean, what each verb does, answers for people and programs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pillarbox.config.writing import to_toml
from support.bulk_box import BulkBox
from support.command_line import Run, command_line
from support.store_box import letter

ALICE = ("--account", "alice@example.org")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with twelve messages, found by the environment variable."""
    file = tmp_path / "p.toml"
    file.write_text(to_toml({"store": {"data_dir": "data"}}))
    monkeypatch.setenv("PILLARBOX_CONFIG", str(file))

    async def fill() -> None:
        async with BulkBox(tmp_path) as box:
            for n in range(6):
                await box.append(letter(f"Old {n}"), received_at=1_500_000_000)
            for n in range(5):
                await box.append(letter(f"News {n}", From="News <news@lists.example>"))
            await box.append(letter("Large", "x" * 50_000))

    asyncio.run(fill())
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command line; (exit code, standard output, standard error)."""

    return command_line(capsys, monkeypatch, "bulk")


def counts(folder: Path) -> dict[str, int]:
    """Messages in each mailbox that has any."""

    async def look() -> dict[str, int]:
        async with BulkBox(folder) as box:
            rows = await box.store.read(
                lambda db: db.rows("SELECT path, messages FROM mailbox WHERE messages > 0")
            )
            await box.check()
            return dict(rows)

    return asyncio.run(look())


def as_json(shown: str) -> Any:
    return json.loads(shown)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("--in", "INBOX"), 12),
        (("--in", "inbox", "--before", "2020-01-01"), 6),
        (("--older-than", "3000d"), 6),
        (("--after", "2020-01-01"), 6),
        (("--larger", "40K"), 1),
        (("--smaller", "40K"), 11),
        (("--from", "NEWS@lists"), 5),
        (("--recipient", "alice"), 12),
        (("--subject", "old", "--text", "few words"), 6),
        (("--unread",), 12),
        (("--read",), 0),
        (("--flagged",), 0),
        (("--with-file",), 0),
        (("--all",), 12),
    ],
)
def test_what_filters_mean(run: Run, words: tuple[str, ...], meant: int) -> None:
    told = run("run", "move", *ALICE, "--to", "Trash", *words, "--dry-run", "--json")
    assert told[0] == 0 and as_json(told[1]) == {"action": "move", "meant": meant}


def test_moved_listed_and_undone(run: Run, folder: Path) -> None:
    code, shown, _ = run("run", "move", *ALICE, "--from", "news@", "--to", "Trash")
    assert code == 0 and "move: done, 5 of 5" in shown and "pillarbox bulk undo" in shown
    assert counts(folder) == {"INBOX": 7, "Trash": 5}
    (listed,) = as_json(run("list", "--json")[1])
    assert listed["status"] == "done" and listed["account"] == "alice@example.org"
    code, shown, _ = run("undo", listed["id"], "--json")
    assert code == 0 and as_json(shown)["what"] == f"undo of {listed['id']}"
    assert counts(folder) == {"INBOX": 12}
    table = run("list", *ALICE)[1].splitlines()
    assert table[0].split() == ["ID", "ACCOUNT", "WHAT", "STATUS", "DONE", "OF", "FAILED", "ASKED"]
    assert len(table) == 3
    assert run("watch", listed["id"])[0] == 0


def test_destroyed_after_a_question_and_restored(run: Run, folder: Path) -> None:
    code, _, told = run("run", "destroy", *ALICE, "--before", "2020-01-01")
    assert code == 1 and "Destroy 6 messages?" in told and counts(folder) == {"INBOX": 12}
    assert run("run", "destroy", *ALICE, "--before", "2020-01-01", "--yes")[0] == 0
    assert counts(folder) == {"INBOX": 6}
    code, shown, _ = run("run", "restore", *ALICE, "--text", "old 3")
    assert code == 0 and "1 of 1" in shown and counts(folder) == {"INBOX": 7}
    code, _, told = run("run", "restore", *ALICE, "--larger", "5")
    assert code == 1 and "--text" in told


def test_flags(run: Run) -> None:
    assert run("run", "flag", *ALICE, "--in", "INBOX", "--keyword", "$seen")[0] == 0
    seen = ("run", "move", *ALICE, "--to", "Trash", "--read", "--dry-run", "--json")
    assert as_json(run(*seen)[1])["meant"] == 12
    words = ("--from", "news", "--keyword", "\\Seen", "--keyword", "blue")
    assert run("run", "unflag", *ALICE, *words)[0] == 0
    assert as_json(run(*seen)[1])["meant"] == 7
    code, _, told = run("run", "flag", *ALICE, "--all", "--keyword", "a b")
    assert code == 1 and "keyword" in told


def test_left_to_the_server_stopped_and_gone_on_with(run: Run, folder: Path) -> None:
    words = ("run", "move", *ALICE, "--all", "--to", "Archive", "--detach", "--json")
    number = as_json(run(*words)[1])["id"]
    assert counts(folder) == {"INBOX": 12}
    code, shown, _ = run("cancel", number, "--json")
    assert code == 0 and as_json(shown)["status"] == "cancelled"
    code, shown, _ = run("continue", number, "--json")
    assert code == 0 and as_json(shown)["done"] == 12
    assert counts(folder) == {"Archive": 12}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("run", "move", *ALICE, "--to", "Trash"), "--all"),
        (("run", "move", *ALICE, "--all", "--to", "Nowhere"), "no mailbox 'Nowhere'"),
        (
            ("run", "move", "--account", "x@example.org", "--all", "--to", "Trash"),
            "no such account",
        ),
        (("watch", "O77"), "no such operation"),
        (("undo", "seven"), "no such operation"),
        (("run", "move", *ALICE, "--to", "Trash", "--before", "soon"), "no day"),
    ],
)
def test_refused(run: Run, words: tuple[str, ...], sentence: str) -> None:
    code, _, told = run(*words)
    assert code != 0 and sentence in told
