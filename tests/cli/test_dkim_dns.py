"""`pillarbox dkim` and `pillarbox dns`: keys over their life, records to publish and to check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import dns.rdata
import pytest

from pillarbox.config.writing import to_toml
from support.command_line import Run, command_line
from support.name_server import NameServer, in_a_thread


@pytest.fixture
def names() -> Iterator[NameServer]:
    """A name server on loopback whose zones a test fills."""
    with in_a_thread(NameServer({})) as server:
        yield server


@pytest.fixture
def run(
    tmp_path: Path,
    names: NameServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run a command line on a server of example.org; (exit code, output, errors)."""
    file = tmp_path / "p.toml"
    tables = {
        "server": {"hostname": "mx.example.org"},
        "store": {"data_dir": "data"},
        "dns": {"servers": [names.address]},
    }
    file.write_text(to_toml(tables))
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("PILLARBOX_CONFIG", str(file))

    call = command_line(capsys, monkeypatch)
    assert call("domain", "add", "example.org")[0] == 0
    return call


def _keys(run: Run) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = json.loads(run("dkim", "list", "example.org", "--json")[1])
    return listed


def test_the_first_keys_sign_and_the_next_wait_until_they_are_seen(
    run: Run, names: NameServer
) -> None:
    code, out, _ = run("dkim", "list", "example.org")
    assert (code, out.count(" IN TXT ")) == (0, 2)
    code, _, err = run("dkim", "add", "example.org")
    assert code == 1
    assert "pillarbox dkim rotate example.org" in err
    first = _keys(run)
    assert {key["state"] for key in first} == {"signing"}
    assert {key["algorithm"] for key in first} == {"rsa-sha256", "ed25519-sha256"}
    assert run("dkim", "rotate", "example.org")[0] == 0
    new = [key for key in _keys(run) if key["state"] == "waiting"]
    assert len(new) == 2
    code, _, err = run("dkim", "rotate", "example.org")
    assert code == 1
    assert "pillarbox dkim activate example.org" in err
    code, _, err = run("dkim", "activate", "example.org")
    assert code == 1
    assert "is not there" in err
    for key in new:
        names.records[key["name"]] = {"TXT": [key["record"]]}
    code, out, _ = run("dkim", "activate", "example.org")
    assert code == 0
    assert new[0]["selector"] in out
    states = {key["selector"]: key["state"] for key in _keys(run)}
    assert [states[key["selector"]] for key in new] == ["signing", "signing"]
    assert [states[key["selector"]] for key in first] == ["retired", "retired"]
    assert run("dkim", "remove", "example.org", first[0]["selector"])[0] == 1  # asks first
    assert run("dkim", "remove", "example.org", first[0]["selector"], "--yes")[0] == 0
    assert len(_keys(run)) == 3


def test_a_private_key_is_never_shown(run: Run) -> None:
    shown = "".join(
        run(*words)[1]
        for words in (
            ("dkim", "list"),
            ("dkim", "list", "example.org", "--json"),
            ("dns", "show", "example.org", "--json"),
        )
    )
    assert "PRIVATE" not in shown


def test_only_our_domains_have_keys_and_records(run: Run) -> None:
    for words in (("dkim", "add", "example.net"), ("dns", "show", "example.net")):
        code, _, err = run(*words)
        assert code == 1
        assert "does not serve" in err


def test_records_are_shown_and_checked(run: Run, names: NameServer) -> None:
    code, out, _ = run("dns", "show", "example.org")
    assert code == 0
    for line in (
        "example.org. IN MX 10 mx.example.org.",
        'example.org. IN TXT "v=spf1 mx -all"',
        '_dmarc.example.org. IN TXT "v=DMARC1; p=quarantine; rua=mailto:postmaster@example.org"',
        "_imaps._tcp.example.org. IN SRV 0 1 993 mx.example.org.",
    ):
        assert line in out
    assert run("dns", "check", "example.org")[0] == 1
    for one in json.loads(run("dns", "show", "example.org", "--json")[1]):
        if one["type"] == "TXT":
            names.records.setdefault(one["name"], {}).setdefault("TXT", []).append(one["value"])
    names.records["example.org"]["MX"] = [(10, "mx.example.org")]
    code, out, _ = run("dns", "check", "example.org")
    assert code == 0, out
    names.records["_dmarc.example.org"] = {"TXT": ["v=DMARC1; p=none"]}
    assert run("dns", "check", "example.org", "--json")[0] == 1


def test_zone_files_take_what_is_printed(run: Run) -> None:
    """No string of a record may be longer than 255 octets (RFC 1035 §3.3)."""
    (rsa,) = [key for key in _keys(run) if key["algorithm"] == "rsa-sha256"]
    for words in (("dns", "show", "example.org"), ("dkim", "list", "example.org")):
        lines = run(*words)[1].splitlines()
        (line,) = [line for line in lines if line.startswith(f"{rsa['name']}. ")]
        read = dns.rdata.from_text("IN", "TXT", line.partition(" IN TXT ")[2])
        assert b"".join(read.strings).decode() == rsa["record"]


@pytest.mark.parametrize(
    ("kind", "written", "is_right"),
    [
        ("v=spf1", "v=spf1 +mx include:list.example ~all", True),
        ("v=spf1", "v=spf1 include:list.example -all", False),
        ("v=DMAR", "v=DMARC1;p=reject", True),
        ("v=DMAR", "v=DMARC1", False),
        ("v=DKIM", "{p} ; k = {k};v=DKIM1", False),  # v= must come first
        ("v=DKIM", "v=DKIM1;t=s; k={k};\tp= {p}", True),
        ("v=DKIM", "v=DKIM1; k={k}; p=", False),
    ],
)
def test_records_that_do_the_same_are_right(
    run: Run, names: NameServer, kind: str, written: str, is_right: bool
) -> None:
    shown = json.loads(run("dns", "show", "example.org", "--json")[1])
    wanted = next(one for one in shown if one["value"].startswith(kind))
    tags = dict(part.split("=", 1) for part in wanted["value"].split("; ") if "=" in part)
    text = written.format(k=tags.get("k"), p=tags.get("p"))
    names.records[wanted["name"]] = {"TXT": [text]}
    seen = json.loads(run("dns", "check", "example.org", "--json")[1])
    (one,) = [
        one for one in seen if (one["name"], one["value"]) == (wanted["name"], wanted["value"])
    ]
    assert one["seen"] == ("right" if is_right else "different")


def test_the_policy_file(run: Run) -> None:
    code, out, _ = run("dns", "policy")
    assert code == 0
    assert "version: STSv1" in out
    assert "mx: mx.example.org" in out
