"""`pillarbox run` and `pillarbox localserve`, as a person starts them."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import smtplib
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.cli.demonstration import load_passwords
from pillarbox.cli.localserve import LOGIN
from pillarbox.cli.main import main
from pillarbox.cli.run import OFFSETS
from support.server import wait_until


def free_base() -> int:
    """A port base under which all ports are free."""
    import random

    while True:
        base = random.SystemRandom().randrange(9_000, 30_000)
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for offset in OFFSETS.values():
                held.enter_context(socket.create_server(("127.0.0.1", base + offset)))
            return base


@contextlib.contextmanager
def started(command: str, folder: Path, base: int) -> Iterator[str]:
    """Run the command until its table is printed; Ctrl-C it in the end."""
    log = folder.with_suffix(".log")
    with log.open("w") as out:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "pillarbox.cli", command),
                *("--folder", str(folder), "--port-base", str(base)),
            ],
            stdout=out,
            stderr=out,
        )
    try:
        wait_until(
            lambda: "Ctrl-C" in log.read_text() or process.poll() is not None, what="the table"
        )
        yield log.read_text()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, log.read_text()
    assert "Pillarbox has stopped." in log.read_text()


def lines_to_paste(table: str) -> list[str]:
    """The curl commands of the table, continued lines joined."""
    joined = re.sub(r"\\\n\s*", "", table)
    joined = re.sub(r"\|\n\s*", "| ", joined)
    return [line for line in joined.splitlines() if "curl " in line]


def test_run_prints_what_works_and_keeps_the_mail(tmp_path, capsys):
    folder, base = tmp_path / "var", free_base()
    with started("run", folder, base) as table:
        passwords = json.loads((folder / "passwords.json").read_text())
        assert stat.S_IMODE((folder / "passwords.json").stat().st_mode) == 0o600
        for login, password in passwords.items():
            assert re.search(rf"{login}\s+{password}", table)
        for offset in OFFSETS.values():
            assert str(base + offset) in table
        send, by_imap, by_pop3 = lines_to_paste(table)
        for line, shown in ((send, ""), (by_imap, "Hello, Bob!"), (by_pop3, "2 ")):
            done = subprocess.run(
                line, shell=True, check=False, capture_output=True, text=True, timeout=20
            )
            assert done.returncode == 0, done.stderr
            assert shown in done.stdout
    with started("run", folder, base) as again:
        assert again == table
    main(["account", "list", "--json", "--config", str(folder / "pillarbox.toml")])
    counted = {row["name"]: row["used_messages"] for row in json.loads(capsys.readouterr().out)}
    assert counted == {"Alice": 1, "Bob": 2}


def test_a_taken_port_is_named_with_what_to_do(tmp_path):
    base = free_base()
    with socket.create_server(("127.0.0.1", base + OFFSETS["imap"])):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pillarbox.cli", "run"),
                *("--folder", str(tmp_path / "var"), "--port-base", str(base)),
            ],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert f"127.0.0.1:{base + OFFSETS['imap']} (listener 'imap')" in done.stderr
    assert "PORT_BASE=" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("made", [{}, {"alice@example.test": "one", "bob@example.test": "two"}])
def test_passwords_are_for_the_owner_even_in_an_old_file(tmp_path, made):
    path = tmp_path / "passwords.json"
    path.write_text('{"alice@example.test": "old"}')
    path.chmod(0o644)
    found = load_passwords(tmp_path, made)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert found == ({**made, "alice@example.test": "old"} if made else {})


@pytest.mark.parametrize("base", ["0", "65000", "x"])
def test_port_bases_that_cannot_be(base, capsys):
    with contextlib.suppress(SystemExit):
        assert main(["run", "--port-base", base]) == 1
    assert base in capsys.readouterr().err


def test_localserve_takes_all_but_the_magic_ones(tmp_path, capsys):
    folder, base = tmp_path / "local", free_base()
    with started("localserve", folder, base) as table:
        assert LOGIN in table

        def rcpt(address: str) -> int:
            with smtplib.SMTP("127.0.0.1", base + 25, timeout=1) as client:
                client.ehlo()
                client.mail("a@example.net")
                return client.rcpt(address)[0]

        assert rcpt("anybody@anywhere.example") == 250
        assert rcpt("temperror@anywhere.example") == 451
        assert rcpt("permerror@anywhere.example") == 550
        assert rcpt("421@anywhere.example") == 421
        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            rcpt("timeout@anywhere.example")
        with smtplib.SMTP("127.0.0.1", base + 25, timeout=60) as client:
            client.sendmail(
                "a@example.net", ["b@example.com", "c@example.org"], "Subject: x\r\n\r\n"
            )
        with smtplib.SMTP("127.0.0.1", base + 587, timeout=60) as client:
            client.login(LOGIN, "localserve")
            message = "From: z@example.com\r\nSubject: y\r\n\r\n"
            client.sendmail("z@example.com", "y@example.com", message)
            client.mail("z@example.com")
            assert client.rcpt("permerror@anywhere.example")[0] == 550
    main(["mailbox", "list", LOGIN, "--json", "--config", str(folder / "pillarbox.toml")])
    inbox = next(row for row in json.loads(capsys.readouterr().out) if row["path"] == "INBOX")
    assert inbox["messages"] == 3, "the welcome, one message to two recipients, one submitted"
