"""Logs for machines: one JSON object a line on standard error.

    log = get_logger("accounts")
    log.event("accounts.signed_in", journey=journey, account=account)

Every line has `time`, `level`, `event`; `journey` names the message or session that it is about,
so that one search finds all that happened to it (an SMTP session, which has many messages, is
`session` in their lines). Values are cut at `MAX_VALUE` characters, and
control characters never reach the terminal or the log file unescaped.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import TextIO

import msgspec

MAX_VALUE = 2000  # characters of one field: a peer chooses many of them
_ROOT = "pillarbox"
_FIELDS = "pillarbox_fields"  # where our fields hang on a record of the standard library

Value = object


class EventLog:
    """Named events with fields. `event` is level info; the others say theirs."""

    __slots__ = ("_logger",)

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug_event(self, name: str, **fields: Value) -> None:
        """Something that only a person hunting a fault wants to see."""
        if self._logger.isEnabledFor(logging.DEBUG):
            self._emit(logging.DEBUG, name, fields, None)

    def event(self, name: str, **fields: Value) -> None:
        """Something that happened, as it should."""
        if self._logger.isEnabledFor(logging.INFO):
            self._emit(logging.INFO, name, fields, None)

    def warning_event(self, name: str, **fields: Value) -> None:
        """Something that the administrator should know, though the server goes on."""
        if self._logger.isEnabledFor(logging.WARNING):
            self._emit(logging.WARNING, name, fields, None)

    def error_event(self, name: str, *, exc: bool | BaseException = False, **fields: Value) -> None:
        """A failure of ours. `exc=True` adds the traceback of the exception being handled."""
        if self._logger.isEnabledFor(logging.ERROR):
            found = sys.exc_info()[1] if exc is True else exc or None
            self._emit(logging.ERROR, name, fields, found)

    def _emit(
        self, level: int, name: str, fields: dict[str, Value], exc: BaseException | None
    ) -> None:
        shown = (type(exc), exc, exc.__traceback__) if exc is not None else None
        record = logging.LogRecord(self._logger.name, level, "", 0, name, None, shown)
        setattr(record, _FIELDS, fields)
        self._logger.handle(record)


def get_logger(part: str) -> EventLog:
    """The log of one part of Pillarbox: "smtp", "store", "node" …"""
    return EventLog(logging.getLogger(f"{_ROOT}.{part}"))


def configure(*, level: str, style: str, stream: TextIO | None = None) -> None:
    """Send all logs of the process to `stream` (standard error) from `level` up.

    `style` is "json" or "text". Called once by each process, before its first event; a second
    call replaces the first.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(TextLines() if style == "text" else JsonLines())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.raiseExceptions = False  # a full disk behind stderr must not end a session
    logging.getLogger("asyncio").setLevel(max(root.level, logging.WARNING))
    logging.getLogger("uvicorn").setLevel(max(root.level, logging.WARNING))


_to_json = msgspec.json.Encoder().encode
# JSON escapes those of ASCII only, and terminals obey the others, too.
_CONTROLS = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Value] = {
            "time": _instant(record),
            "level": record.levelname.lower(),
            "event": record.getMessage() if record.args else str(record.msg),
            "part": record.name.removeprefix(_ROOT + "."),
            "pid": record.process,
        }
        for name, value in getattr(record, _FIELDS, {}).items():
            if value is not None:
                line[name] = _plain(value)
        if record.exc_info:
            line["traceback"] = _traceback(record).translate(_CONTROLS)
        return _to_json(line).decode()


class TextLines(logging.Formatter):
    """A record for a person's eyes: the time of day, the event, its fields."""

    def format(self, record: logging.LogRecord) -> str:
        words = [_instant(record)[11:23], f"{record.levelname.lower():<7}"]
        words.append(_printable(record.getMessage() if record.args else str(record.msg)))
        for name, value in getattr(record, _FIELDS, {}).items():
            if value is not None:
                words.append(f"{name}={_printable(_plain(value))}")
        line = " ".join(words)
        return "\n".join([line, *map(_printable, _traceback(record).splitlines())])


def _instant(record: logging.LogRecord) -> str:
    instant = datetime.fromtimestamp(record.created, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Value) -> Value:
    """What JSON can hold, cut to a bounded length."""
    if isinstance(value, str) and len(value) <= MAX_VALUE and value.isprintable():
        return value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray):
        value = bytes(value[: MAX_VALUE + 1]).decode("utf-8", "backslashreplace")
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in list(value)[:100]]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in list(value.items())[:100]}
    text = str(value)
    if len(text) > MAX_VALUE:
        text = text[:MAX_VALUE] + "…"
    text = text.encode("utf-8", "backslashreplace").decode()  # lone surrogates
    return text.translate(_CONTROLS)


def _printable(value: Value) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode()


def _traceback(record: logging.LogRecord) -> str:
    if not record.exc_info:
        return ""
    return "".join(traceback.format_exception(*record.exc_info)).rstrip()
