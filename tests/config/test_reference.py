"""The reference page is what the code says, and the code says something about each setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.config.reference import reference
from pillarbox.config.schema import Setting, tables
from pillarbox.config.settings import Settings

PAGE = Path(__file__).parents[2] / "docs/guide/configuration.md"
SETTINGS = [setting for table in tables(Settings) for setting in table.settings]


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == reference(), (
        "docs/guide/configuration.md is old: pillarbox config reference > that file"
    )


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.path)
def test_every_setting_has_its_reason(setting: Setting):
    assert len(setting.description) > 15, "say what it is, in which unit, and why so"
    assert setting.description.endswith(".")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.path)
def test_every_number_has_a_limit(setting: Setting):
    if setting.type in ("integer", "number"):
        assert setting.limits


def test_every_table_is_described():
    for table in tables(Settings):
        assert table.description.endswith(".")
