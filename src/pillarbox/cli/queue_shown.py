"""The queue read and changed for the command line, and printed."""

from __future__ import annotations

from functools import partial

from msgspec.json import encode

from pillarbox.cli.output import plain, print_json, print_table, size
from pillarbox.clock import from_unix_seconds
from pillarbox.errors import NotFound
from pillarbox.store import Reader, Store
from pillarbox.store.database import Row
from pillarbox.store.journeys import Note, Step
from pillarbox.store.model import QueuedRow, RecipientRow
from pillarbox.store.sql import queue, queue_steer
from pillarbox.store.sql.queue_lease import Key
from pillarbox.store.sql.queue_steer import FACTS, Filter, Steer, Steered

ALL = 1 << 62  # no limit
AT_ONCE = 2000  # recipients changed in one write: others need not wait long
HEADS = ("ID", "QUEUED", "OCTETS", "STATE", "NEXT", "FROM", "TO", "LAST")

_DONE = {
    Steer.RETRY: "made due at once",
    Steer.HOLD: "held",
    Steer.RELEASE: "released",
    Steer.FAIL: "given up",
    Steer.DROP: "dropped",
    Steer.ROUTE: "sent by the route",
}
Shown = list[tuple[QueuedRow, list[RecipientRow]]]


async def count_now(store: Store, chosen: Filter) -> dict[str, int]:
    """How many are meant, by state."""
    return await store.scan(lambda db: queue_steer.count_recipients(db, chosen))


async def list_now(
    store: Store, chosen: Filter, limit: int, *, as_json: bool
) -> tuple[list[Row], dict[str, int]]:
    """The list, and how many there are in all."""
    read_rows = queue_steer.list_facts if as_json else queue_steer.list_lines

    async def read(db: Reader) -> tuple[list[Row], dict[str, int]]:
        found = await read_rows(db, chosen, limit or ALL)
        return found, await queue_steer.count_recipients(db, chosen)

    return await store.scan(read)


async def show_now(store: Store, numbers: list[int]) -> Shown:
    """Messages with all their recipients. Raises NotFound."""

    async def read(db: Reader) -> Shown:
        messages = await queue.get_messages(db, numbers)
        missing = [str(one) for one in numbers if one not in messages]
        if missing:
            raise NotFound(f"There is no message {', '.join(missing)} in the queue.")
        chosen = Filter(messages=tuple(numbers), open_only=False)
        listed = await queue_steer.list_recipients(db, chosen, ALL)
        return [
            (message, [one.recipient for one in listed if one.recipient.queued == message.id])
            for message in messages.values()
        ]

    return await store.scan(read)


async def steer_now(
    store: Store, chosen: Filter, action: Steer, *, until: int | None, text: str
) -> int:
    """Change what is meant, some at a time; how many were changed."""
    changed = 0
    after: Key = (0, -1)
    while True:
        keys = await store.scan(partial(_keys, chosen=chosen, after=after))
        if keys:
            done = await store.write(
                partial(queue_steer.steer, keys=keys, action=action, until=until, text=text)
            )
            _note(store, done, action, text)
            changed += len(done)
            after = keys[-1]
        if len(keys) < AT_ONCE:
            return changed


def _note(store: Store, done: list[Steered], action: Steer, text: str) -> None:
    """For `pillarbox trace`: one note for each message."""
    by_message: dict[int, list[Steered]] = {}
    for one in done:
        by_message.setdefault(one.queued, []).append(one)
    word = _DONE[action] + (f" {text}" if action is Steer.ROUTE else "")
    for number, recipients in by_message.items():
        note = Note(
            step=Step.STEERED,
            journey=recipients[0].journey,
            recipients=tuple(one.forward_path for one in recipients),
            queue_id=number,
            facts={"action": f"{word} by the administrator"},
        )
        store.journeys.note(note)


async def _keys(db: Reader, chosen: Filter, after: Key) -> list[Key]:
    return await queue_steer.find_keys(db, chosen, AT_ONCE, after)


# Printing


def print_counts(as_json: bool, counts: dict[str, int]) -> int:
    """By state, and all together."""
    if as_json:
        print_json({"counts": counts, "total": sum(counts.values())})
    else:
        print_table(("STATE", "RECIPIENTS"), [*counts.items(), ("all", sum(counts.values()))])
    return 0


def print_list(as_json: bool, found: list[Row], counts: dict[str, int]) -> int:
    """A line for each recipient, in JSON too: there may be a hundred thousand."""
    total = sum(counts.values())
    if as_json:
        lines = [encode(_facts(row)).decode() for row in found]
        print('{"recipients": [')
        print(",\n".join(lines))
        print(f'], "counts": {encode(counts).decode()}, "total": {total}}}')
        return 0
    _print_lines(found)
    print(f"{total} in all" + (f", {len(found)} shown." if len(found) < total else "."))
    return 0


def _facts(row: Row) -> dict[str, object]:
    facts: dict[str, object] = dict(zip(FACTS, row, strict=True))
    facts["sending"], facts["uncertain"] = bool(facts["sending"]), bool(facts["uncertain"])
    return facts


def _print_lines(found: list[Row]) -> None:
    columns = list(zip(*found, strict=True)) or [()] * len(HEADS)
    for at, column in enumerate(columns):
        if not "".join(column).isprintable():
            columns[at] = tuple(plain(value) for value in column)
    widths = [
        max(len(head), *map(len, column), 0) for head, column in zip(HEADS, columns, strict=True)
    ]
    sides = ["" if head == "OCTETS" else "-" for head in HEADS]
    shape = "  ".join(f"%{side}{width}s" for side, width in zip(sides, widths, strict=True))
    print((shape % HEADS).rstrip())
    if found:
        print("\n".join([(shape % row).rstrip() for row in zip(*columns, strict=True)]))


def print_messages(as_json: bool, found: Shown) -> int:
    """Everything, a message after the other."""
    if as_json:
        print_json([_message(message, rows) for message, rows in found])
        return 0
    for message, rows in found:
        sender = plain(message.reverse_path) or "<>"
        print(f"message {message.id}, {size(message.size)}, from {sender}")
        print(f"  queued {_instant(message.queued_at)}, journey {message.journey}")
        for row in rows:
            _print_recipient(row)
    return 0


def _print_recipient(row: RecipientRow) -> None:
    print(f"  to {plain(row.forward_path)}: {_state(row)}, {row.attempts} attempts")
    facts = (
        ("route", plain(row.route)),
        ("next", _instant(row.due_at)),
        ("last attempt", _instant(row.tried_at)),
        ("ended", _instant(row.finished_at)),
        ("server", plain(row.remote_mta)),
        ("reply", "\n           ".join(map(plain, row.reply.split("\n")))),
        ("TLS", row.tls),
        ("note", "may have been delivered by an earlier attempt" if row.uncertain else ""),
    )
    for name, value in facts:
        if value:
            print(f"    {name}: {value}")


def _state(row: RecipientRow) -> str:
    return "sending" if row.sending and row.finished_at is None else row.state.value


def _instant(at: int | None) -> str:
    return "" if at is None else from_unix_seconds(at).strftime("%Y-%m-%d %H:%M:%SZ")


def _message(message: QueuedRow, rows: list[RecipientRow]) -> dict[str, object]:
    return {
        "id": message.id,
        "sender": message.reverse_path,
        "octets": message.size,
        "queued_at": message.queued_at,
        "journey": message.journey,
        "smtputf8": message.smtputf8,
        "body": message.body,
        "requiretls": message.requiretls,
        "ret": message.ret,
        "envid": message.envid,
        "recipients": [_recipient(row) for row in rows],
    }


def _recipient(row: RecipientRow) -> dict[str, object]:
    return {
        "number": row.number,
        "recipient": row.forward_path,
        "domain": row.domain,
        "route": row.route,
        "state": row.state.value,
        "sending": row.sending,
        "attempts": row.attempts,
        "due_at": row.due_at,
        "tried_at": row.tried_at,
        "finished_at": row.finished_at,
        "reply": row.reply,
        "status": row.status,
        "remote_mta": row.remote_mta,
        "tls": row.tls,
        "uncertain": row.uncertain,
        "notify": row.notify,
        "orcpt": row.orcpt,
    }
