"""The schedule as a table: when again, when warned, when given up."""

from __future__ import annotations

import pytest

from pillarbox.config.queue import DestinationRetrySettings, QueueSettings
from pillarbox.flow.queue.retry import LAST_ATTEMPT_SECONDS, Schedule, begins_at

MINUTE, HOUR, DAY = 60, 3600, 86_400
PLAIN = Schedule(QueueSettings())
OTHER = Schedule(
    QueueSettings(
        destination=(
            DestinationRetrySettings(domain="Slow.example", retry_minutes=(30,), expire_hours=1),
            DestinationRetrySettings(domain="patient.example", delay_warning_hours=0),
        )
    )
)


@pytest.mark.parametrize(
    ("attempts", "minutes"),
    [(1, 2), (2, 5), (3, 10), (4, 20), (5, 30), (6, 60), (7, 120), (8, 240), (9, 240), (500, 240)],
)
def test_minutes_then_hours(attempts: int, minutes: int) -> None:
    assert PLAIN.next_attempt("x.example", attempts, 0, 1000) == 1000 + minutes * MINUTE


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (5 * DAY - 8 * HOUR, 5 * DAY - 4 * HOUR),
        (5 * DAY - 3 * HOUR, 5 * DAY),  # the last one falls on the end
        (5 * DAY - 1, 5 * DAY),
        (5 * DAY, None),
        (9 * DAY, None),
    ],
)
def test_five_days(now: int, then: int | None) -> None:
    assert PLAIN.next_attempt("x.example", 40, 0, now) == then


def test_all_attempts_of_five_days() -> None:
    instants, now, attempts = [], 0, 0
    while now is not None:
        instants.append(now)
        attempts += 1
        now = PLAIN.next_attempt("x.example", attempts, 0, now)
    assert instants[:4] == [0, 120, 420, 1020]
    assert instants[-1] == 5 * DAY
    assert len(instants) == 37


def test_a_destination_of_its_own_schedule() -> None:
    assert OTHER.next_attempt("slow.example", 1, 0, 0) == 30 * MINUTE
    assert OTHER.next_attempt("slow.example", 2, 0, 30 * MINUTE) == HOUR
    assert OTHER.next_attempt("slow.example", 3, 0, HOUR) is None
    assert OTHER.next_attempt("x.example", 1, 0, 0) == 2 * MINUTE
    assert OTHER.is_late("x.example", 0, 4 * HOUR)
    assert not OTHER.is_late("patient.example", 0, 4 * DAY)
    assert OTHER.first_look() == HOUR


def test_late_and_over() -> None:
    assert not PLAIN.is_late("x.example", 100, 100 + 4 * HOUR - 1)
    assert PLAIN.is_late("x.example", 100, 100 + 4 * HOUR)
    assert not PLAIN.is_over("x.example", 0, 5 * DAY)
    assert PLAIN.is_over("x.example", 0, 5 * DAY + LAST_ATTEMPT_SECONDS)


@pytest.mark.parametrize(("failures", "minutes"), [(1, 1), (2, 2), (3, 5), (6, 30), (60, 30)])
def test_pauses(failures: int, minutes: int) -> None:
    assert PLAIN.pause(failures) == minutes * MINUTE


@pytest.mark.parametrize(
    ("hold", "begins"),
    [
        ("", 1000),
        ("for;3600", 4600),
        ("until;1970-01-01T01:00:00Z", 3600),
        ("until;1970-01-01t03:00:00+02:00", 3600),
        ("until;1970-01-01T00:00:00Z", 1000),
    ],
)
def test_the_time_that_a_sender_had_it_wait_does_not_count(hold: str, begins: int) -> None:
    assert begins_at(1000, hold) == begins
