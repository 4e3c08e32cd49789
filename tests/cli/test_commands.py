"""The command line as a person meets it: help, errors, exit codes, answers."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pillarbox.cli.main import COMMANDS
from pillarbox.config.writing import to_toml
from support.command_line import command_line
from support.machine import wall_bound

VERBS = {
    "account": [
        *("add", "list", "passwd", "remove", "quota", "enable", "disable", "pop"),
        *("reset-link", "second-step-off", "help-requests", "invite"),
    ],
    "app-password": ["add", "list", "remove"],
    "collect": [
        *("add", "list", "show", "test", "run", "pause", "resume", "remove"),
        *("edit", "sign-in", "rekey"),
    ],
    "import": [
        *("imap", "pop3", "files", "mbox", "maildir", "eml", "takeout", "pillarbox"),
        *("list", "show", "undo"),
    ],
    "domain": ["add", "list", "remove"],
    "alias": ["add", "list", "remove"],
    "mailbox": ["list"],
    "bulk": ["list", "run move", "watch", "cancel", "continue", "undo"],
    "dkim": ["add", "rotate", "list", "activate", "remove"],
    "dns": ["show", "check", "policy"],
    "queue": ["list", "show", "retry", "hold", "release", "fail", "drop", "route"],
    "reports": ["list", "show", "send"],
    "config": ["check", "reference"],
}
PAGE = (Path(__file__).parents[2] / "docs/guide/commands.md").read_text()


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A configuration with an empty data folder, found by the environment variable."""
    file = tmp_path / "p.toml"
    tables = {
        "store": {"data_dir": "data"},
        "auth": {"argon2_passes": 1, "argon2_memory_kib": 8, "scram_iterations": 4096},
    }
    file.write_text(to_toml(tables))
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("PILLARBOX_CONFIG", str(file))
    return file


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command line; (exit code, standard output, standard error)."""

    return command_line(capsys, monkeypatch)


@pytest.mark.timed
def test_help_is_quick():
    """Far below the 200 ms that a person notices; the best of three, since machines are busy."""
    spans = []
    for _ in range(3):
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "pillarbox.cli", "--help"], check=True, stdout=subprocess.DEVNULL
        )
        spans.append(time.perf_counter() - begun)
    assert min(spans) < wall_bound(0.2)


def test_help_imports_nothing_of_weight():
    program = (
        "import sys; from pillarbox.cli.main import main; main(['--help']); "
        "heavy = {'apsw', 'msgspec', 'asyncio', 'cryptography', 'uvloop', 'argparse'}; "
        "sys.exit(repr(heavy & sys.modules.keys()) if heavy & sys.modules.keys() else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(run, name):
    code, shown, _ = run(name, "--help")
    assert code == 0
    assert len(shown.splitlines()) > 5
    assert (
        "--json" in shown or name in VERBS or name in {"run", "localserve", "serve", "systemd-unit"}
    )


@pytest.mark.parametrize(
    ("name", "verb"), [(name, verb) for name, verbs in VERBS.items() for verb in verbs]
)
def test_every_verb_has_help_and_its_place_in_the_docs(run, name, verb):
    code, shown, _ = run(name, *verb.split(), "--help")
    assert code == 0
    if name != "config" or verb == "check":
        assert "--json" in shown
        assert "--config" in shown
    assert f"pillarbox {name} {verb}" in PAGE


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_docs(name):
    assert f"`pillarbox {name}" in PAGE


def test_a_misspelt_command_is_recognised(run):
    code, _, error = run("acount", "list")
    assert code == 2
    assert "Did you mean 'account'?" in error


def test_nothing_shows_help(run):
    code, shown, _ = run()
    assert code == 2
    assert "Administer:" in shown


def test_version(run):
    code, shown, _ = run("--version")
    assert code == 0
    assert shown.startswith("pillarbox ")
    assert json.loads(run("version", "--json")[1])["sqlite"]


def test_without_a_configuration(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PILLARBOX_CONFIG", raising=False)
    code, _, error = run("account", "list")
    assert code == 1
    assert "pillarbox setup" in error
    assert "Traceback" not in error


def test_accounts_from_first_to_last(run, config):
    add = ("account", "add", "Alice@Example.ORG", "--password-stdin")
    code, _, error = run(*add, stdin="open sesame\n")
    assert code == 1
    assert "domain first" in error
    assert run("domain", "add", "example.org")[0] == 0
    assert json.loads(run("domain", "list", "--json")[1]) == ["example.org"]
    assert run(*add, "--octets", "5G", "--name", "Alice", stdin="open sesame\n")[0] == 0
    code, _, error = run(*add, stdin="open sesame\n")
    assert code == 1
    assert "already" in error
    (alice,) = json.loads(run("account", "list", "--json")[1])
    assert alice["login"] == "alice@example.org"
    assert alice["quota_octets"] == 5 << 30
    assert "alice@example.org" in run("account", "list")[1]
    run("account", "quota", "alice@example.org", "--octets", "none", "--messages", "100")
    shown = json.loads(run("account", "quota", "alice@example.org", "--json")[1])
    assert (shown["quota_octets"], shown["quota_messages"]) == (0, 100)
    made = json.loads(
        run("account", "passwd", "alice@example.org", "--generate-password", "--json")[1]
    )
    assert len(made["password"]) == 16
    assert run("account", "disable", "alice@example.org")[0] == 0
    assert not json.loads(run("account", "list", "--json")[1])[0]["enabled"]
    code, _, error = run("account", "remove", "alice@example.org")
    assert code == 1
    assert "--yes" in error
    assert run("account", "remove", "alice@example.org", "--yes")[0] == 0
    assert json.loads(run("account", "list", "--json")[1]) == []


def test_app_passwords(run, config):
    run("account", "add", "a@example.org", "--add-domain", "--generate-password")
    added = run("app-password", "add", "a@example.org", "phone", "--for", "imap", "--json")[1]
    made = json.loads(added)
    assert made["password"]
    assert "token" not in made
    (row,) = json.loads(run("app-password", "list", "a@example.org", "--json")[1])
    assert (row["name"], row["for"], row["last_used_at"]) == ("phone", ["imap"], None)
    assert "never" in run("app-password", "list", "a@example.org")[1]
    assert run("app-password", "remove", "a@example.org", str(made["number"]))[0] == 0
    assert run("app-password", "remove", "a@example.org", "99")[0] == 1
    added = run("app-password", "add", "a@example.org", "page", "--for", "jmap", "--json")[1]
    made = json.loads(added)
    assert made["token"] == f"A1.{made['password']}"
    assert "token: A1." in run("app-password", "add", "a@example.org", "laptop")[1]


def test_aliases(run, config):
    run("domain", "add", "example.org")
    assert run("alias", "add", "info@example.org", "a@example.org", "b@example.net")[0] == 0
    assert run("alias", "add", "@example.org", "a@example.org")[0] == 0
    listed = json.loads(run("alias", "list", "--json")[1])
    assert {row["alias"] for row in listed} == {"info@example.org", "@example.org"}
    assert run("alias", "remove", "info@example.org")[0] == 0
    assert run("alias", "remove", "info@example.org")[0] == 1


def test_mailboxes(run, config):
    run("account", "add", "a@example.org", "--add-domain", "--generate-password")
    listed = json.loads(run("mailbox", "list", "a@example.org", "--json")[1])
    assert {row["path"] for row in listed} >= {"INBOX", "Sent", "Trash"}
    code, _, error = run("mailbox", "list", "b@example.org")
    assert code == 1
    assert "no such account" in error


def test_verify_tells_sound_from_damaged(run, config):
    run("account", "add", "a@example.org", "--add-domain", "--generate-password")
    code, shown, _ = run("verify")
    assert code == 0
    assert "as it should be" in shown
    import apsw

    (database,) = (config.parent / "data").glob("pillarbox.db")
    with contextlib.closing(apsw.Connection(str(database))) as connection:
        connection.execute("UPDATE account SET used_messages = 7")
    code, shown, _ = run("verify", "--json")
    assert code == 1
    report = json.loads(shown)
    assert not report["sound"]
    assert "a@example.org" in report["problems"][0]


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (["--password-stdin"], "", "no password"),
        (["--password-stdin"], "short\n", "8 characters"),
        ([], "", "--password-stdin"),
    ],
)
def test_bad_passwords_make_no_account(run, config, words, stdin, said):
    code, _, error = run("account", "add", "a@example.org", "--add-domain", *words, stdin=stdin)
    assert code == 1
    assert said in error
    assert json.loads(run("account", "list", "--json")[1]) == []


@pytest.mark.parametrize("size", ["5X", "-1", "", "1e400"])
def test_no_size(run, config, size):
    code, _, error = run("account", "quota", "a@example.org", f"--octets={size}")
    assert code == 2
    assert "500M" in error


def test_a_broken_configuration_is_told_once(run, config):
    config.write_text("[smtp]\nmax_recipient = 1")
    for words in (["config", "check"], ["account", "list"], ["serve"], ["systemd-unit"]):
        if words != ["systemd-unit"]:
            code, _, error = run(*words)
            assert code == 1
            assert "max_recipients" in error
            assert "Traceback" not in error


def test_config_check_reads_certificates(run, config):
    code, _, error = run("config", "check")
    assert code == 1
    assert "no certificate" in error


def test_a_pipe_that_closes_is_no_error(config):
    program = f"{sys.executable} -m pillarbox.cli config reference | head -1"
    found = subprocess.run(
        program, shell=True, capture_output=True, text=True, env=os.environ, check=True
    )
    assert found.stderr == ""


def test_trace_says_when_nothing_is_known(run, config):
    code, out, _ = run("trace", "<nothing@example.org>")
    assert code == 1
    assert "Nothing is known of <nothing@example.org>" in out
    code, out, _ = run("trace", "<nothing@example.org>", "--json")
    assert (code, json.loads(out)) == (1, [])
    code, _, err = run("trace", "<>")
    assert code == 1
    assert "Say what to look for" in err
