"""docs/rfc.trust.toml names modules that are there."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path

import pytest

TABLE = Path(__file__).parents[2] / "docs" / "rfc.trust.toml"
ROWS = tomllib.loads(TABLE.read_text())["rfc"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["number"]))
def test_the_module_is_there(row: dict[str, str]) -> None:
    importlib.import_module(f"pillarbox.{row['module']}")
    assert row["status"] in ("yes", "partial", "no")
    assert (row["status"] == "partial") == ("note" in row)
