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
