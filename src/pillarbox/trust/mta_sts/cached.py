"""When a policy is fetched, and which one counts meanwhile (RFC 8461 §3.3, §5.1). Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from pillarbox.trust.mta_sts.policy import Policy

REFRESH_AFTER = timedelta(days=1)  # RFC 8461 §3.3: so that nobody can wait for a policy's end
RETRY_AFTER = timedelta(minutes=5)  # RFC 8461 §3.3, for each id


class Known(Struct, frozen=True):
    """What is remembered of one domain. To be kept over restarts."""

    ident: str = ""  # of the policy, as the TXT record had it when it was fetched
    policy: Policy | None = None
    fetched_at: datetime | None = None
    failed_ident: str = ""  # of the last fetch, if that failed
    failed_at: datetime | None = None


class Decision(Struct, frozen=True):
    """What to do about one domain now."""

    policy: Policy | None  # that counts until a fetch brings another; None: there is none
    fetch: bool
    wait: bool  # the fetch first, then the mail


NOTHING = Known()


def plan_policy(known: Known, ident: str | None, now: datetime) -> Decision:
    """`ident` is what the TXT record says now; None: no valid record, or no answer.

    A policy that is still alive counts even without a record: who can drop the record must not
    thereby drop the policy.
    """
    alive = policy_alive(known, now)
    if ident is None or _failed_lately(known, ident, now):
        return Decision(alive, fetch=False, wait=False)
    if alive is None or ident != known.ident:
        return Decision(alive, fetch=True, wait=True)
    due = known.fetched_at is None or now - known.fetched_at >= REFRESH_AFTER
    return Decision(alive, fetch=due, wait=False)


def policy_alive(known: Known, now: datetime) -> Policy | None:
    """The policy within its lifetime."""
    if known.policy is None or known.fetched_at is None:
        return None
    return known.policy if now < known.fetched_at + known.policy.max_age else None


def _failed_lately(known: Known, ident: str, now: datetime) -> bool:
    return (
        known.failed_at is not None
        and known.failed_ident == ident
        and now - known.failed_at < RETRY_AFTER
    )


def note_fetched(ident: str, policy: Policy, now: datetime) -> Known:
    """After a fetch that brought a policy."""
    return Known(ident=ident, policy=policy, fetched_at=now)


def note_failed(known: Known, ident: str, now: datetime) -> Known:
    """After a fetch that brought none: what was known stays so until its end."""
    return Known(known.ident, known.policy, known.fetched_at, ident, now)
