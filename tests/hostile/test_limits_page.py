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
    r"|\.(most_|octets$|parts$|nesting$|processes$|redirects$|at_once$|concurrent|sign_in_tries)"
    r"|_per_(account|day)|\.per_|_tries$|^web\..*seconds$|^jmap\..*_seconds$"
)
SECTIONS = (
    "limits.", "smtp.", "imap.", "pop3.", "auth.", "store.",
    "submission.", "queue.", "outbound.", "dns.", "trust.", "reports.",
    "web.", "jmap.", "recovery.", "rules.", "collect.",
)  # fmt: skip
MET_BY_DEFAULT = {"smtp.max_received_fields", "submission.max_hold_days"}
NOT_LIMITS = {
    "store.max_message_octets",  # SMTP and IMAP have their own, met there
    "store.own_segment_octets",  # how mail is laid out on the disk
    "store.segment_octets",
    "store.read_cache_octets",  # our own memory
    "store.index_batch_octets",
    "web.bodies.cache_octets",
    "auth.browser.most_days",  # how long people stay signed in
    "recovery.sign_up_quota_octets",  # a wish of the administrator's
    "collect.files.header_octets",  # our own pieces, and what we ask for at one time
    "collect.files.piece_octets",
    "collect.imap_limits.fetch_octets",
    "collect.intake.batch_octets",
    "collect.pop3_limits.pipeline_commands",
    "collect.pop3_limits.unread_octets",
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
    file, _, function = _where(test)
    assert file.is_file()
    assert not function or f"def {function}(" in file.read_text()


def test_every_limit_has_its_row() -> None:
    named = {row[1] for row in ROWS}
    bounds = {path for path in SETTINGS if path.startswith(SECTIONS) and BOUND.search(path)}
    missing = bounds - NOT_LIMITS - named
    assert not missing, sorted(missing)


def _where(test: str) -> tuple[Path, str, str]:
    """The file, and the function where one is named."""
    name, colons, function = test.partition("::")
    folder = ROOT if name.startswith("tests/") else ROOT / "tests/hostile"
    return folder / name, colons, function


def test_a_named_test_meets_its_limit() -> None:
    """It is told by name, or its file names the setting, or it lies beside transcripts that do."""
    transcripts = "".join(
        path.read_text() for path in (ROOT / "tests/transcripts").rglob("*") if path.is_file()
    )
    for _, path, *_, test in ROWS:
        file, _, function = _where(test)
        text = file.read_text()
        assert "def test_" in text, test
        name = path.rpartition(".")[2]
        if "transcripts" not in test:
            assert function or name in text, path
        elif path not in MET_BY_DEFAULT:
            assert f"set: {name}=" in transcripts, path
