"""Each event is one line, whatever its fields hold."""

from __future__ import annotations

import io
import json
import logging

import pytest

from pillarbox.net.secret import Secret
from pillarbox.telemetry import log as logs


@pytest.fixture
def written():
    """Configure onto a stream and put the root logger back afterwards."""
    root = logging.getLogger()
    handlers, level, raising = list(root.handlers), root.level, logging.raiseExceptions
    stream = io.StringIO()
    yield lambda **how: (logs.configure(stream=stream, **how), stream)[1]
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raising


def test_an_event_is_one_json_object(written):
    stream = written(level="info", style="json")
    logs.get_logger("smtp").event("smtp.accepted", journey="abc", octets=12, sender=None)
    line = json.loads(stream.getvalue())
    assert line["time"].endswith("Z")
    assert line["pid"] > 0
    del line["time"], line["pid"]
    assert line == {
        "level": "info",
        "event": "smtp.accepted",
        "part": "smtp",
        "journey": "abc",
        "octets": 12,
    }


@pytest.mark.parametrize("style", ["json", "text"])
@pytest.mark.parametrize(
    "value",
    ["a\nb", "a\r\n\x1b[31m", b"\xff\x00\n", "\ud800", "x" * 100_000, ["a\nb"], {"k": "v\n"}],
)
def test_no_value_breaks_the_line(written, style, value):
    stream = written(level="info", style=style)
    logs.get_logger("imap").event("imap.seen", value=value)
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert len(text) < 20_000
    assert text.rstrip("\n").isprintable()


def test_secrets_are_not_shown(written):
    stream = written(level="info", style="json")
    logs.get_logger("auth").event("auth.tried", password=Secret("hunter22"))
    assert "hunter22" not in stream.getvalue()


def test_levels_are_kept(written):
    stream = written(level="warning", style="json")
    log = logs.get_logger("node")
    log.debug_event("a")
    log.event("b")
    log.warning_event("c")
    log.error_event("d")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["c", "d"]


def test_an_exception_stays_on_the_line_with_its_traceback(written):
    stream = written(level="info", style="json")
    try:
        raise KeyError("lost")
    except KeyError:
        logs.get_logger("node").error_event("node.fault", exc=True)
    line = json.loads(stream.getvalue())
    assert "KeyError: 'lost'" in line["traceback"]


def test_records_of_libraries_are_json_too(written):
    stream = written(level="info", style="json")
    logging.getLogger("asyncio").error("task %s", "broke")
    assert json.loads(stream.getvalue())["event"] == "task broke"


def test_text_is_for_people(written):
    stream = written(level="info", style="text")
    logs.get_logger("pop3").warning_event("pop3.closed", peer="::1", why="too slow")
    assert stream.getvalue().rstrip("\n").endswith("warning pop3.closed peer=::1 why=too slow")


@pytest.mark.parametrize("style", ["json", "text"])
@pytest.mark.parametrize("control", ["\x1b", "\x7f", "\x85", "\x9b", "\u2028"])
def test_no_control_character_reaches_a_terminal(written, style, control):
    stream = written(level="info", style=style)
    try:
        raise ValueError(f"a{control}2J")
    except ValueError:
        logs.get_logger("smtp").error_event("smtp.x", exc=True, sender=f"ü{control}2J@example.org")
    text = stream.getvalue()
    assert control not in text
    assert "ü" in text
    assert f"{ord(control):02x}2J@example.org" in text
