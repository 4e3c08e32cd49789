"""docs/guide/limits.md says what the settings say, and names tests that exist."""

from __future__ import annotations

import re
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
# A setting so named bounds what a peer sends, holds or waits for; each must have its row.
BOUND = re.compile(
    r"\.(max_|longest_|waiting_|free_|remembered_|table_entries|http_|linger|connections|search_)"
    r"|_(timeout|octets|failures|commands)$|^(smtp|pop3|imap)\..*_seconds$"
)
SECTIONS = (
    "limits.", "smtp.", "imap.", "pop3.", "auth.", "store.",
    "submission.", "queue.", "outbound.", "dns.", "trust.", "reports.",
)  # fmt: skip
MET_BY_DEFAULT = {"smtp.max_received_fields", "submission.max_hold_days"}
NOT_LIMITS = {
    "store.max_message_octets",  # SMTP and IMAP have their own, met there
    "store.own_segment_octets",  # how mail is laid out on the disk
    "store.segment_octets",
    "store.read_cache_octets",  # our own memory
    "imap.idle_timeout",  # RFC 9051 sets it; `test_connection.py` has it in its table
    "smtp.greeting_delay_seconds",  # our own pause
    "outbound.limits.block_octets",  # our own pieces
    "outbound.limits.eager_octets",
    "pop3.login_delay_seconds",  # a wish of the administrator's
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
    bounds = {path for path in SETTINGS if path.startswith(SECTIONS) and BOUND.search(path)}
    missing = bounds - NOT_LIMITS - named
    assert not missing, sorted(missing)


def test_a_named_test_meets_its_limit() -> None:
    """The file names the setting, or lies beside transcripts that do."""
    transcripts = "".join(
        path.read_text() for path in (ROOT / "tests/transcripts").rglob("*") if path.is_file()
    )
    for _, path, *_, test in ROWS:
        file = ROOT / test if test.startswith("tests/") else ROOT / "tests/hostile" / test
        text = file.read_text()
        assert "def test_" in text, test
        name = path.rpartition(".")[2]
        if "transcripts" in test and path not in MET_BY_DEFAULT:
            assert f"set: {name}=" in transcripts, path
