"""Notes of attempts for `pillarbox trace`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pillarbox.clock import from_unix_seconds
from pillarbox.store.journeys import Note, Step
from pillarbox.store.model import RecipientState
from pillarbox.store.sql.queue_lease import Finish, Leased

_STEPS = {
    RecipientState.WAITING: Step.ATTEMPT,
    RecipientState.RELAYED: Step.RELAYED,
    RecipientState.DELIVERED: Step.RELAYED,
    RecipientState.EXPANDED: Step.RELAYED,
}
_OURS = (RecipientState.DELIVERED, RecipientState.EXPANDED)
_HERE = "This server"


def notes_of(ends: Iterable[tuple[Leased, Finish]]) -> Iterator[Note]:
    """One note for all recipients of a message to whom the same happened."""
    together: dict[tuple[object, ...], list[tuple[Leased, Finish]]] = {}
    for leased, finish in ends:
        alike = (leased.message.id, finish.state, finish.reply, finish.remote_mta)
        together.setdefault(alike, []).append((leased, finish))
    for group in together.values():
        leased, finish = group[0]
        server = _HERE if finish.state in _OURS else finish.remote_mta
        facts = {"mx": server, "reply": finish.reply, "tls": finish.tls}
        if finish.due_at is not None:
            facts["next"] = from_unix_seconds(finish.due_at).isoformat()
        yield Note(
            step=_STEPS.get(finish.state, Step.FAILED),
            journey=leased.message.journey,
            sender=leased.message.reverse_path,
            recipients=tuple(one.recipient.forward_path for one, _ in group),
            queue_id=leased.message.id,
            facts={name: value for name, value in facts.items() if value},
        )
