"""The guides about sending: their commands run on a real store, their settings are settings."""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pillarbox.cli.main import main
from pillarbox.config.loading import load
from pillarbox.config.schema import tables
from pillarbox.config.settings import Settings
from pillarbox.config.writing import to_toml
from support.name_server import NameServer, in_a_thread

GUIDES = Path(__file__).parents[2] / "docs/guide"
PAGES = ("first-domain", "sending", "troubleshooting")
RUN = {
    "first-domain": ["a-further-domain", "the-records", "is-it-there", "look", "new-keys"],
    "sending": ["by-hand", "queue"],
    "troubleshooting": ["three-questions"],
}
# What a new server with an empty queue answers with 1: the answer is no, not that it failed.
MAY_SAY_NO = (("dns", "check"), ("trace",))
Run = Callable[..., tuple[int, str, str]]


def blocks(page: str) -> dict[str, str]:
    """The labelled examples of a page."""
    text = (GUIDES / f"{page}.md").read_text()
    return dict(re.findall(r"```sh ([\w-]+)\n(.*?)```", text, re.DOTALL))


def commands(text: str) -> list[list[str]]:
    """Words behind `pillarbox`, a list for each line."""
    return [shlex.split(line)[1:] for line in text.splitlines() if line.startswith("pillarbox ")]


def settings_of(page: Path) -> list[str]:
    """Its examples of configuration."""
    return re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.fixture
def names() -> Iterator[NameServer]:
    with in_a_thread(NameServer({})) as server:
        yield server


@pytest.fixture
def run(
    tmp_path: Path,
    names: NameServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """A command line on a server set up for example.org; (exit code, output, errors)."""
    (route,) = tomllib.loads(settings_of(GUIDES / "sending.md")[1])["outbound"]["route"]
    file = tmp_path / "p.toml"
    tables = {
        "server": {"hostname": "mail.example.org"},
        "store": {"data_dir": "data"},
        "dns": {"servers": [names.address]},
        "outbound": {"route": [route]},
    }
    file.write_text(to_toml(tables))
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("PILLARBOX_CONFIG", str(file))

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
        try:
            code = main(words)
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    assert call("domain", "add", "example.org")[0] == 0
    return call


@pytest.mark.parametrize("page", PAGES)
def test_every_example_is_run_here(page: str) -> None:
    assert list(blocks(page)) == RUN[page]


def publish(run: Run, names: NameServer, domain: str) -> None:
    """The MX and TXT records that `dns show` prints for a domain, as a name server has them."""
    for one in json.loads(run("dns", "show", domain, "--json")[1]):
        if one["type"] == "MX":
            preference, host = one["value"].split()
            names.records.setdefault(one["name"], {})["MX"] = [(int(preference), host.rstrip("."))]
        elif one["type"] == "TXT":
            texts = names.records.setdefault(one["name"], {}).setdefault("TXT", [])
            texts.append(one["value"])


def test_a_domain_from_nothing_to_new_keys(run: Run, names: NameServer) -> None:
    """The whole page, its records published where it says so."""
    examples = blocks("first-domain")
    for words in commands(examples["a-further-domain"]):
        assert run(*words)[0] == 0, words
    (show,) = commands(examples["the-records"])
    code, shown, _ = run(*show)
    assert code == 0
    for part in ("IN MX", "v=spf1", "_domainkey", "_dmarc", "_mta-sts", "_smtp._tls", "IN SRV"):
        assert part in shown
    (check,) = commands(examples["is-it-there"])
    assert run(*check)[0] == 1  # nothing is published
    publish(run, names, "example.net")
    code, told, _ = run(*check)
    assert (code, "missing" in told) == (0, False), told
    trace, queue = commands(examples["look"])
    assert "Nothing is known" in run(*trace)[1]
    assert run(*queue)[0] == 0
    rotate, activate = commands(examples["new-keys"])
    assert run(*rotate)[0] == 0
    code, _, why = run(*activate)
    assert (code, "is not there" in why) == (1, True), why
    publish(run, names, "example.net")
    assert run(*activate)[0] == 0


@pytest.mark.parametrize(
    ("page", "label"), [(page, one) for page in PAGES[1:] for one in RUN[page]]
)
def test_commands_do_what_they_say(run: Run, page: str, label: str) -> None:
    for words in commands(blocks(page)[label]):
        code, _, why = run(*words)
        allowed = (0, 1) if any(tuple(words[: len(no)]) == no for no in MAY_SAY_NO) else (0,)
        assert code in allowed, (words, why)


@pytest.mark.parametrize("page", sorted(GUIDES.glob("*.md")), ids=lambda page: page.stem)
def test_settings_in_examples_are_settings(page: Path, tmp_path: Path) -> None:
    for number, text in enumerate(settings_of(page)):
        file = tmp_path / f"{number}.toml"
        file.write_text(text)
        load(file)


def test_every_setting_that_a_page_names_is_one() -> None:
    known = {setting.path for table in tables(Settings) for setting in table.settings}
    heads = {path.partition(".")[0] for path in known}
    known |= {path.rpartition(".")[0] for path in known}
    known |= {table.path.removesuffix("[]") for table in tables(Settings)}
    named = {
        name
        for page in PAGES
        for name in re.findall(r"`([a-z]+\.[a-z_.]+)", (GUIDES / f"{page}.md").read_text())
        if name.partition(".")[0] in heads and not name.endswith((".silent", ".server_silent"))
    }
    assert named
    assert {name for name in named if name.removesuffix(".") not in known} == set()
