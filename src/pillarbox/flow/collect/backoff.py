"""When a remote account is looked at next, after what came of the last look. Pure."""

from __future__ import annotations

import math
from typing import Literal

from msgspec import Struct

from pillarbox.config.collect import CollectSettings
from pillarbox.flow.collect.presets import find_by_host
from pillarbox.flow.collect.settings import RemoteSettings
from pillarbox.flow.collect.source import Trouble
from pillarbox.store.sql.remote_lease import Ended
from pillarbox.store.sql.remotes import RemoteState

# What only a person can mend: a password, a consent.
_PERSONAL = frozenset(("sign-in", "second-factor", "consent"))
_SPREAD = 0.2  # so much of a time it may be more or less, so that not all look at once
_MOST_DOUBLINGS = 30
LONGEST_ASKED = 86_400  # seconds that the other side may put us off: providers count by the day

# Besides the source's own troubles: no room here, our store, the sealed password, a bug.
Cause = Trouble | Literal["quota", "here", "sealed", "fault"]


class Failure(Struct, frozen=True):
    """Why a run did not go well."""

    trouble: Cause
    why: str  # a sentence
    retry_after: float = 0.0  # seconds that the other side asked for


def after_success(
    settings: CollectSettings, remote: RemoteSettings, *, now: int, chance: float
) -> Ended:
    """`chance`: a random number from 0 to 1."""
    if remote.once:
        return Ended(state=RemoteState.DONE, due_at=None)
    seconds = max(remote.schedule_seconds, settings.shortest_schedule_seconds)
    return Ended(due_at=now + max(_spread(seconds, chance), _rest_between(remote)))


def _rest_between(remote: RemoteSettings) -> int:
    """Seconds that a large provider wants between two visits, whatever the schedule says."""
    if remote.kind != "pop3" or remote.server is None:
        return 0
    preset = find_by_host(remote.server.host)
    return preset.throttling.seconds_between if preset is not None else 0


def after_failure(
    settings: CollectSettings,
    failure: Failure,
    *,
    before: tuple[str, int],
    now: int,
    chance: float,
) -> Ended:
    """`before`: the trouble of the run before and how many failed in a row.

    Trouble with the sign-in counts only beside the like: a server that was down says nothing of a
    password.
    """
    trouble, failures = before
    is_personal = failure.trouble in _PERSONAL
    failures = 1 if is_personal and trouble not in _PERSONAL else failures + 1
    needs_person = failure.trouble in ("sealed", "file") or (
        is_personal and failures >= settings.sign_in_tries
    )
    doublings = min(failures - 1, _MOST_DOUBLINGS)
    seconds = min(settings.first_retry_seconds << doublings, settings.longest_retry_seconds)
    asked = min(math.ceil(failure.retry_after), LONGEST_ASKED)
    wait = max(_spread(seconds, chance), asked)
    return Ended(
        state=RemoteState.ATTENTION if needs_person else RemoteState.ACTIVE,
        due_at=None if needs_person else now + wait,
        trouble=failure.trouble,
        why=failure.why,
        failures=failures,
    )


def _spread(seconds: int, chance: float) -> int:
    return max(1, round(seconds * (1 - _SPREAD + 2 * _SPREAD * chance)))
