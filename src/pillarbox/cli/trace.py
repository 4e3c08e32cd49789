"""What became of a message: every step from the connection to the mailbox or the other server.

Ask by Message-ID, by an address of the sender or a recipient, or by queue number. Refused mail is
found, too. The notes go back as many days as store.journey_days says.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from pillarbox.cli.opened import Opened, run_opened
from pillarbox.cli.options import finish, parse_count
from pillarbox.cli.output import plain, print_json
from pillarbox.clock import SystemClock
from pillarbox.errors import NotAllowed
from pillarbox.store.journeys import Note, Step

_TIME = "%Y-%m-%d %H:%M:%S"  # UTC


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `pillarbox trace`."""
    parser.add_argument(
        "key",
        metavar="MESSAGE-ID|ADDRESS|QUEUE-ID",
        help="<id@example.org>, somebody@example.org or 1234",
    )
    parser.add_argument(
        "--days", type=parse_count, default=0, metavar="N", help="look no further back (all)"
    )
    parser.add_argument(
        "--limit", type=parse_count, default=20, metavar="N", help="messages at most (20)"
    )
    finish(parser, run_trace)


def run_trace(options: argparse.Namespace) -> int:
    """`pillarbox trace`."""
    if not options.key.strip(" <>"):
        raise NotAllowed("Say what to look for: a Message-ID, an address or a queue number.")
    now = SystemClock().now()
    since = (now - timedelta(days=options.days)).timestamp() if options.days else 0.0

    async def work(opened: Opened) -> list[list[Note]]:
        limit = options.limit or 1_000_000
        return await opened.store.journeys.find(options.key, since=since, limit=limit)

    found = run_opened(options, work)
    if options.json:
        print_json([[msgspec.to_builtins(note) for note in notes] for notes in found])
        return 0 if found else 1
    if not found:
        print(
            f"Nothing is known of {plain(options.key)}. Refused connections leave no note, and "
            "notes end with store.journey_days."
        )
        return 1
    for number, notes in enumerate(reversed(found)):
        if number:
            print()
        for line in tell(notes):
            print(plain(line))
    return 0


def tell(notes: Sequence[Note]) -> list[str]:
    """One message's way in words, a line for each step."""
    first = notes[0]
    named = [f"<{one.message_id}>" for one in notes if one.message_id][:1]
    queued = [f"queue number {one.queue_id}" for one in notes if one.queue_id][:1]
    lines = [", ".join([f"Message {first.journey}", *named, *queued])]
    for note in notes:
        at = datetime.fromtimestamp(note.at, UTC).strftime(_TIME)
        lines.append(f"  {at}  {_SENTENCES[note.step](note)}")
    return lines


def _accepted(note: Note) -> str:
    facts = note.facts
    words = [f"{_whence(note)} brought {_size(facts)}from {_sender(note)} for {_recipients(note)};"]
    into, onward = facts.get("into", ""), facts.get("onward", "")
    if into:
        mailbox = facts.get("mailbox", "")
        words.append(f"it was put into the mailbox of {into}{f' ({mailbox})' if mailbox else ''}")
    if onward:
        words.append(f"{'and' if into else 'it'} went to the queue for {onward}")
    if not into and not onward:
        words.append("it was accepted")
    why = facts.get("why", "")
    return " ".join(words) + (f" [{why}]." if why else ".")


def _refused(note: Note) -> str:
    facts = note.facts
    return (
        f"{_whence(note)} was refused at {facts.get('at', 'once')}, "
        f"mail from {_sender(note)} for {_recipients(note)}: "
        f"{_reply(note)}{_because(facts.get('reason', ''))}"
    )


def _attempt(note: Note) -> str:
    again = f"; next attempt {_instant(note.facts['next'])}" if note.facts.get("next") else ""
    return f"{_to(note)} did not take it yet: {_reply(note) or 'no answer'}{again}."


def _relayed(note: Note) -> str:
    facts = note.facts
    tls = f", over {facts['tls']}" if facts.get("tls") else ""
    return f"{_to(note)} took it for {_recipients(note)}: {_reply(note)}{tls}."


def _failed(note: Note) -> str:
    return f"{_to(note)} will not take it for {_recipients(note)}: {_reply(note)}."


def _reported(note: Note) -> str:
    return f"A report ({note.facts.get('action', 'failed')}) was written to {_recipients(note)}."


def _steered(note: Note) -> str:
    return f"{note.facts.get('action', 'changed').capitalize()} for {_recipients(note)}."


_SENTENCES = {
    Step.ACCEPTED: _accepted,
    Step.REFUSED: _refused,
    Step.ATTEMPT: _attempt,
    Step.RELAYED: _relayed,
    Step.FAILED: _failed,
    Step.REPORTED: _reported,
    Step.STEERED: _steered,
}


def _whence(note: Note) -> str:
    facts = note.facts
    who = facts.get("login") or facts.get("helo") or "A client"
    where = f" at {note.peer}" if note.peer and note.peer != "local" else ""
    how = f" by {facts['protocol']}" if facts.get("protocol") else ""
    return f"{who}{where}{how}"


def _to(note: Note) -> str:
    return note.facts.get("mx") or "The other server"


def _reply(note: Note) -> str:
    """What was answered, on one line and without its full stop: the sentence goes on."""
    return " / ".join(note.facts.get("reply", "").rstrip(".").splitlines())


def _instant(written: str) -> str:
    """An instant as the lines begin with it."""
    return datetime.fromisoformat(written).strftime(_TIME)


def _size(facts: Mapping[str, str]) -> str:
    octets = facts.get("octets", "")
    return f"{octets} octets " if octets else "mail "


def _sender(note: Note) -> str:
    return f"<{note.sender}>"


def _recipients(note: Note) -> str:
    shown = ", ".join(f"<{one}>" for one in note.recipients[:5])
    more = len(note.recipients) - 5
    return (shown or "nobody") + (f" and {more} more" if more > 0 else "")


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
