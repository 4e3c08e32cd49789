"""VacationResponse/get and set: one for each account (RFC 8621 §8)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pillarbox.jmap.capabilities import VACATION_RESPONSE
from pillarbox.jmap.context import Context, Services
from pillarbox.jmap.errors import RecordRefused, invalid_properties
from pillarbox.jmap.method import Answer, Capability, Method
from pillarbox.jmap.own_writes import OwnWrites
from pillarbox.jmap.singleton import SINGLETON, get_singleton, set_singleton
from pillarbox.jmap.standard import Get, Set, apply_patch
from pillarbox.store import Transaction
from pillarbox.store.sql import rules
from pillarbox.store.sql.rules import Vacation

PROPERTIES = ("id", "isEnabled", "fromDate", "toDate", "subject", "textBody", "htmlBody")
_MOST_SUBJECT = 500  # characters


async def run_get(ctx: Context, arguments: Get) -> Answer:
    """VacationResponse/get."""

    async def read() -> Answer:
        _, vacation = await ctx.store.read(lambda db: rules.get(db, ctx.account))
        return record(vacation)

    return await get_singleton(ctx, arguments, PROPERTIES, read)


async def run_set(ctx: Context, arguments: Set) -> Answer:
    """VacationResponse/set."""

    async def update(writes: OwnWrites, patch: dict[str, Any]) -> None:
        async def write(tx: Transaction) -> None:
            given, before = await rules.get(tx, ctx.account)
            after = parse(ctx, apply_patch(record(before), patch))
            await rules.put(tx, ctx.account, given, after)
            if after.is_enabled and not before.is_enabled:
                await rules.tell_anew(tx, ctx.account)

        await writes.write(write)

    return await set_singleton(ctx, arguments, update)


def record(vacation: Vacation) -> Answer:
    """As JMAP writes it."""
    return {
        "id": SINGLETON,
        "isEnabled": vacation.is_enabled,
        "fromDate": _date(vacation.begins_at),
        "toDate": _date(vacation.ends_at),
        "subject": vacation.subject or None,
        "textBody": vacation.text or None,
        "htmlBody": vacation.html or None,
    }


def parse(ctx: Context, given: dict[str, Any]) -> Vacation:
    """Raises RecordRefused."""
    unknown = sorted(set(given) - set(PROPERTIES))
    if unknown or given.get("id") != SINGLETON:
        raise invalid_properties("There is no such property, or it cannot be set.", *unknown)
    enabled = given.get("isEnabled")
    if not isinstance(enabled, bool):
        raise invalid_properties("isEnabled is true or false.", "isEnabled")
    begins, ends = _seconds(given, "fromDate"), _seconds(given, "toDate")
    if begins and ends and ends <= begins:
        raise invalid_properties("The absence ends before it begins.", "toDate")
    most = ctx.services.rules.longest_vacation
    subject = _text(given, "subject", _MOST_SUBJECT)
    if any(ord(character) < 32 for character in subject):
        raise invalid_properties("A subject is one line.", "subject")
    vacation = Vacation(
        is_enabled=enabled,
        begins_at=begins,
        ends_at=ends,
        subject=subject,
        text=_text(given, "textBody", most),
        html=_text(given, "htmlBody", most),
    )
    if enabled and not (vacation.text or vacation.html):
        raise invalid_properties("The answer needs a text.", "textBody")
    return vacation


def _date(seconds: int) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None


def _seconds(given: dict[str, Any], name: str) -> int:
    value = given.get(name)
    if value is None:
        return 0
    try:
        found = datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (TypeError, ValueError):
        raise invalid_properties("A date is like 2026-12-24T18:00:00Z.", name) from None
    return max(1, int(found.timestamp()))


def _text(given: dict[str, Any], name: str, most: int) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid_properties(f"{name} is a string.", name)
    if len(value) > most:
        raise RecordRefused("tooLarge", f"{name} may have {most} characters.")
    return value


def _nothing(_services: Services) -> Answer:
    return {}


CAPABILITY = Capability(
    VACATION_RESPONSE,
    _nothing,
    _nothing,
    (
        Method("VacationResponse/get", VACATION_RESPONSE, Get, run_get),
        Method("VacationResponse/set", VACATION_RESPONSE, Set, run_set),
    ),
)
