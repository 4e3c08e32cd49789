"""The examples of docs/guide/clients.md, run as they stand but for the ports."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.testing.server import RunningServer

PAGE = (Path(__file__).parents[2] / "docs/guide/clients.md").read_text()
EXAMPLES = dict(re.findall(r"```(?:sh|ini) ([\w-]+)\n(.*?)```", PAGE, re.DOTALL))
LOGIN, PASSWORD = "alice@example.test", "correct-horse-9"
MESSAGE = f"From: {LOGIN}\r\nTo: {LOGIN}\r\nSubject: from an example\r\n\r\nHello.\r\n"

needs = {
    name: pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed")
    for name in ("curl", "swaks", "mbsync", "msmtp")
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("examples"))
    running.add_account(LOGIN, PASSWORD)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def folder(tmp_path: Path, server: RunningServer) -> Path:
    (tmp_path / "message.eml").write_text(MESSAGE, newline="")
    (tmp_path / "password").write_text(PASSWORD)
    shutil.copy(server.certificate, tmp_path / "certificate.pem")
    (tmp_path / "mail").mkdir()
    return tmp_path


def for_this_server(text: str, server: RunningServer) -> str:
    ports = {
        "2587": "submission",
        "2993": "imaps",
        "2995": "pop3s",
        "2465": "submissions",
        "2443": "https",
    }
    return re.sub(r"\b2\d{3}\b", lambda found: str(server.ports[ports[found[0]]]), text)


def environment(folder: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LOGIN": LOGIN, "PASSWORD": PASSWORD}


def begins_to_say(words: str, command: str, folder: Path) -> bool:
    """Whether a line with these words comes; it is not waited for the end."""
    with subprocess.Popen(
        ["bash", "-ec", command],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            return any(words in line for line in process.stdout)
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def run(command: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-ec", command],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_example_is_run_here() -> None:
    assert set(EXAMPLES) == {
        "curl-send", "curl-list", "curl-pop3", "swaks-send", "mbsyncrc", "msmtprc",
        "jmap-session", "jmap-call", "jmap-events",
    }  # fmt: skip


@needs["curl"]
def test_curl(server: RunningServer, folder: Path) -> None:
    run(for_this_server(EXAMPLES["curl-send"], server), folder)
    listed = run(for_this_server(EXAMPLES["curl-list"], server), folder)
    assert listed.startswith("* SEARCH 1")
    assert "Hello." in run(for_this_server(EXAMPLES["curl-pop3"], server), folder)


@needs["curl"]
def test_jmap(server: RunningServer, folder: Path) -> None:
    session = json.loads(run(for_this_server(EXAMPLES["jmap-session"], server), folder))
    assert session["username"] == LOGIN
    assert session["apiUrl"] == f"https://localhost:{server.https}/jmap/api"
    answered = json.loads(run(for_this_server(EXAMPLES["jmap-call"], server), folder))
    assert answered["methodResponses"] == [["Core/echo", {"hello": "world"}, "c1"]]
    events = for_this_server(EXAMPLES["jmap-events"], server)
    assert events.startswith("timeout 7 ")  # the first word comes after five seconds
    assert begins_to_say("event: ping", events.replace("timeout 7 ", "timeout 60 "), folder)


@needs["swaks"]
def test_swaks(server: RunningServer, folder: Path) -> None:
    assert "250 2." in run(for_this_server(EXAMPLES["swaks-send"], server), folder)


@needs["msmtp"]
@needs["mbsync"]
def test_msmtp_then_mbsync(server: RunningServer, folder: Path) -> None:
    for name in ("msmtprc", "mbsyncrc"):
        (folder / name).write_text(for_this_server(EXAMPLES[name], server))
        (folder / name).chmod(0o600)
    run(f"msmtp -C msmtprc {LOGIN} < message.eml", folder)
    run("mbsync -c mbsyncrc all", folder)
    arrived = [path.read_text() for path in (folder / "mail/INBOX").glob("[cn]*/*")]
    assert any("from an example" in text for text in arrived)
