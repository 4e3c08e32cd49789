"""Who is told what: RFC 3461's NOTIFY as a table."""

from __future__ import annotations

import pytest

from pillarbox.flow.queue.wishes import Tell, tell_delay, tell_end
from pillarbox.store.model import RecipientState as State


@pytest.mark.parametrize(
    ("state", "notify", "told"),
    [
        (State.FAILED, "", Tell.FAILED),
        (State.FAILED, "FAILURE", Tell.FAILED),
        (State.FAILED, "success,failure", Tell.FAILED),
        (State.FAILED, "SUCCESS,DELAY", Tell.NOTHING),
        (State.FAILED, "NEVER", Tell.NOTHING),
        (State.EXPIRED, "", Tell.EXPIRED),
        (State.RELAYED, "", Tell.NOTHING),
        (State.RELAYED, "SUCCESS", Tell.RELAYED),
        (State.DELIVERED, "SUCCESS,FAILURE", Tell.DELIVERED),
        (State.EXPANDED, "SUCCESS", Tell.EXPANDED),
        (State.DROPPED, "SUCCESS,FAILURE", Tell.NOTHING),
    ],
)
def test_ends(state: State, notify: str, told: Tell) -> None:
    assert tell_end(state, notify, "alice@example.org") is told
    assert tell_end(state, notify, "") is Tell.NOTHING  # the null sender is never told


def test_the_next_server_reports_itself() -> None:
    assert tell_end(State.RELAYED, "SUCCESS", "a@example.org", sent_dsn=True) is Tell.NOTHING
    assert tell_end(State.FAILED, "", "a@example.org", sent_dsn=True) is Tell.FAILED


@pytest.mark.parametrize(
    ("notify", "told"),
    [("", True), ("DELAY", True), ("FAILURE,DELAY", True), ("FAILURE", False), ("NEVER", False)],
)
def test_delays(notify: str, told: bool) -> None:
    assert bool(tell_delay(notify, "alice@example.org")) is told
    assert not tell_delay(notify, "")
