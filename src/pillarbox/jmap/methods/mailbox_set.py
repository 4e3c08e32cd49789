"""Mailbox/set (RFC 8621 §2.5): creations, parents first; then updates; then what is destroyed."""

from __future__ import annotations

from typing import Any

from pillarbox.errors import PillarboxError
from pillarbox.ids import MailboxId
from pillarbox.jmap import mailbox_view, mailbox_writing
from pillarbox.jmap.capabilities import MAIL
from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import RecordRefused, invalid_properties
from pillarbox.jmap.ids import mailbox_id, number_of, state_of
from pillarbox.jmap.mailbox_draft import awaited_creation, read_new, read_update
from pillarbox.jmap.mailbox_view import Tree, tree_of
from pillarbox.jmap.mailbox_writing import refusal
from pillarbox.jmap.method import Answer, Method
from pillarbox.jmap.own_writes import OwnWrites
from pillarbox.jmap.standard import Set, SetResult, check_set
from pillarbox.store.database import Transaction
from pillarbox.store.model import Mailbox

_ALL = frozenset(mailbox_view.PROPERTIES)
REST_SECONDS = 0.01  # between two steps of a large one: deliveries find the store free
MOST_PASSES = 3  # over the updates: one may wait for another that waits for a third
_COUNTED_ELSEWHERE = mailbox_view.THREAD_COUNTS  # a client may send them back as it got them


class MailboxSet(Set, frozen=True, kw_only=True):
    """With what becomes of the messages."""

    on_destroy_remove_emails: bool = False


async def run_set(ctx: Context, arguments: MailboxSet) -> Answer:
    """Mailbox/set."""
    tree = await tree_of(ctx)
    check_set(ctx, arguments, state_of(tree.modseq))
    writes = OwnWrites(ctx.store, ctx.account, tree.modseq, arguments.if_in_state)
    work = _Work(ctx, arguments, writes)
    await work.create_all()
    await work.update_all()
    await work.destroy_all()
    return work.result.answer(arguments, state_of(tree.modseq), writes.new_state)


class _Work:
    def __init__(self, ctx: Context, arguments: MailboxSet, writes: OwnWrites) -> None:
        self.result = SetResult()
        self._ctx = ctx
        self._arguments = arguments
        self._writes = writes

    async def _tree(self) -> Tree:
        return await tree_of(self._ctx)

    async def create_all(self) -> None:
        """One whose parent is created in this call waits for it."""
        waiting = dict(self._arguments.create or {})
        while waiting:
            ready = {
                name: given
                for name, given in waiting.items()
                if awaited_creation(given) not in waiting
            }
            if not ready:  # each would be inside another
                for name in waiting:
                    refused = invalid_properties(
                        "The mailboxes are inside one another.", "parentId"
                    )
                    self.result.not_created[name] = refused.answer
                return
            for name, given in ready.items():
                del waiting[name]
                try:
                    await self._create(name, given)
                except PillarboxError as error:
                    self.result.not_created[name] = refusal(error).answer

    async def _create(self, name: str, given: dict[str, Any]) -> None:
        ctx = self._ctx
        draft = read_new(given, ctx.real_id)
        made = await self._writes.write(lambda tx: mailbox_writing.create(tx, ctx.account, draft))
        ctx.created_ids[name] = mailbox_id(made.id)
        orders = {} if draft.sort_order is None else {made.id: draft.sort_order}
        subscribed = {made.path} if draft.is_subscribed else set()
        own = Tree(made.modseq, [made], subscribed, orders, {}, {})
        record = mailbox_view.record(own, made, _ALL, {})
        self.result.created[name] = {
            key: value for key, value in record.items() if given.get(key, record) != value
        }

    async def update_all(self) -> None:
        """One that another is in the way of is tried again when that one was changed."""
        waiting = dict(self._arguments.update or {})
        refused: dict[str, RecordRefused] = {}
        for _ in range(MOST_PASSES):
            tree = await self._tree()
            for given, patch in list(waiting.items()):
                real = self._ctx.real_id(given) or given
                try:
                    await self._update(tree, real, patch)
                except PillarboxError as error:
                    refused[given] = refusal(error)
                else:
                    self.result.updated[real] = None
                    del waiting[given]
            if not waiting:
                break
        for given in waiting:
            self.result.not_updated[given] = refused[given].answer

    async def _update(self, tree: Tree, given: str, patch: dict[str, Any]) -> None:
        if given in (self._arguments.destroy or ()):
            raise RecordRefused("willDestroy")
        ctx = self._ctx
        there = _mailbox(tree, given)
        record = mailbox_view.record(tree, there, _ALL - _COUNTED_ELSEWHERE, {})
        patch = {name: patch[name] for name in patch if name not in _COUNTED_ELSEWHERE}
        before = read_update(record, {}, ctx.real_id)
        draft = read_update(record, patch, ctx.real_id)
        await self._writes.write(
            lambda tx: mailbox_writing.update(tx, ctx.account, there.id, before, draft)
        )

    async def destroy_all(self) -> None:
        """What is inside a mailbox goes before it."""
        ctx = self._ctx
        paths = {mailbox_id(one.id): one.path for one in (await self._tree()).mailboxes}
        asked = {ctx.real_id(given) or given: given for given in self._arguments.destroy or ()}
        for real in sorted(asked, key=lambda one: -paths.get(one, "").count("/")):
            try:
                await self._destroy(MailboxId(number_of("F", real)))
            except PillarboxError as error:
                self.result.not_destroyed[asked[real]] = refusal(error).answer
            else:
                self.result.destroyed.append(real)

    async def _destroy(self, mailbox: MailboxId) -> None:
        account = self._ctx.account
        remove_emails = self._arguments.on_destroy_remove_emails

        async def step(tx: Transaction) -> bool:
            return await mailbox_writing.destroy(tx, account, mailbox, remove_emails=remove_emails)

        while not await self._writes.write(step, patient=True):
            await self._ctx.services.clock.sleep(REST_SECONDS)


def _mailbox(tree: Tree, given: str) -> Mailbox:
    number = number_of("F", given)
    for mailbox in tree.mailboxes:
        if mailbox.id == number:
            return mailbox
    raise RecordRefused("notFound")


METHODS = (Method("Mailbox/set", MAIL, MailboxSet, run_set),)
