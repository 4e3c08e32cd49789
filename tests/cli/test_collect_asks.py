"""What a person at a terminal is asked and told: passwords unseen, a browser's answer pasted."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import pytest

from pillarbox.cli.main import main
from pillarbox.config.writing import to_toml
from support.readiness import is_ready

ALICE, SECRET = "alice@example.org", "open sesame 123"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.toml").write_text(to_toml({"store": {"data_dir": "data"}}))
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("PILLARBOX_CONFIG", str(tmp_path / "p.toml"))
    assert main(("account", "add", ALICE, "--add-domain", "--generate-password")) == 0


class Screen:
    """A command on a terminal of its own."""

    def __init__(self, *words: str) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pillarbox.cli", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=os.environ | {"TERM": "xterm"},
            start_new_session=True,
        )
        os.close(slave)
        self.text = ""

    def until(self, wanted: str) -> None:
        """Read until the screen has shown it."""
        end = time.monotonic() + 30
        while wanted not in self.text and self._read(end):
            pass
        assert wanted in self.text, self.text

    def type(self, text: str) -> None:
        """A line."""
        os.write(self._master, text.encode() + b"\n")

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Read until the command has ended; its exit code."""
        end = time.monotonic() + 30
        while self._read(end):
            pass
        os.close(self._master)
        return self._process.wait(30)

    def _read(self, end: float) -> bool:
        ready = is_ready(self._master, max(end - time.monotonic(), 0))
        try:
            octets = os.read(self._master, 65_536) if ready else b""
        except OSError:  # the other side is closed
            return False
        self.text += octets.decode()
        return bool(octets)


def test_a_password_is_asked_for_and_not_shown() -> None:
    words = ("--host", "127.0.0.1:1", "--login", "al@example.net", "--allow-private")
    screen = Screen("import", "imap", ALICE, *words)
    screen.until("Password of al@example.net at 127.0.0.1: ")
    screen.type(SECRET)
    assert screen.end() == 1
    assert "cannot be reached" in screen.text
    assert SECRET not in screen.text


def test_a_provider_tells_what_to_do_first() -> None:
    screen = Screen("collect", "add", ALICE, "al@gmail.com", "--untested")
    screen.until("Password of al@gmail.com at imap.gmail.com: ")
    assert "apppasswords" in screen.text
    screen.type("")
    assert screen.end() == 1
    assert "No password was given" in screen.text


def test_a_browser_on_another_computer() -> None:
    """The person pastes the address at which their browser ended; here: they said no."""
    screen = Screen("collect", "add", ALICE, "al@gmail.com", "--client-id", "1234")
    screen.until("paste it here:")
    (redirect,) = re.findall(r"redirect_uri=([^&\s]+)", screen.text)
    (state,) = re.findall(r"[?&]state=([^&\s]+)", screen.text)
    screen.type(f"{unquote(redirect)}?error=access_denied&state={state}")
    assert screen.end() == 1
    assert "Access was not allowed" in screen.text


def test_ctrl_c_at_a_question() -> None:
    """Once is enough."""
    screen = Screen("collect", "add", ALICE, "al@gmail.com", "--untested")
    screen.until("Password of")
    screen.interrupt()
    assert screen.end() == 130
    assert "Traceback" not in screen.text
