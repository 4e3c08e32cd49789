"""An extension is its module, its line in EXTENSIONS, its transcript and its row in the docs."""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

from pillarbox.imap.server import commands, extensions
from pillarbox.imap.server.command import Extension
from pillarbox.imap.server.registry import BASE_COMMANDS, COMMANDS, EXTENSIONS

ROOT = Path(__file__).parents[3]
ROWS = tomllib.loads((ROOT / "docs" / "rfc.imap.toml").read_text())["rfc"]
TRANSCRIPTS = "\n".join(
    path.read_text() for path in (ROOT / "tests" / "transcripts" / "imap").glob("*.imap")
)


def modules(package: object) -> list[str]:
    return [found.name for found in pkgutil.iter_modules(package.__path__)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", modules(extensions))
def test_every_module_of_an_extension_is_listed(name: str) -> None:
    module = importlib.import_module(f"{extensions.__name__}.{name}")
    rows = module.EXTENSIONS if hasattr(module, "EXTENSIONS") else (module.EXTENSION,)
    assert all(row in EXTENSIONS for row in rows)


@pytest.mark.parametrize("name", modules(commands))
def test_every_command_of_a_module_is_listed(name: str) -> None:
    module = importlib.import_module(f"{commands.__name__}.{name}")
    assert all(spec in COMMANDS.values() for spec in getattr(module, "COMMANDS", ()))


def test_no_command_is_listed_twice() -> None:
    specs = [*BASE_COMMANDS, *(spec for one in EXTENSIONS for spec in one.commands)]
    assert len({spec.name for spec in specs}) == len(specs)


@pytest.mark.parametrize("extension", EXTENSIONS, ids=lambda one: f"{one.rfc}{one.capabilities}")
def test_every_extension_is_in_the_docs_and_has_a_transcript(extension: Extension) -> None:
    row = next((row for row in ROWS if row["number"] == extension.rfc), None)
    assert row is not None, "docs/rfc.imap.toml has no row"
    assert set(extension.capabilities) <= set(row["capability"])
    assert row["status"] in ("yes", "partial")
    if extension.capabilities:
        assert re.search(rf"^#.*RFC {extension.rfc}\b", TRANSCRIPTS, re.MULTILINE)


def test_the_docs_promise_nothing_else() -> None:
    said = {name for row in ROWS for name in row["capability"]}
    assert said == {name for one in EXTENSIONS for name in one.capabilities}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["number"]))
def test_the_modules_in_the_docs_exist(row: dict[str, str]) -> None:
    importlib.import_module(row["module"])
