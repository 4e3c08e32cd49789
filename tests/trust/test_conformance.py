"""docs/rfc.trust.toml and docs/rfc.dns.toml name modules that are there."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
TABLES = [tomllib.loads((DOCS / f"rfc.{name}.toml").read_text()) for name in ("trust", "dns")]
ROWS = [row for table in TABLES for row in table["rfc"]]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["number"]))
def test_the_module_is_there(row: dict[str, str]) -> None:
    importlib.import_module(f"pillarbox.{row['module']}")
    assert row["status"] in ("yes", "partial", "no")
    assert (row["status"] == "partial") == ("note" in row)
