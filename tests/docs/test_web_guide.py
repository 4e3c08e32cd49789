"""The guide of the web page: its pictures are there, and its words are those of the page."""

from __future__ import annotations

import json
import re
import shlex
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pillarbox.cli.main import main
from pillarbox.config.schema import tables
from pillarbox.config.settings import Settings
from pillarbox.config.writing import to_toml

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs/guide"
PICTURES = GUIDES / "pictures"
PAGES = {name: (GUIDES / f"{name}.md").read_text() for name in (
    "web", "web-clearing", "web-account", "web-admin",
)}  # fmt: skip
MOST_OCTETS = 2_500_000
SIZES = {(1280, 800), (390, 844)}
FRONTEND = ROOT / "frontend/src"
EVENTS = {
    "web.client_error",
    "web.pictures_left_for_opening",
    "web.pictures_not_all_fetched",
}  # of the log, named like settings


def shown(pages: dict[str, str]) -> set[str]:
    """Names of the pictures that pages show."""
    return {
        name
        for page in pages.values()
        for name in re.findall(r"pictures/([\w-]+)-light\.png", page)
    }


def test_every_picture_is_there_in_both_themes_and_is_shown() -> None:
    there = {path.stem for path in PICTURES.glob("*.png")}
    assert {f"{name}-{theme}" for name in shown(PAGES) for theme in ("light", "dark")} == there
    for page in PAGES.values():
        for dark, light in re.findall(
            r'srcset="pictures/([\w-]+)"?.*?src="pictures/([\w-]+)', page
        ):
            assert dark.removesuffix("-dark") == light.removesuffix("-light")
    assert 'alt=""' not in "".join(PAGES.values())


def test_pictures_have_the_sizes_of_a_desktop_and_a_telephone_and_are_small() -> None:
    files = list(PICTURES.glob("*.png"))
    assert sum(file.stat().st_size for file in files) <= MOST_OCTETS
    for file in files:
        size = struct.unpack(">II", file.read_bytes()[16:24])
        assert size in SIZES, (file.name, size)
        assert (size[0] == 390) == file.name.startswith("phone-")


def words() -> list[str]:
    """Everything that the page says in English."""
    files = [*(FRONTEND / "i18n/en").glob("*.json")]
    files += [*(ROOT / "src/pillarbox/web").glob("*/texts/en.json")]

    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for one in value.values():
                yield from texts(one)
        else:
            yield value

    return [text for file in files for text in texts(json.loads(file.read_text()))]


SAID = [re.sub(r"\\\{\w+\\\}", ".+", re.escape(text)) for text in words()]


@pytest.mark.parametrize("name", PAGES)
def test_what_stands_in_italics_stands_on_the_page(name: str) -> None:
    """Names of buttons and places, "*Settings → Folders*"; of a longer one the beginning."""
    prose = re.sub(r"```.*?```|\*\*.*?\*\*", "", PAGES[name], flags=re.DOTALL)
    named = {
        part.strip().rstrip("…").strip()
        for italic in re.findall(r"(?<![\w*])\*([^*`|]+?)\*(?![\w*])", prose, re.DOTALL)
        for part in " ".join(italic.split()).split("→")
    }
    assert {
        one
        for one in named
        if not any(re.match(re.escape(one), said.replace("\\", "")) for said in SAID)
    } == set()


@pytest.mark.parametrize("language", ["en", "de", "es", "zh"])
def test_letters_name_the_page_of_the_settings_as_it_is_called(language: str) -> None:
    letter = json.loads((ROOT / f"src/pillarbox/web/account/texts/{language}.json").read_text())
    page = json.loads((FRONTEND / f"i18n/{language}/settings.json").read_text())
    assert page["security"] in letter["notice"]


def test_every_operator_of_the_search_is_told() -> None:
    names = re.search(r"NAMES = \[(.*?)\]", (FRONTEND / "search/grammar.ts").read_text(), re.DOTALL)
    assert names is not None
    operators = re.findall(r"'(\w+)'", names[1])
    assert len(operators) >= 15
    assert [one for one in operators if f"`{one}:" not in PAGES["web"]] == []


def test_keys_that_are_told_are_keys() -> None:
    known = set(re.findall(r"keys: '([^']+)'", (FRONTEND / "keys/map.ts").read_text()))
    table = PAGES["web"].partition("## Keys")[2].partition("Everything can be done")[0]
    told = set(re.findall(r"`([^`]+)`", table))
    assert len(told) > 15
    assert told - known == set()


def commands(name: str) -> list[list[str]]:
    """Of the labelled examples of a page."""
    blocks = re.findall(r"```sh [\w-]+\n(.*?)```", PAGES[name], re.DOTALL)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]


def test_the_commands_for_administrators_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.toml"
    cheap = {"argon2_passes": 1, "argon2_memory_kib": 8, "scram_iterations": 4096}
    file.write_text(
        to_toml(
            {
                "server": {"hostname": "mail.example.org"},
                "store": {"data_dir": "data"},
                "auth": cheap,
            }
        )
    )
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("PILLARBOX_CONFIG", str(file))
    assert main(["domain", "add", "example.org"]) == 0
    run = commands("web-admin")
    assert len(run) >= 8
    for line in run:
        assert main(line) == 0, (line, capsys.readouterr().err)


def test_the_settings_that_pages_name_are_settings() -> None:
    known = {setting.path for table in tables(Settings) for setting in table.settings}
    heads = {path.partition(".")[0] for path in known}
    known |= {table.path.removesuffix("[]") for table in tables(Settings)}
    named = {
        name
        for page in PAGES.values()
        for name in re.findall(r"`\[?([a-z]+(?:\.[a-z_]+)*)", page)
        if name.partition(".")[0] in heads and ("." in name or f"`[{name}]`" in page)
    }
    assert len(named) > 8
    assert named - known == EVENTS
