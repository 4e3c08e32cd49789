"""What supervisor and worker say to one another survives the way."""

from __future__ import annotations

import msgspec
import pytest

from pillarbox.config.settings import Settings
from pillarbox.config.store import StoreSettings
from pillarbox.node.control import (
    MAX_LINE,
    Assignment,
    Lines,
    Order,
    Passed,
    Report,
    decode_for_worker,
    decode_from_worker,
    encode,
)

SETTINGS = Settings(store=StoreSettings(data_dir="/tmp/ä\nb"))


@pytest.mark.parametrize(
    "message",
    [
        Assignment(SETTINGS, (Passed(7, "imap"), Passed(8, "imaps")), 1, 2, "a@b"),
        Order("stop"),
        Order("retire"),
    ],
)
def test_messages_arrive_whole_in_any_pieces(message):
    line = encode(message)
    assert line.count(b"\n") == 1
    for size in (1, 7, len(line)):
        lines, found = Lines(), []
        for at in range(0, len(line), size):
            found += lines.feed(line[at : at + size])
        assert [decode_for_worker(one) for one in found] == [message]


def test_reports():
    report = Report("failed", "It is so: \n")
    assert decode_from_worker(encode(report)[:-1]) == report


def test_what_is_no_message_is_refused():
    for line in (b"", b"{}", b'{"type":"order","what":"dance"}', b"\xff"):
        with pytest.raises(msgspec.DecodeError):
            decode_for_worker(line)


def test_a_line_without_end_is_refused():
    with pytest.raises(ValueError, match="without end"):
        Lines().feed(b"x" * (MAX_LINE + 1))
