"""EmailSubmission/set: messages sent, taken back and forgotten (RFC 8621 §7.5)."""

from __future__ import annotations

from functools import partial
from typing import Any

from pillarbox.errors import CannotCalculateChanges, PillarboxError
from pillarbox.ids import ModSeq
from pillarbox.jmap.capabilities import SUBMISSION
from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import MethodRefused, RecordRefused, invalid_properties
from pillarbox.jmap.ids import email_id, number_of, state_of, submission_id
from pillarbox.jmap.method import Answer, Answers, Method
from pillarbox.jmap.methods import email_set
from pillarbox.jmap.standard import Id, Set, SetResult, apply_patch, check_set
from pillarbox.jmap.submission.making import send
from pillarbox.jmap.submission.record import record
from pillarbox.jmap.submission.refusals import refusal
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.sql import submissions
from pillarbox.store.sql.account_changes import Point
from pillarbox.store.sql.changes import account_modseq
from pillarbox.store.sql.sending_gone import record_changes
from pillarbox.store.sql.submissions import SubmissionRow, Undo

_MOST_LOOKED_AT = 10_000  # changes since the call began


class EmailSubmissionSet(Set, frozen=True, kw_only=True):
    """With what becomes of the messages."""

    on_success_update_email: dict[Id, dict[str, Any]] | None = None
    on_success_destroy_email: tuple[Id, ...] | None = None


async def run_set(ctx: Context, arguments: EmailSubmissionSet) -> Answer | Answers:
    """EmailSubmission/set, and the implicit Email/set where there is something for it to do."""
    old = await ctx.store.read(lambda db: account_modseq(db, ctx.account))
    check_set(ctx, arguments, state_of(old))
    work = _Work(ctx, arguments)
    await work.create_all()
    await work.update_all()
    await work.destroy_all()
    answer = work.result.answer(arguments, state_of(old), await work.new_state(old))
    implicit = work.implicit()
    if implicit is None:
        return answer
    try:
        changed = ("Email/set", await email_set.run_set(ctx, implicit))
    except MethodRefused as refused:
        changed = ("error", refused.answer)
    return Answers((("EmailSubmission/set", answer), changed))


class _Work:
    def __init__(self, ctx: Context, arguments: EmailSubmissionSet) -> None:
        self.result = SetResult()
        self._ctx = ctx
        self._arguments = arguments
        self._emails: dict[str, str] = {}  # of what succeeded: submission → Email
        self._written: dict[int, int] = {}  # and with which modseq

    async def create_all(self) -> None:
        """Each in its own transaction: a message that is refused keeps no other back."""
        for name, given in (self._arguments.create or {}).items():
            try:
                made = await send(self._ctx, given)
            except PillarboxError as error:
                self.result.not_created[name] = self._refusal(error)
                continue
            self._ctx.created_ids[name] = submission_id(made.id)
            self._succeeded(made, made.id)
            self.result.created[name] = {
                key: value for key, value in record(made).items() if given.get(key) != value
            }

    async def update_all(self) -> None:
        """Taking back is all that can be done."""
        for given, patch in (self._arguments.update or {}).items():
            real = self._ctx.real_id(given) or given
            try:
                if real in (self._arguments.destroy or ()):
                    raise RecordRefused("willDestroy")
                row, modseq = await self._ctx.store.write(
                    partial(self._update, real=real, patch=patch)
                )
            except PillarboxError as error:
                self.result.not_updated[given] = self._refusal(error)
                continue
            self.result.updated[real] = None
            self._succeeded(row, modseq)

    async def _update(
        self, tx: Transaction, *, real: str, patch: dict[str, Any]
    ) -> tuple[SubmissionRow, int]:
        row = await self._find(tx, real)
        now = record(row)
        patched = apply_patch(now, patch)
        names = patched.keys() | now.keys()
        wrong = sorted(
            name for name in names if name != "undoStatus" and patched.get(name) != now.get(name)
        )
        if wrong:
            raise invalid_properties("These never change.", *wrong)
        asked = patched.get("undoStatus")
        if asked == Undo.CANCELED and row.undo is not Undo.CANCELED:
            await submissions.cancel(tx, self._ctx.account, row.id)
        elif asked != row.undo:
            raise invalid_properties("It can only become canceled.", "undoStatus")
        return row, int(await account_modseq(tx, self._ctx.account))

    async def destroy_all(self) -> None:
        """The record goes; the message goes its way."""
        for given in self._arguments.destroy or ():
            real = self._ctx.real_id(given) or given
            try:
                row, modseq = await self._ctx.store.write(partial(self._destroy, real=real))
            except PillarboxError as error:
                self.result.not_destroyed[given] = self._refusal(error)
                continue
            self.result.destroyed.append(real)
            self._succeeded(row, modseq)

    async def _destroy(self, tx: Transaction, *, real: str) -> tuple[SubmissionRow, int]:
        row = await self._find(tx, real)
        await submissions.remove(tx, self._ctx.account, row.id)
        return row, int(await account_modseq(tx, self._ctx.account))

    async def _find(self, db: Reader, real: str) -> SubmissionRow:
        rows = await submissions.some_of(db, self._ctx.account, [number_of("S", real)])
        if not rows:
            raise RecordRefused("notFound")
        return rows[0]

    def _succeeded(self, row: SubmissionRow, modseq: int) -> None:
        self._emails[submission_id(row.id)] = email_id(row.message)
        self._written[row.id] = modseq

    def _refusal(self, error: PillarboxError) -> Answer:
        most = self._ctx.services.sending.rules.smtp.max_message_octets
        return refusal(error, most).answer

    async def new_state(self, old: ModSeq) -> str:
        """The old one where the queue or somebody else changed something meanwhile."""
        account = self._ctx.account

        async def look(db: Reader) -> str:
            now = await account_modseq(db, account)
            try:
                told = await record_changes(db, account, "submission", Point(old), _MOST_LOOKED_AT)
            except CannotCalculateChanges:
                return state_of(old)
            touched = {*told.created, *told.updated, *told.destroyed}
            rows = await submissions.modseqs(db, account, list(touched))
            is_own = touched <= self._written.keys() and all(
                modseq <= self._written[number] for number, modseq in rows.items()
            )
            return state_of(now if is_own else old)

        return await self._ctx.store.read(look)

    def implicit(self) -> Set | None:
        """The Email/set that is due; None: nothing is."""
        updates: dict[Id, dict[str, Any]] = {}
        for given, patch in (self._arguments.on_success_update_email or {}).items():
            email = self._emails.get(self._ctx.real_id(given))
            if email is not None:
                updates[email] = {**updates.get(email, {}), **patch}
        gone = [
            self._emails[real]
            for real in map(self._ctx.real_id, self._arguments.on_success_destroy_email or ())
            if real in self._emails
        ]
        if not updates and not gone:
            return None
        return Set(
            account_id=self._arguments.account_id,
            update=updates or None,
            destroy=tuple(dict.fromkeys(gone)) or None,
        )


METHODS = (Method("EmailSubmission/set", SUBMISSION, EmailSubmissionSet, run_set),)
