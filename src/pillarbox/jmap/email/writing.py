"""Emails made, changed and destroyed in one transaction (RFC 8620 §5.3, RFC 8621 §4.6).

Each record is looked at before anything of it is written, so that one that cannot be leaves the
others; what many records have in common is one statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from pillarbox.errors import LimitReached
from pillarbox.flow.delivery.keep import Sealed
from pillarbox.ids import MessageId
from pillarbox.jmap.email.draft import parse_received_at
from pillarbox.jmap.email.given import Keywords, find_mailbox
from pillarbox.jmap.email.patch import EmailPatch
from pillarbox.jmap.errors import MethodRefused, RecordRefused, invalid_properties
from pillarbox.jmap.ids import email_id, message_blob_id, number_of, state_of, thread_id
from pillarbox.jmap.standard import SetResult
from pillarbox.store.model import Flag, Role
from pillarbox.store.sql import accounts, messages, spare
from pillarbox.store.sql.changes import account_modseq
from pillarbox.store.sql.email_places import Place, places_of, twin_of
from pillarbox.store.sql.expunging import expunge
from pillarbox.store.sql.keywords import canonical
from pillarbox.store.sql.modseq import next_modseq
from pillarbox.store.sql.regrouping import Regrouping

if TYPE_CHECKING:
    from pillarbox.ids import AccountId, MailboxId, Uid
    from pillarbox.store import Transaction
    from pillarbox.store.model import Mailbox

Columns = Mapping[MessageId, tuple[Any, ...]]


class NewEmail(msgspec.Struct, frozen=True):
    """A message whose octets are ready, and where it goes."""

    sealed: Sealed
    mailboxes: tuple[str, ...]  # as given: an id, or "#name"
    keywords: Keywords
    received_at: int | None
    may_be_twin: bool = True  # False: not when the account has it already


class Work(msgspec.Struct, frozen=True):
    """What one transaction does, in this order."""

    created: Mapping[str, NewEmail] = {}
    updated: Mapping[str, EmailPatch] = {}
    destroyed: tuple[str, ...] = ()


class Written(msgspec.Struct, frozen=True):
    """What became of it."""

    old_state: str
    new_state: str
    result: SetResult
    created_ids: dict[str, str]  # those that came


async def write_emails(
    tx: Transaction,
    account: AccountId,
    work: Work,
    known_ids: Mapping[str, str],
    if_in_state: str | None = None,
) -> Written:
    """`known_ids`: what this request created before. Raises MethodRefused stateMismatch."""
    old_state = state_of(await account_modseq(tx, account))
    if if_in_state is not None and if_in_state != old_state:
        raise MethodRefused("stateMismatch")
    run = _Run(tx, account, known_ids)
    await run.prepare(len(work.created) + len(work.updated))
    for name, new in work.created.items():
        try:
            await run.create(name, new)
        except RecordRefused as refused:
            run.result.not_created[name] = refused.answer
    await run.update(work.updated, frozenset(map(run.real_id, work.destroyed)) - {""})
    await run.destroy(work.destroyed)
    new_state = state_of(await account_modseq(tx, account))
    return Written(old_state, new_state, run.result, run.created_ids)


class _Run:
    def __init__(self, tx: Transaction, account: AccountId, known_ids: Mapping[str, str]) -> None:
        self._tx = tx
        self._account = account
        self._known = known_ids
        self._mailboxes: dict[MailboxId, Mailbox] = {}
        self._spellings: dict[tuple[str, ...], str] = {}
        self._free_octets: int | None = None  # None: no limit
        self._free_messages: int | None = None
        self.created_ids: dict[str, str] = {}
        self.result = SetResult()

    async def prepare(self, records: int) -> None:
        """Look at the account; a mailbox that has not UIDs enough gets new ones now."""
        self._mailboxes = await Regrouping.usable_mailboxes(self._tx, self._account, records)
        row = await accounts.get(self._tx, self._account)
        if row.quota_octets:
            self._free_octets = row.quota_octets - row.used_octets
        if row.quota_messages:
            self._free_messages = row.quota_messages - row.used_messages

    def real_id(self, given: str) -> str:
        """An id, or what "#name" was created as; "" for an unknown name."""
        if not given.startswith("#"):
            return given
        return self.created_ids.get(given[1:]) or self._known.get(given[1:], "")

    def _message(self, given: str) -> MessageId:
        return MessageId(number_of("M", self.real_id(given)))

    # Created

    async def create(self, name: str, new: NewEmail) -> None:
        """Raises RecordRefused, with nothing changed."""
        tx, account = self._tx, self._account
        boxes = self._targets(new.mailboxes)
        keywords = await self._spelled(new.keywords.names)
        if not new.may_be_twin:
            twin = await twin_of(tx, account, new.sealed.digest, new.sealed.blob.id)
            if twin is not None:
                raise RecordRefused("alreadyExists", existingId=email_id(twin))
        size = new.sealed.blob.size
        self._take_room(size * len(boxes), len(boxes), self._spare(boxes, new.keywords.flags))
        appended = await messages.append(
            tx,
            messages.NewMessage(
                account=account,
                mailbox=boxes[0],
                blob=new.sealed.blob,
                digest=new.sealed.digest,
                flags=new.keywords.flags,
                keywords=keywords,
                received_at=new.received_at,
                check_quota=False,
            ),
        )
        for box in boxes[1:]:
            await messages.copy(tx, account, boxes[0], [appended.uid], box)
        self.created_ids[name] = email_id(appended.message)
        self.result.created[name] = {
            "id": email_id(appended.message),
            "blobId": message_blob_id(appended.message),
            "threadId": thread_id(appended.thread),
            "size": size,
        }

    def _targets(self, given: tuple[str, ...]) -> list[MailboxId]:
        found = list(dict.fromkeys(find_mailbox(self.real_id, one) for one in given))
        if not all(box in self._mailboxes for box in found):
            raise invalid_properties("There is no such mailbox.", "mailboxIds")
        return found

    async def _spelled(self, names: tuple[str, ...]) -> str:
        if names not in self._spellings:
            try:
                spelled = await canonical(self._tx, self._account, " ".join(names))
            except LimitReached as error:
                raise RecordRefused("tooManyKeywords", str(error)) from error
            self._spellings[names] = spelled
        return self._spellings[names]

    def _spare(self, boxes: list[MailboxId], flags: int) -> spare.Spare:
        is_kept = len(boxes) == 1 and self._mailboxes[boxes[0]].role is Role.DRAFTS
        return spare.drafts(self._tx.settings) if is_kept and flags & Flag.DRAFT else spare.NONE

    def _take_room(self, octets: int, count: int, reserve: spare.Spare = spare.NONE) -> None:
        """What others of this call free is not counted on."""
        for free, more, beyond in (
            (self._free_octets, octets, reserve.octets),
            (self._free_messages, count, reserve.messages),
        ):
            if free is not None and more > 0 and more > free + beyond:
                raise RecordRefused("overQuota", "There is no room for that.")
        if self._free_octets is not None:
            self._free_octets -= max(octets, 0)
        if self._free_messages is not None:
            self._free_messages -= max(count, 0)

    # Changed

    async def update(self, patches: Mapping[str, EmailPatch], destroyed: frozenset[str]) -> None:
        """All patches; what is destroyed in the same call is not changed before."""
        ids = {given: self._message(given) for given in patches}
        places = await places_of(self._tx, self._account, list(set(ids.values())))
        same = [ids[given] for given, patch in patches.items() if patch.same]
        names = ("thread_id", "size", "received_at")
        facts = await messages.columns(self._tx, self._account, same, names) if same else {}
        groups = Regrouping(self._tx, self._account)
        for given, patch in patches.items():
            message = ids[given]
            label = self.real_id(given) or given
            if message in groups.messages:  # under two names: "#name" and its id
                await groups.apply()
                groups = Regrouping(self._tx, self._account)
                places |= await places_of(self._tx, self._account, [message])
            try:
                if self.real_id(given) in destroyed:
                    raise RecordRefused("willDestroy")
                if message not in places:
                    raise RecordRefused("notFound")
                _check_same(patch, message, facts)
                await self._plan(groups, places[message], patch)
            except RecordRefused as refused:
                self.result.not_updated[label] = refused.answer
            else:
                self.result.updated[label] = None
        await groups.apply()

    async def _plan(self, groups: Regrouping, there: list[Place], patch: EmailPatch) -> None:
        whole = patch.keywords
        given = (whole if whole is not None else patch.more_keywords).names
        spelled = (await self._spelled(given)).split()
        states = [_state(place, patch, spelled) for place in there]
        most = self._tx.settings.max_keywords_of_message
        if any(len(state[1].split()) > most for state in states):
            raise RecordRefused("tooManyKeywords", f"A message has {most} keywords at most.")
        target = self._target(patch, there)
        gone = [place for place in there if place.mailbox not in target]
        new = target - {place.mailbox for place in there}
        self._take_room(there[0].size * (len(new) - len(gone)), len(new) - len(gone))
        groups.add(there, states, sorted(new), gone)

    def _target(self, patch: EmailPatch, there: list[Place]) -> set[MailboxId]:
        if patch.mailboxes is not None:
            return set(self._targets(patch.mailboxes))
        target = {place.mailbox for place in there}
        target |= set(self._targets(patch.more_mailboxes))
        target -= {find_mailbox(self.real_id, one) for one in patch.fewer_mailboxes}
        if not target:
            raise invalid_properties(
                "A message leaves its last mailbox by being destroyed.", "mailboxIds"
            )
        return target

    # Destroyed

    async def destroy(self, given: tuple[str, ...]) -> None:
        """All places of each, mailbox by mailbox, at one modseq: so all are where it was last."""
        ids = {one: self._message(one) for one in dict.fromkeys(given)}
        shown = await places_of(self._tx, self._account, list(ids.values()))
        places = await places_of(self._tx, self._account, list(shown), hidden=True)
        uids: dict[MailboxId, list[Uid]] = {}
        for one, message in ids.items():
            label = self.real_id(one) or one
            if message not in places:
                if label not in self.result.destroyed:
                    self.result.not_destroyed[label] = {"type": "notFound"}
                continue
            self.result.destroyed.append(label)
            for place in places.pop(message):
                uids.setdefault(place.mailbox, []).append(place.uid)
        if not uids:
            return
        at = await next_modseq(self._tx, self._account)
        for mailbox, of_mailbox in uids.items():
            await expunge(self._tx, self._account, mailbox, of_mailbox, force=True, at=at)


def _state(place: Place, patch: EmailPatch, spelled: list[str]) -> tuple[int, str]:
    r"""Flags and keywords of a place after the patch; one that is \Deleted is none of ours."""
    if patch.keywords is not None:
        flags, names = patch.keywords.flags, set(spelled)
    else:
        flags = (place.flags | patch.more_keywords.flags) & ~patch.fewer_keywords.flags
        names = {*place.keywords.split(), *spelled}
    fewer = set(patch.fewer_keywords.names)
    return flags, " ".join(sorted(name for name in names if name.lower() not in fewer))


def _check_same(patch: EmailPatch, message: MessageId, facts: Columns) -> None:
    """What only the server sets may come back as it is."""
    for name, value in patch.same:
        thread, size, received_at = facts[message]
        now: dict[str, Any] = {
            "id": email_id(message),
            "blobId": message_blob_id(message),
            "threadId": thread_id(thread),
            "size": size,
        }
        if name == "receivedAt":
            is_same = parse_received_at(value) == received_at
        else:
            is_same = value == now[name] and type(value) is type(now[name])
        if not is_same:
            raise invalid_properties("That is the server's to set.", name)
