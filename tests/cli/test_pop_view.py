"""`pillarbox account pop`: shown, changed in parts, and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pillarbox.config.writing import to_toml
from support.command_line import Run, command_line

ALICE = "alice@example.org"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: Any, capsys: Any) -> Run:
    config = tmp_path / "p.toml"
    quick = {"argon2_passes": 1, "argon2_memory_kib": 8, "scram_iterations": 4096}
    config.write_text(to_toml({"store": {"data_dir": "data"}, "auth": quick}))
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("PILLARBOX_CONFIG", str(config))

    call = command_line(capsys, monkeypatch)
    assert call("account", "add", ALICE, "--add-domain", "--generate-password")[0] == 0
    return call


def test_what_is_not_given_stays(run: Run) -> None:
    def chosen(*words: str) -> dict[str, object]:
        told: dict[str, object] = json.loads(run("account", "pop", ALICE, *words, "--json")[1])
        assert told.pop("login") == ALICE
        return told

    first = {"days": None, "after": "delete", "hides_fetched": False}
    assert chosen() == first
    assert chosen("--days", "30") == {**first, "days": 30}
    assert chosen("--after", "keep", "--again", "no") == {
        "days": 30,
        "after": "keep",
        "hides_fetched": True,
    }
    assert chosen("--days", "none") == {"days": None, "after": "keep", "hides_fetched": True}
    assert chosen("--again", "yes")["hides_fetched"] is False
    assert chosen("--after", "trash") == {**first, "after": "trash"}
    assert chosen() == {**first, "after": "trash"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "all of the inbox; what a program deletes goes, as the setting pop3.deleted_goes_to"),
        (
            ["--days=7", "--after=read"],
            "the last 7 days of the inbox; what a program deletes stays",
        ),
        (["--after=keep", "--again=no"], "stays in the inbox and is not shown again."),
        (["--after=keep"], "stays in the inbox and is shown again."),
        (["--after=archive"], "goes to the Archive."),
    ],
)
def test_told_in_a_sentence(run: Run, words: list[str], sentence: str) -> None:
    code, shown, _ = run("account", "pop", ALICE, *words)
    assert code == 0
    assert sentence in shown


@pytest.mark.parametrize("words", [["--days=-1"], ["--days=36501"], ["--after=x"], ["--again=x"]])
def test_what_is_no_choice(run: Run, words: list[str]) -> None:
    assert run("account", "pop", ALICE, *words)[0] != 0
    assert '"after":"delete"' in run("account", "pop", ALICE, "--json")[1].replace(" ", "")


def test_nobody_of_that_name(run: Run) -> None:
    assert run("account", "pop", "bob@example.org")[0] == 1
