"""Started as root, served as somebody else, with a Python that this user can read."""

from __future__ import annotations

import os
import pwd
import shutil
import smtplib
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

import pillarbox
from pillarbox.config.writing import to_toml
from pillarbox.node.demonstration import listeners, make_certificate
from pillarbox.node.place import Place
from pillarbox.node.privileges import check_reach, find_person
from pillarbox.testing.server import _read_ready, free_ports

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

USER = "nobody"
SOURCE = Path(pillarbox.__file__).parent.parent


def readable_python() -> tuple[str, dict[str, str]]:
    """An interpreter of our version, and an environment, that the user can read."""
    paths = [str(SOURCE), sysconfig.get_path("purelib")]
    environment = {**os.environ, "PYTHONPATH": ":".join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    candidates = [
        sys.executable,
        shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin"),
    ]
    for candidate in filter(None, candidates):
        trial = "from pillarbox.node.privileges import *; check_reach(find_person('nobody'))"
        done = subprocess.run(
            [candidate, "-c", f"import apsw; {trial}"],
            env=environment,
            check=False,
            capture_output=True,
        )
        if done.returncode == 0:
            return candidate, environment
    pytest.skip("no Python of this version that the user 'nobody' can read")


@pytest.fixture
def folder():
    """A folder that others may enter; pytest closes its own to them."""
    with tempfile.TemporaryDirectory(prefix="pillarbox-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def config(folder):
    certificate, key = make_certificate(folder / "tls")
    ports = free_ports()
    tables = {
        "server": {"user": USER, "workers": 1, "drain_seconds": 2.0},
        "store": {"data_dir": "data"},
        "tls": {"certificates": [{"certificate": str(certificate), "key": str(key)}]},
        "listener": listeners(ports),
    }
    file = folder / "p.toml"
    file.write_text(to_toml(tables))
    return file, ports


def identity(pid: int) -> set[int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("Uid:")]
    return {int(word) for word in line.split()[1:]}


def test_the_workers_are_somebody_else(config, folder):
    python, environment = readable_python()
    file, ports = config
    reading, writing = os.pipe()
    server = subprocess.Popen(
        [python, "-m", "pillarbox.cli", "serve", "--config", str(file), "--ready-fd", str(writing)],
        env=environment,
        pass_fds=[writing],
    )
    os.close(writing)
    expected = pwd.getpwnam(USER).pw_uid
    try:
        assert _read_ready(reading, 30)
        node = Place(folder / "data").find_node()
        assert [identity(pid) for pid in node.workers] == [{expected}]
        add = [python, "-m", "pillarbox.cli", "account", "add", "a@example.org", "--add-domain"]
        subprocess.run(
            [*add, "--config", str(file), "--password-stdin"],
            env=environment,
            input=b"open sesame\n",
            check=True,
        )
        with smtplib.SMTP("127.0.0.1", ports["smtp"], timeout=60) as client:
            client.sendmail("b@example.net", "a@example.org", "Subject: x\r\n\r\ny\r\n")
    finally:
        server.terminate()
        assert server.wait(60) == 0
    # The counters' files are opened while the program is imported, still as root.
    ours = [path for path in (folder / "data").rglob("*") if path.parent.name != "metrics"]
    kept = [path for path in ours if path.name != "node.lock"]
    assert kept
    assert [path for path in kept if path.stat().st_uid != expected] == []


def test_a_program_out_of_reach_is_told_at_once(monkeypatch, tmp_path):
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    (hidden / "os.py").write_text("")
    monkeypatch.setattr(os, "__file__", str(hidden / "os.py"))
    from pillarbox.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match="under /opt"):
        check_reach(find_person(USER))
    assert os.geteuid() == 0


def test_commands_of_root_leave_nothing_of_root_behind(folder):
    python, environment = readable_python()
    person = find_person(USER)
    config, data, out = folder / "p.toml", folder / "data", folder / "out"
    out.mkdir()
    out.chmod(0o777)
    (folder / "old.mbox").write_bytes(
        b"From a@example.net Mon Jan  2 10:00:00 2012\n"
        b"From: a@example.net\nSubject: old\n\nA message.\n\n"
    )
    large = b"Subject: large\r\n\r\n" + b"A line of a large message.\r\n" * 8192
    (folder / "new").mkdir()
    (folder / "new" / "1.eml").write_bytes(large)

    def run(*words: str, given: str = "") -> str:
        done = subprocess.run(
            [python, "-m", "pillarbox.cli", *words],
            env=environment,
            input=given,
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    place = ("--config", str(config))
    setup = ("--account", "alice", "--data-dir", str(data), "--user", USER)
    run("setup", "example.org", *place, *setup, "--generate-password")
    alice = "alice@example.org"
    run("import", "mbox", alice, str(folder / "old.mbox"), *place)
    run("import", "eml", alice, str(folder / "new"), *place)
    there = ("--imap", "imap.example.net", "--login", "a@example.net")
    secret = ("--password-stdin", "--untested")
    run("collect", "add", alice, *there, *secret, *place, given="a password\n")
    run("collect", "rekey", *place)
    run("export", alice, str(out / "mail.zip"), *place)
    files = [data, *data.rglob("*"), *out.iterdir()]
    assert (data / "vault.key").stat().st_mode & 0o777 == 0o600
    assert {one: one.stat().st_uid for one in files if one.stat().st_uid != person.uid} == {}
