"""docs/guide/limits.md says what the settings say, and names tests that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.config.schema import tables
from pillarbox.config.settings import Settings

ROOT = Path(__file__).parents[2]
SETTINGS = {setting.path: setting for table in tables(Settings) for setting in table.settings}
ROWS = [
    [cell.strip().strip("`") for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs/guide/limits.md").read_text().splitlines()
    if line.startswith("|") and "`" in line
]
# Settings of these kinds are limits, wherever they stand; each must have its row.
LIMITS = ("smtp.max_", "imap.max_", "store.max_", "limits.connections")
NOT_HERE = {
    "store.max_message_octets",  # SMTP and IMAP have their own, met there
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_a_row_is_true(row: list[str]) -> None:
    _, path, default, reason, test = row
    assert path in SETTINGS, "there is no such setting"
    assert SETTINGS[path].default == default
    assert reason
    folder = ROOT if test.startswith("tests/") else ROOT / "tests/hostile"
    assert (folder / test).is_file()


def test_every_limit_has_its_row() -> None:
    named = {row[1] for row in ROWS}
    wanted = {path for path in SETTINGS if path.startswith(LIMITS)} - NOT_HERE
    assert wanted <= named, wanted - named
