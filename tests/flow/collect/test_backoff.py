"""When a remote account is looked at next."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.config.collect import CollectSettings
from pillarbox.flow.collect.backoff import Cause, Failure, after_failure, after_success
from pillarbox.flow.collect.settings import RemoteSettings, ServerSpec
from pillarbox.store.sql.remotes import RemoteState

SETTINGS = CollectSettings()
NOW = 1_800_000_000
MIDDLE = 0.5


def remote(**more: Any) -> RemoteSettings:
    server = ServerSpec("imap.example.org", 993)
    return RemoteSettings(kind="imap", server=server, login="alice", label="work", **more)


@pytest.mark.parametrize(
    ("asked", "chance", "wait"),
    [(900, 0.5, 900), (900, 0.0, 720), (900, 1.0, 1080), (1, 0.5, 120), (0, 0.5, 120)],
)
def test_after_success_by_schedule(asked: int, chance: float, wait: int) -> None:
    ended = after_success(SETTINGS, remote(schedule_seconds=asked), now=NOW, chance=chance)
    assert (ended.state, ended.due_at, ended.trouble) == (RemoteState.ACTIVE, NOW + wait, "")
    assert ended.failures == 0


@pytest.mark.parametrize(("kind", "chance", "wait"), [("pop3", 0.0, 900), ("imap", 0.0, 240)])
def test_the_rest_that_a_provider_wants_between_visits(kind: Any, chance: float, wait: int) -> None:
    server = ServerSpec("POP3.web.de" if kind == "pop3" else "imap.web.de", 995)
    there = RemoteSettings(kind=kind, server=server, login="a", label="b", schedule_seconds=300)
    assert after_success(SETTINGS, there, now=NOW, chance=chance).due_at == NOW + wait


def test_what_was_to_come_once_has_come() -> None:
    ended = after_success(SETTINGS, remote(once=True), now=NOW, chance=MIDDLE)
    assert (ended.state, ended.due_at) == (RemoteState.DONE, None)


def fail(trouble: Cause, before: tuple[str, int], *, retry_after: float = 0.0) -> Any:
    failure = Failure(trouble, "Because.", retry_after)
    return after_failure(SETTINGS, failure, before=before, now=NOW, chance=MIDDLE)


def test_waits_double_from_a_minute_to_six_hours() -> None:
    waits = [fail("cut", ("cut", count)).due_at - NOW for count in range(12)]
    assert waits == [60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 21600, 21600, 21600]
    assert fail("cut", ("cut", 10**9)).due_at == NOW + 21600


@pytest.mark.parametrize("trouble", ["sign-in", "second-factor", "consent"])
def test_what_only_a_person_can_mend_is_tried_thrice(trouble: Cause) -> None:
    first, second, third = (fail(trouble, (trouble if n else "", n)) for n in range(3))
    assert [one.state for one in (first, second)] == [RemoteState.ACTIVE] * 2
    assert (third.state, third.due_at) == (RemoteState.ATTENTION, None)
    assert (third.trouble, third.why, third.failures) == (trouble, "Because.", 3)


def test_a_server_that_was_down_says_nothing_of_the_password() -> None:
    ended = fail("sign-in", ("unreachable", 40))
    assert (ended.state, ended.failures) == (RemoteState.ACTIVE, 1)
    assert fail("unreachable", ("unreachable", 40)).state is RemoteState.ACTIVE


def test_a_lost_key_needs_a_person_at_once() -> None:
    assert fail("sealed", ("", 0)).state is RemoteState.ATTENTION


def test_what_the_provider_says_is_waited() -> None:
    assert fail("throttled", ("", 0), retry_after=3600.5).due_at == NOW + 3601
    assert fail("throttled", ("throttled", 9), retry_after=5).due_at == NOW + 21600
    assert fail("throttled", ("", 0), retry_after=1e9).due_at == NOW + 86_400
