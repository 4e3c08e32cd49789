"""Links between pages lead somewhere, and the README names what is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_decision_is_listed() -> None:
    index = (ROOT / "docs/adr/README.md").read_text()
    records = {path.name for path in (ROOT / "docs/adr").glob("[0-9]*.md")}
    assert set(re.findall(r"\((\d{4}-[\w-]+\.md)\)", index)) == records


def test_the_readme_names_every_imap_capability_that_is_advertised() -> None:
    readme = (ROOT / "README.md").read_text()
    rows = tomllib.loads((ROOT / "docs/rfc.imap.toml").read_text())["rfc"]
    named = {
        capability.split("=")[0]
        for row in rows
        if row["status"] == "yes"
        for capability in row.get("capability", [])
    }
    missing = {name for name in named if name not in readme}
    assert named
    assert missing <= {"AUTH", "LOGINDISABLED", "STARTTLS"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_modules_that_are_named_exist(page: Path) -> None:
    """`imap/server/view.py` and its like, from the package, the tests or the page's own subject."""
    known = [*ROOT.glob("src/**/*.py"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("tools/*.py")]
    known += [*ROOT.glob("benchmarks/**/*.py"), *ROOT.glob("*.py")]
    paths = {f"/{path.relative_to(ROOT)}" for path in known}
    named = set(re.findall(r"`([\w/]+\.py)(?:::\w+)?`", page.read_text()))
    gone = {one for one in named if not any(path.endswith(f"/{one}") for path in paths)}
    assert gone == set()


def test_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in [*PAGES, ROOT / "benchmarks/README.md"]:
        named = set(re.findall(r"(?:^|`|&& )make ([a-z-]+)", page.read_text(), re.MULTILINE))
        assert named <= targets, page
