"""MailRules/get and set, a capability of ours: forwarding, blocked senders, deleting old mail.

An address that mail is to go on to must show a code that was sent there: `{"address": "…",
"keepCopy": true}` has one sent, the same with `"code"` proves it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Any

import msgspec

from pillarbox.accounts.names import fold_address, fold_domain
from pillarbox.errors import BadName, NotFound
from pillarbox.ids import MailboxId
from pillarbox.jmap.capabilities import RULES
from pillarbox.jmap.context import Context, Services
from pillarbox.jmap.errors import RecordRefused, invalid_properties
from pillarbox.jmap.ids import mailbox_id, number_of
from pillarbox.jmap.method import Answer, Capability, Method
from pillarbox.jmap.own_writes import OwnWrites
from pillarbox.jmap.singleton import SINGLETON, get_singleton, set_singleton
from pillarbox.jmap.standard import Get, Set, apply_patch
from pillarbox.message.builder import Address
from pillarbox.store import Transaction
from pillarbox.store.sql import rules
from pillarbox.store.sql.rules import DeleteAfter, Forward, MailRules

PROPERTIES = ("id", "forward", "blocked", "deleteAfter")
_DAY = 86_400
_CODE_DIGITS = 8
_MOST_DAYS = 36_500
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_LETTER = """\
{login} wants to have mail sent on to this address.

If that is right, give them this code, which they can use for {hours} hours:

    {code}

If you do not know them, do nothing: no mail will be sent on.
"""


class _ForwardGiven(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    address: str
    keep_copy: bool = True
    verified: bool = False  # what we said; it proves nothing
    code: str | None = None


class _DeleteGiven(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    days: int
    id: str = ""
    from_: str | None = msgspec.field(default=None, name="from")
    in_mailbox: str | None = None


async def run_get(ctx: Context, arguments: Get) -> Answer:
    """MailRules/get."""

    async def read() -> Answer:
        given, _ = await ctx.store.read(lambda db: rules.get(db, ctx.account))
        return record(given)

    return await get_singleton(ctx, arguments, PROPERTIES, read)


async def run_set(ctx: Context, arguments: Set) -> Answer:
    """MailRules/set."""
    return await set_singleton(ctx, arguments, _Change(ctx).update)


def record(given: MailRules) -> Answer:
    """As JMAP writes it."""
    return {
        "id": SINGLETON,
        "forward": [
            {"address": one.address, "keepCopy": one.keep_copy, "verified": one.verified}
            for one in given.forward
        ],
        "blocked": list(given.blocked),
        "deleteAfter": [
            {
                "id": one.id,
                "days": one.days,
                "from": one.sender or None,
                "inMailbox": mailbox_id(one.mailbox) if one.mailbox is not None else None,
            }
            for one in given.delete_after
        ],
    }


class _Change:
    """One update."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._limits = ctx.services.rules

    async def update(self, writes: OwnWrites, patch: dict[str, Any]) -> Answer | None:
        """The new forwards are asked for their codes behind the write."""
        ctx = self._ctx
        before, _ = await ctx.store.read(lambda db: rules.get(db, ctx.account))
        wanted = apply_patch(record(before), patch)
        unknown = sorted(set(wanted) - set(PROPERTIES))
        if unknown or wanted.get("id") != SINGLETON:
            raise invalid_properties("There is no such property, or it cannot be set.", *unknown)
        forwards = await self._forwards(before, wanted.get("forward") or [])
        after = MailRules(
            forward=tuple(forwards),
            blocked=self._blocked(wanted.get("blocked") or []),
            delete_after=self._delete_after(wanted.get("deleteAfter") or []),
        )

        async def write(tx: Transaction) -> None:
            _, vacation = await rules.get(tx, ctx.account)
            await rules.put(tx, ctx.account, after, vacation)

        known = {one.address for one in before.forward}
        asked = [one.address for one in after.forward if one.address not in known]
        await self._check_codes_left(len(asked))
        await writes.write(write)
        for address in asked:
            await self._ask(address)
        return None if record(after) == wanted else record(after)

    async def _forwards(self, before: MailRules, given: list[Any]) -> list[Forward]:
        entries = _typed(given, list[_ForwardGiven], "forward")
        if entries and not self._limits.forwarding:
            raise RecordRefused("forbidden", "Forwarding is switched off on this server.")
        if len(entries) > self._limits.most_forwards:
            raise RecordRefused("limit", f"At most {self._limits.most_forwards} addresses.")
        proved = {one.address for one in before.forward if one.verified}
        found: dict[str, Forward] = {}
        for entry in entries:
            address = _address(entry.address, "forward")
            if address == self._ctx.identity.login:
                raise invalid_properties("That is your own address.", "forward")
            if entry.code is not None and address not in proved:
                await self._prove(address, entry.code)
                proved.add(address)
            found[address] = Forward(address, entry.keep_copy, address in proved)
        return list(found.values())

    async def _prove(self, address: str, code: str) -> None:
        """Raises RecordRefused. A try counts whatever becomes of the rest."""
        ctx = self._ctx
        try:
            proof = await ctx.store.write(lambda tx: rules.try_proof(tx, ctx.account, address))
        except NotFound:
            raise invalid_properties("No code was sent there yet.", "forward") from None
        oldest = int(ctx.services.clock.now().timestamp()) - self._limits.code_hours * 3600
        if proof.tries >= self._limits.code_tries or proof.sent_at < oldest:
            raise invalid_properties(
                "That code can no longer be used. Remove the address and add it again.", "forward"
            )
        if not hmac.compare_digest(proof.digest, _digest(code)):
            raise invalid_properties("That is not the code that was sent there.", "forward")

    async def _check_codes_left(self, wanted: int) -> None:
        if not wanted:
            return
        ctx = self._ctx
        since = int(ctx.services.clock.now().timestamp()) - _DAY
        asked = await ctx.store.read(lambda db: rules.asked_since(db, ctx.account, since))
        if asked + wanted > self._limits.codes_per_day:
            raise RecordRefused("rateLimit", "Too many addresses in one day; go on tomorrow.")

    async def _ask(self, address: str) -> None:
        """Send the code; it is remembered in the same write as the letter."""
        ctx, letters = self._ctx, self._ctx.services.letters
        if letters is None:
            raise RecordRefused("forbidden", "This server sends no mail.")
        code = f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}}"
        login = ctx.identity.login
        letter = await letters.write(
            Address(address),
            f"Code for mail of {login}",
            _LETTER.format(login=login, code=code, hours=self._limits.code_hours),
            domain=login.rpartition("@")[2],
        )

        async def remember(tx: Transaction) -> None:
            await rules.ask_proof(tx, ctx.account, address, _digest(code))

        await letters.send(letter, along=remember)

    def _blocked(self, given: list[Any]) -> tuple[str, ...]:
        entries = _typed(given, list[str], "blocked")
        if len(entries) > self._limits.most_blocked:
            raise RecordRefused("limit", f"At most {self._limits.most_blocked} senders.")
        return tuple(dict.fromkeys(_sender(one) for one in entries))

    def _delete_after(self, given: list[Any]) -> tuple[DeleteAfter, ...]:
        entries = _typed(given, list[_DeleteGiven], "deleteAfter")
        if len(entries) > self._limits.most_delete_after:
            raise RecordRefused("limit", f"At most {self._limits.most_delete_after} rules.")
        found = []
        for entry in entries:
            sender = _sender(entry.from_) if entry.from_ else ""
            number = number_of("F", entry.in_mailbox) if entry.in_mailbox else 0
            if (entry.in_mailbox and not number) or not (sender or number):
                raise invalid_properties(
                    "A rule names a sender, a mailbox, or both.", "deleteAfter"
                )
            if not 1 <= entry.days <= _MOST_DAYS:
                raise invalid_properties("The days are 1 to 36,500.", "deleteAfter")
            name = entry.id if _NAME.fullmatch(entry.id) else secrets.token_hex(4)
            found.append(
                DeleteAfter(name, entry.days, sender, MailboxId(number) if number else None)
            )
        return tuple(found)


def _typed(given: Any, kind: Any, name: str) -> Any:
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise invalid_properties(str(error), name) from None


def _address(text: str, name: str) -> str:
    try:
        return fold_address(text.strip())
    except BadName as error:
        raise invalid_properties(f"{text!r} is no address. {error}", name) from None


def _sender(text: str) -> str:
    """An address, or "@domain" for all of a domain."""
    text = text.strip()
    if not text.startswith("@"):
        return _address(text, "blocked")
    try:
        return f"@{fold_domain(text[1:])}"
    except BadName as error:
        raise invalid_properties(f"{text!r} is no domain. {error}", "blocked") from None


def _digest(code: str) -> bytes:
    digits = re.sub(r"[^0-9]", "", code)
    return hashlib.sha256(b"pillarbox forward code\0" + digits.encode()).digest()


def _limits(services: Services) -> Answer:
    settings = services.rules
    return {
        "mayForward": settings.forwarding,
        "maxForwards": settings.most_forwards,
        "maxBlocked": settings.most_blocked,
        "maxDeleteAfter": settings.most_delete_after,
    }


def _nothing(_services: Services) -> Answer:
    return {}


CAPABILITY = Capability(
    RULES,
    _nothing,
    _limits,
    (
        Method("MailRules/get", RULES, Get, run_get),
        Method("MailRules/set", RULES, Set, run_set),
    ),
)
