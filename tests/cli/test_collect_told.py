"""What came of bringing mail, in sentences."""

from __future__ import annotations

import pytest

from pillarbox.cli.collect_told import summary, troubles
from pillarbox.flow.collect.progress import Progress, TroubleNote


@pytest.mark.parametrize(
    ("progress", "told"),
    [
        (Progress(), "0 messages brought."),
        (
            Progress(brought=1, messages_done=1, octets_done=12, octets_brought=2048),
            "1 message brought (2.0 KiB).",
        ),
        (
            Progress(brought=1, messages_done=3, already=2, failed=1),
            "1 message brought, 2 were here already, 1 FAILED.",
        ),
        (
            Progress(throttled_until=1_800_000_000),
            "0 messages brought, throttled until 2027-01-15 08:00 UTC.",
        ),
    ],
)
def test_what_came(progress: Progress, told: str) -> None:
    assert summary(progress) == told


def test_every_message_that_failed_and_how_many_more() -> None:
    progress = Progress(failed=3, troubles=[TroubleNote("Work", "7", "It broke.", "Hello")])
    assert troubles(progress) == [
        "  Work, 7 “Hello”: It broke.",
        "  … and 2 more, which are not written down.",
    ]
