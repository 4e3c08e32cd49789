"""Operations on many messages as people and programs read them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from functools import partial
from typing import TextIO

import msgspec

from pillarbox.cli.opened import Opened
from pillarbox.cli.output import answer, cut, print_json, print_table
from pillarbox.cli.progress_bar import LINE_SECONDS, REDRAW_SECONDS, Style, span
from pillarbox.clock import Clock, from_unix_seconds
from pillarbox.flow.bulk.actions import parse_action, shown
from pillarbox.flow.bulk.refusals import SENTENCES
from pillarbox.store.sql import accounts, bulk
from pillarbox.store.sql.bulk import BulkRow, BulkStatus, Failure

_CELLS = 20
_NARROWEST = 20  # columns


class Listed(msgspec.Struct, frozen=True):
    """An operation and whose it is."""

    login: str
    row: BulkRow


async def list_now(opened: Opened, login: str | None) -> list[Listed]:
    """Those of an account, or of all; the latest first."""
    if login is not None:
        chosen = [await opened.admin.find_account(login)]
    else:
        chosen = await opened.store.read(accounts.all_accounts)
    found: list[Listed] = []
    for account in chosen:
        rows = await opened.store.read(partial(bulk.every, account=account.id))
        found += [Listed(account.login, row) for row in rows]
    return sorted(found, key=lambda one: (-one.row.created_at, one.login, -one.row.id))


def print_list(as_json: bool, found: Sequence[Listed]) -> int:
    """A line for each."""
    if as_json:
        print_json([as_value(one) for one in found])
        return 0
    rows = [
        (
            f"O{one.row.id}",
            one.login,
            what(one.row),
            one.row.status.value,
            one.row.done,
            one.row.total,
            one.row.failed,
            from_unix_seconds(one.row.created_at).astimezone().strftime("%Y-%m-%d %H:%M"),
        )
        for one in found
    ]
    print_table(("ID", "ACCOUNT", "WHAT", "STATUS", "DONE", "OF", "FAILED", "ASKED"), rows)
    return 0


def what(row: BulkRow) -> str:
    """In a word or three."""
    kind = str(shown(parse_action(row.action))["type"])
    return f"undo of O{row.undo_of}" if row.undo_of is not None else kind


def as_value(one: Listed) -> dict[str, object]:
    """For programs."""
    row = one.row
    return {
        "id": f"O{row.id}",
        "account": one.login,
        "what": what(row),
        "status": row.status.value,
        "total": row.total,
        "done": row.done,
        "failed": row.failed,
        "why": row.why or None,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "undo_until": row.undo_until,
        "undo_of": f"O{row.undo_of}" if row.undo_of is not None else None,
        "undone_by": f"O{row.undone_by}" if row.undone_by is not None else None,
    }


def print_left(as_json: bool, one: Listed) -> int:
    """It was not waited for."""
    name = f"O{one.row.id} --account {one.login}"
    sentence = (
        f"{what(one.row)}: {one.row.done} of {one.row.total} done; the server goes on with it. "
        f"'pillarbox bulk watch {name}' shows how far it is, 'pillarbox bulk cancel {name}' "
        "stops it."
    )
    return answer(as_json, as_value(one), sentence)


def print_ended(as_json: bool, one: Listed, failed: Sequence[Failure]) -> int:
    """How it ended; exit code 0 when all was done, or it was stopped as asked."""
    row = one.row
    if as_json:
        troubles = [{"message": f"M{each.message}", "reason": each.reason} for each in failed]
        print_json(as_value(one) | {"failures": troubles})
    else:
        print(_sentence(one))
        for each in failed:
            print(f"  M{each.message}: {SENTENCES.get(each.reason, each.reason)}")
    return 1 if row.status in (BulkStatus.FAILED, BulkStatus.DONE_WITH_PROBLEMS) else 0


def _sentence(one: Listed) -> str:
    row = one.row
    text = f"O{row.id}, {what(row)}: {row.status.value}, {row.done} of {row.total}"
    if row.failed:
        text += f", {row.failed} failed"
    if row.why:
        text += f". {row.why}"
    if row.undo_until is not None and row.undone_by is None and row.done:
        text += f". 'pillarbox bulk undo O{row.id} --account {one.login}' takes it back"
    return text.rstrip(".") + "."


class BulkBar:
    """A line that is drawn again on a terminal, a line each two seconds elsewhere."""

    def __init__(self, style: Style, clock: Clock, stream: TextIO | None = None) -> None:
        self._style = style
        self._clock = clock
        self._stream = stream or sys.stderr
        self._pause = REDRAW_SECONDS if style is Style.TERMINAL else LINE_SECONDS
        self._began = clock.monotonic()
        self._next = self._began + (0 if style is Style.TERMINAL else LINE_SECONDS)
        self._first: int | None = None
        self._drawn = False

    def show(self, row: BulkRow) -> None:
        """How far it is; drawn when it is time."""
        now = self._clock.monotonic()
        looked_at = row.done + row.failed
        if self._first is None:
            self._first, self._began = looked_at, now
        if self._style is Style.NONE or now < self._next:
            return
        self._next = now + self._pause
        text = bar(row, looked_at - self._first, now - self._began)
        if self._style is Style.TERMINAL:
            columns = max(shutil.get_terminal_size().columns - 1, _NARROWEST)
            self._stream.write("\r" + cut(text, columns) + "\x1b[K")
        else:
            self._stream.write(text + "\n")
        self._stream.flush()
        self._drawn = True

    def clear(self) -> None:
        """Take the line off the terminal."""
        if self._drawn and self._style is Style.TERMINAL:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
        self._drawn = False


def bar(row: BulkRow, lately: int, seconds: float) -> str:
    """`lately`: so many in the last `seconds`."""
    looked_at = row.done + row.failed
    share = min(looked_at / row.total, 1.0) if row.total else 0.0
    cells = "#" * int(share * _CELLS) + "-" * (_CELLS - int(share * _CELLS))
    parts = [f"[{cells}] {100 * share:3.0f} %", f"{looked_at} of {row.total}", row.status.value]
    if lately > 0 and seconds > 0:
        parts.append(f"{lately / seconds:.0f}/s")
        parts.append(f"{span((row.total - looked_at) * seconds / lately)} left")
    if row.failed:
        parts.append(f"{row.failed} failed")
    return "  ".join(parts)
