"""What people want done with mail that arrives: blocked senders, forwarding, answers of the absent.

Only for accounts that are marked as having rules; all other mail passes without a statement more.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec

from pillarbox.accounts.directory import LocalTarget, RemoteTarget
from pillarbox.flow.delivery.expand import expand
from pillarbox.flow.delivery.letters import Letter, Letters, keep_letter
from pillarbox.flow.delivery.plan import LocalCopy, Plan
from pillarbox.flow.delivery.vacation import (
    Fields,
    compose_answer,
    fields_of,
    may_answer,
    plain_address,
)
from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.message.address import mailboxes, parse_address_list
from pillarbox.message.builder import Address
from pillarbox.message.header import header_end
from pillarbox.store.model import QueuedRecipient
from pillarbox.store.sql import accounts, rules
from pillarbox.store.sql.rules import MailRules, Vacation

if TYPE_CHECKING:
    from pillarbox.accounts.directory import Directory
    from pillarbox.clock import Clock
    from pillarbox.flow.delivery.envelope import Envelope, Handling
    from pillarbox.ids import AccountId
    from pillarbox.store import Reader, Store, Transaction
    from pillarbox.store.blobs.spool import Spool
    from pillarbox.store.model import Account

TELL_AGAIN_DAYS = 7  # a correspondent hears of an absence once in so long (RFC 5230 §4.2)
_JOURNEY_OCTETS = 9


class Person(msgspec.Struct, frozen=True):
    """One of the accounts behind a message."""

    account: Account
    rules: MailRules
    vacation: Vacation


class Answer(msgspec.Struct, frozen=True):
    """To the sender, if they were not told lately."""

    account: AccountId
    to: str
    letter: Letter


class Ruled(msgspec.Struct, frozen=True):
    """A plan as its people want it."""

    plan: Plan
    answers: tuple[Answer, ...] = ()


class Rules:
    """One for a deliverer."""

    def __init__(self, store: Store, directory: Directory, *, hostname: str, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock
        self._hostname = hostname
        self._letters = Letters(store, directory, hostname=hostname, clock=clock)

    async def applied(
        self, envelope: Envelope, plan: Plan, spool: Spool, handling: Handling
    ) -> Ruled:
        """The same plan where nobody has rules."""
        wanted = {
            target.account
            for recipient in envelope.recipients
            for target in recipient.targets
            if isinstance(target, LocalTarget) and target.has_rules
        }
        if not wanted:
            return Ruled(plan)
        people = await self._store.read(lambda db: _people(db, wanted))
        octets = spool.octets()
        header = octets[: header_end(octets, 0, min(spool.size, spool.limits.max_headers_octets))]
        fields = fields_of(header)
        sender = envelope.sender.reverse_path
        copies, answers = [], []
        onward = _Onward(plan)
        for copy in plan.copies:
            person = people.get(copy.account)
            if person is None:
                copies.append(copy)
                continue
            junk = handling.junk or _is_blocked(person.rules, sender, fields)
            kept = junk or await self._forwarded(person, copy, fields, onward)
            if kept:
                copies.append(msgspec.structs.replace(copy, junk=junk))
            if not junk and person.vacation.holds(int(self._clock.now().timestamp())):
                own = {person.account.login, _plain(copy.address)}
                answers += await self._answer(person, own, fields, sender)
        return Ruled(onward.plan((*copies, *onward.copies)), tuple(answers))

    async def _forwarded(
        self, person: Person, copy: LocalCopy, fields: Fields, onward: _Onward
    ) -> bool:
        """Add where it goes on; whether a copy stays here."""
        if _was_here(fields, self._hostname, copy.address):
            return True  # it came back: going round would never end
        keep = True
        for forward in person.rules.forward:
            if not forward.verified:
                continue
            targets = await expand(self._directory, forward.address, None)
            if isinstance(targets, Refused):
                if targets.reason is not Reason.UNKNOWN_DOMAIN:
                    continue  # nobody is there any more
                targets = (RemoteTarget(forward.address),)
            onward.add(targets, copy)
            keep = keep and forward.keep_copy
        return keep

    async def _answer(
        self, person: Person, own: Collection[str], fields: Fields, sender: str
    ) -> list[Answer]:
        if not may_answer(fields, sender, own):
            return []
        targets = await expand(self._directory, sender, 0)
        if isinstance(targets, Refused):
            if targets.reason is not Reason.UNKNOWN_DOMAIN:
                return []
            targets = (RemoteTarget(sender),)
        login = person.account.login
        journey = secrets.token_urlsafe(_JOURNEY_OCTETS)
        text = compose_answer(
            person.vacation,
            fields,
            author=Address(login, person.account.name),
            to=sender,
            at=self._clock.now(),
            message_id=f"{journey}@{login.rpartition('@')[2]}",
        )
        letter = await self._letters.post(journey, sender, targets, text, login)
        return [Answer(person.account.id, sender.casefold(), letter)]


async def keep_answers(tx: Transaction, ruled: Ruled, failed: Collection[AccountId]) -> None:
    """In the transaction of the message; those who were told lately are not told again."""
    for answer in ruled.answers:
        if answer.account in failed:
            continue
        if await rules.may_tell(tx, answer.account, answer.to, TELL_AGAIN_DAYS):
            await keep_letter(tx, answer.letter)


class _Onward:
    """Collects further targets of a plan, each once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._remote = {one.forward_path: one for one in plan.remote}
        self._via = list(plan.via)
        self._here = {copy.account for copy in plan.copies}
        self.copies: list[LocalCopy] = []

    def add(self, targets: Collection[LocalTarget | RemoteTarget], copy: LocalCopy) -> None:
        """A local target's own rules are not asked: one step, no circles."""
        for target in targets:
            if isinstance(target, LocalTarget):
                if target.account not in self._here:
                    self._here.add(target.account)
                    self.copies.append(LocalCopy(target.account, copy.address))
            elif target.address not in self._remote:
                self._remote[target.address] = QueuedRecipient(target.address, notify="NEVER")
                self._via.append(copy.address.rpartition("@")[2])

    def plan(self, copies: tuple[LocalCopy, ...]) -> Plan:
        """With what was added."""
        return msgspec.structs.replace(
            self._plan, copies=copies, remote=tuple(self._remote.values()), via=tuple(self._via)
        )


async def _people(db: Reader, wanted: Collection[AccountId]) -> dict[AccountId, Person]:
    return {
        number: Person(await accounts.get(db, number), *(await rules.get(db, number)))
        for number in wanted
    }


def _plain(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return plain_address(local.encode(), domain.encode())


def _is_blocked(given: MailRules, reverse_path: str, fields: Fields) -> bool:
    """By the envelope's sender or the author that people see."""
    if not given.blocked:
        return False
    senders = {reverse_path.casefold()}
    for value in fields.get(b"from", ()):
        for address in mailboxes(parse_address_list(value)):
            senders.add(plain_address(address.local, address.domain))
            whole = b"%b@%b" % (address.local, address.domain)
            senders.add(whole.decode("utf-8", "replace").casefold())
    domains = {f"@{one.rpartition('@')[2]}" for one in senders}
    return not senders.isdisjoint(given.blocked) or not domains.isdisjoint(given.blocked)


def _was_here(fields: Fields, hostname: str, address: str) -> bool:
    """Whether we received this message for that address before."""
    ours = re.compile(rb"\sby\s+%b\s" % re.escape(hostname.encode()), re.IGNORECASE)
    for_them = f"for <{address}>".casefold().encode()
    return any(
        ours.search(value) is not None and for_them in value.lower()
        for value in fields.get(b"received", ())
    )
