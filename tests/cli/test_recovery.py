"""Links that an administrator makes: for a new password, and for a new account."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pillarbox.cli.main import main
from pillarbox.config.writing import to_toml

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: Any, capsys: Any) -> Run:
    config = tmp_path / "p.toml"
    tables = {
        "server": {"hostname": "mail.example.org"},
        "store": {"data_dir": "data"},
        "auth": {"argon2_passes": 1, "argon2_memory_kib": 8, "scram_iterations": 4096},
        "listener": [
            {"name": "pages", "role": "web", "addresses": ["127.0.0.1:8443"], "tls": "implicit"}
        ],
    }
    config.write_text(to_toml(tables))
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("PILLARBOX_CONFIG", str(config))

    def call(*words: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = main(words)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call


def test_a_reset_link(run: Run) -> None:
    run("account", "add", "alice@example.org", "--add-domain", "--generate-password")
    code, shown, _ = run("account", "reset-link", "alice@example.org", "--hours", "2")
    assert code == 0
    assert shown.startswith("https://mail.example.org:8443/reset/")
    assert "for 2 hours" in shown
    told = json.loads(run("account", "reset-link", "alice@example.org", "--json")[1])
    assert told["hours"] == 24
    assert run("account", "reset-link", "bob@example.org")[0] == 1
    assert run("account", "help-requests")[1] == "Nobody waits for help.\n"
    assert json.loads(run("account", "help-requests", "--json")[1]) == []


def test_an_invitation(run: Run) -> None:
    assert run("account", "invite", "@example.org")[0] == 1  # no such domain yet
    run("domain", "add", "example.org")
    told = json.loads(run("account", "invite", "@example.org", "--quota", "1G", "--json")[1])
    assert told["link"].startswith("https://mail.example.org:8443/invite/")
    assert told["days"] == 14
