"""docs/webmail-criteria.md: every criterion is there, and every test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/webmail-criteria.md"
# How many there are of each kind (web.md §2).
COUNTS = {
    "SEL": 4,
    "BULK": 10,
    "OPEN": 8,
    "SIGN": 5,
    "REC": 6,
    "QUOTA": 4,
    "SYNC": 5,
    "COMP": 4,
}


def rows() -> dict[str, list[tuple[str, str]]]:
    """Files and names of each criterion's tests."""
    found = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and re.fullmatch(r"[A-Z]+-\d+", cells[0]):
            assert cells[0] not in found, f"{cells[0]} is there twice"
            found[cells[0]] = re.findall(r"`([\w/]+\.py)::(\w+)`", cells[2])
            assert len(found[cells[0]]) == cells[2].count("`") // 2, line
    return found


def test_every_criterion_has_a_browser_test_of_its_name() -> None:
    table = rows()
    assert set(table) == {
        f"{kind}-{n}" for kind, count in COUNTS.items() for n in range(1, count + 1)
    }
    for criterion, tests in table.items():
        kind, _, number = criterion.lower().partition("-")
        name = re.compile(rf"test_{kind}(_\d+_and)?_{number}(_|$)")
        named = [one for path, one in tests if path.startswith("browser/") and name.match(one)]
        assert named, criterion


def test_every_named_test_exists() -> None:
    missing = [
        f"{path}::{name}"
        for tests in rows().values()
        for path, name in tests
        if not re.search(rf"^(async )?def {name}\(", (ROOT / "tests" / path).read_text(), re.M)
    ]
    assert not missing


def test_every_browser_test_of_a_criterion_is_for_one_that_exists() -> None:
    table = rows()
    for path in (ROOT / "tests/browser").glob("test_*.py"):
        for kind, number in re.findall(r"^def test_([a-z]+)_(\d+)", path.read_text(), re.M):
            assert f"{kind.upper()}-{number}" in table, path.name
