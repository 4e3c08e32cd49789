"""Links that an administrator makes: for a new password, and for a new account."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pillarbox.config.loading import load
from pillarbox.config.writing import to_toml
from pillarbox.node.administration import opened
from pillarbox.store.sql import second_factors
from support.command_line import Run, command_line


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

    return command_line(capsys, monkeypatch)


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


def test_a_lost_second_step(run: Run, tmp_path: Path) -> None:
    run("account", "add", "alice@example.org", "--add-domain", "--generate-password")
    off = ("account", "second-step-off", "alice@example.org")
    assert run(*off)[1] == "alice@example.org had no second step.\n"
    settings = load(tmp_path / "p.toml")

    async def turn_on() -> None:
        async with opened(settings) as open_:
            account = await open_.admin.find_account("alice@example.org")
            await open_.store.write(lambda tx: second_factors.begin_totp(tx, account.id, b"s"))
            await open_.store.write(lambda tx: second_factors.finish_totp(tx, account.id, b"s", 1))

    async def state() -> second_factors.SecondFactorRow:
        async with opened(settings) as open_:
            account = await open_.admin.find_account("alice@example.org")
            return await open_.store.read(lambda db: second_factors.find(db, account.id))

    asyncio.run(turn_on())
    assert asyncio.run(state()).required
    assert "The password alone opens" in run(*off)[1]
    row = asyncio.run(state())
    assert (row.required, row.has_totp) == (False, False)
    assert json.loads(run(*off, "--json")[1]) == {"was_on": False}
    assert run("account", "second-step-off", "bob@example.org")[0] == 1


def test_an_invitation(run: Run) -> None:
    assert run("account", "invite", "@example.org")[0] == 1  # no such domain yet
    run("domain", "add", "example.org")
    told = json.loads(run("account", "invite", "@example.org", "--quota", "1G", "--json")[1])
    assert told["link"].startswith("https://mail.example.org:8443/invite/")
    assert told["days"] == 14
