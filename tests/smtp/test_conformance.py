"""docs/rfc.smtp.toml tells what the code offers, and modules that are there."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path

import pytest

from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.smtp.server import answers
from pillarbox.smtp.server.registry import DIALECT, EXTENSIONS
from pillarbox.smtp.wire.replies import Reply

TABLE = Path(__file__).parents[2] / "docs" / "rfc.smtp.toml"
ROWS = tomllib.loads(TABLE.read_text())["rfc"]


def test_every_extension_is_in_the_table() -> None:
    told = {(row["number"], row["keyword"]) for row in ROWS if "keyword" in row}
    assert told == {(one.rfc, one.keyword) for one in EXTENSIONS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.get("keyword", str(row["number"])))
def test_the_module_is_there(row: dict[str, str]) -> None:
    module = importlib.import_module(f"pillarbox.{row['module']}")
    if "keyword" in row:
        assert module.EXTENSION.keyword == row["keyword"]
    assert row["status"] in ("yes", "partial", "no")
    assert (row["status"] == "partial") == ("note" in row)


def test_verbs_are_named_once() -> None:
    own = [verb.name for extension in EXTENSIONS for verb in extension.verbs]
    assert len(own) == len(set(own)) and set(own) < set(DIALECT.verbs)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_reply(reason: Reason) -> None:
    reply = answers.reply_to_refusal(Refused(reason))
    assert 400 <= reply.code < 600 and reply.detail
    assert answers.reply_to_refusal(Refused(reason, "Words.")).text == "Words."


def test_every_reply_fits_a_line_and_has_its_code() -> None:
    replies = [value for value in vars(answers).values() if isinstance(value, Reply)]
    assert len(replies) > 30
    for reply in replies:
        line = reply.encode()
        assert len(line) <= 512 and line.isascii() and line.count(b"\r\n") == 1
        if reply.detail:
            assert line[4:5] == line[:1]


def test_lines_of_a_long_reply() -> None:
    assert Reply(214, "0.0", "a\nb").encode() == b"214-2.0.0 a\r\n214 2.0.0 b\r\n"
    assert Reply(250, "", "host\nSIZE 1").encode() == b"250-host\r\n250 SIZE 1\r\n"
    assert len(Reply(550, "1.1", "x" * 900).encode()) <= 512
