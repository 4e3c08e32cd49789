"""An attempt's outcome → what is written into the recipient's row. Pure."""

from __future__ import annotations

from pillarbox.flow.outbound.outcome import Kind, Outcome
from pillarbox.flow.queue.retry import Schedule, begins_at
from pillarbox.flow.queue.wishes import Tell, tell_delay, tell_end
from pillarbox.store.model import RecipientState
from pillarbox.store.sql.queue_lease import Finish, Leased

MAX_REPLY = 4096  # characters kept of what a server answered; eight lines of the longest
NO_ANSWER = "The attempt ended without an answer."

_STATES = {
    Kind.RELAYED: RecipientState.RELAYED,
    Kind.DELIVERED: RecipientState.DELIVERED,
    Kind.EXPANDED: RecipientState.EXPANDED,
    Kind.FAILED: RecipientState.FAILED,
}


def finish_of(leased: Leased, outcome: Outcome, schedule: Schedule, now: int) -> Finish:
    """The row after this attempt."""
    recipient, message = leased.recipient, leased.message
    sender, notify = message.reverse_path, recipient.notify
    begun = begins_at(message.queued_at, message.hold)
    due_at: int | None = None
    if outcome.kind is Kind.LATER:
        due_at = schedule.next_attempt(leased.lane, recipient.attempts + 1, begun, now)
        state = RecipientState.EXPIRED if due_at is None else RecipientState.WAITING
    else:
        state = _STATES[outcome.kind]
    if state is RecipientState.WAITING:
        late = not recipient.warned and schedule.is_late(leased.lane, begun, now)
        tell = tell_delay(notify, sender) if late else Tell.NOTHING
    else:
        tell = tell_end(state, notify, sender, sent_dsn=outcome.sent_dsn)
    return Finish(
        key=(recipient.queued, recipient.number),
        state=state,
        due_at=due_at,
        reply=outcome.reply[:MAX_REPLY],
        status=outcome.status,
        remote_mta=outcome.remote_mta,
        tls=outcome.tls,
        uncertain=outcome.uncertain,
        report=tell.value,
    )


def unanswered(leased: Leased) -> Outcome:
    """For a recipient whose sender failed before it said anything of it."""
    recipient = leased.recipient
    return Outcome(
        queued=recipient.queued,
        number=recipient.number,
        kind=Kind.LATER,
        reply=NO_ANSWER,
        status="4.3.0",
    )
