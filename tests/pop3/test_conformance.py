"""docs/rfc.pop3.toml says what CAPA says."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path

from pillarbox.config.auth import AuthSettings
from pillarbox.config.pop3 import Pop3Settings
from pillarbox.pop3.server.capabilities import capabilities

ROWS = tomllib.loads(
    (Path(__file__).parents[2] / "docs" / "rfc.pop3.toml").read_text(encoding="utf-8")
)["rfc"]
NOT_IN_AN_RFC = {"SASL LOGIN"}


def test_every_capability_has_its_row() -> None:
    mechanisms = (
        "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN",
    )  # fmt: skip
    announced = set()
    for line in capabilities(Pop3Settings(), mechanisms=mechanisms, user=True, stls=True):
        name, *rest = line.split()
        announced.add(name)
        if name == "SASL":
            announced |= {f"SASL {mechanism}" for mechanism in rest}
        if name == "UTF8":
            assert rest == ["USER"]
    listed = {name for row in ROWS for name in row["capability"]}
    assert announced - NOT_IN_AN_RFC == listed


def test_every_row_names_a_module() -> None:
    for row in ROWS:
        importlib.import_module(row["module"])
        assert row["status"] in ("yes", "partial", "no")
    numbers = [row["number"] for row in ROWS]
    assert len(numbers) == len(set(numbers))


def test_every_setting_explains_itself() -> None:
    """The reference is made of these texts."""
    import msgspec

    for settings in (Pop3Settings, AuthSettings):
        for field in msgspec.json.schema_components((settings,))[1].values():
            for name, prop in field.get("properties", {}).items():
                assert "description" in prop or "$ref" in str(prop), name
