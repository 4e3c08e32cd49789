"""`pillarbox setup` and the files that come of it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pillarbox.cli.main import main
from pillarbox.config.loading import load
from pillarbox.config.server import STANDARD_LISTENERS


def setup(folder, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "pillarbox.cli", "setup", "example.org"),
            *("--config", str(folder / "p.toml"), "--data-dir", str(folder / "data")),
            *("--generate-password", "--user", "", *words),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def test_setup_writes_what_serve_can_read(tmp_path):
    done = setup(tmp_path, "--account", "alice")
    assert done.returncode == 0, done.stderr
    assert "alice@example.org" in done.stdout
    for word in ("MX", "SRV", "v=spf1", "systemd-unit", "mail.example.org."):
        assert word in done.stdout
    settings = load(tmp_path / "p.toml")
    assert settings.server.hostname == "mail.example.org"
    assert settings.auth.default_domain == "example.org"
    standard = {(one.name, one.role, one.addresses, one.tls) for one in STANDARD_LISTENERS}
    assert {(one.name, one.role, one.addresses, one.tls) for one in settings.listener} == standard
    assert main(["config", "check", "--config", str(tmp_path / "p.toml")]) == 0


def test_every_setting_in_the_file_is_explained(tmp_path):
    setup(tmp_path)
    lines = (tmp_path / "p.toml").read_text().splitlines()
    before = ""
    for line in lines:
        if " = " in line and not line.startswith("#") and "[[listener]]" not in before:
            assert "#" in before + line, f"nothing is said about {line!r}"
        before = line if line.startswith("#") or not line else before + line
    assert sum(line.lstrip().startswith("#") for line in lines) > 15


def test_the_first_account_has_its_mail(tmp_path, capsys):
    made = json.loads(setup(tmp_path, "--json").stdout)
    assert made["login"] == "postmaster@example.org"
    assert len(made["password"]) == 16
    main(["mailbox", "list", made["login"], "--json", "--config", made["config"]])
    inbox = next(row for row in json.loads(capsys.readouterr().out) if row["path"] == "INBOX")
    assert inbox["messages"] == 1


def test_nothing_is_overwritten(tmp_path):
    setup(tmp_path)
    before = (tmp_path / "p.toml").read_bytes()
    again = setup(tmp_path)
    assert again.returncode == 1
    assert "left as it is" in again.stderr
    assert (tmp_path / "p.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--user", "no-such-user-here"], "useradd"),
        (["--certificate", "/x"], "go together"),
        (["--certificate", "/nonexistent", "--key", "/nonexistent"], None),
        (["--account", "a b"], ""),
    ],
)
def test_what_fails_can_be_tried_again(tmp_path, words, said):
    done = setup(tmp_path, *words)
    if said is None:
        assert done.returncode == 0, "the certificate may come later"
        return
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert setup(tmp_path).returncode == 0


def test_unit_files_name_the_configuration(tmp_path, capsys):
    setup(tmp_path)
    assert main(["systemd-unit", "--sockets", "--config", str(tmp_path / "p.toml")]) == 0
    shown = capsys.readouterr().out
    assert f"serve --config {tmp_path / 'p.toml'}" in shown
    assert f"ReadWritePaths={tmp_path / 'data'}" in shown
    assert "Type=notify" in shown
    assert "FileDescriptorName=imaps" in shown
    assert "ListenStream=[::]:993" in shown
