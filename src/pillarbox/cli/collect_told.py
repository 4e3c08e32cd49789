"""What came of bringing mail, in sentences."""

from __future__ import annotations

from pillarbox.cli.output import plain, size
from pillarbox.clock import from_unix_seconds
from pillarbox.flow.collect.progress import Progress


def count(number: int, what: str = "message") -> str:
    """ "1 message", "12 messages"."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def in_order(path: str) -> tuple[bool, list[str]]:
    """Folders as people look for them: INBOX first, then by name, each after its parent."""
    return path.upper() != "INBOX", path.casefold().split("/")


def summary(progress: Progress) -> str:
    """One sentence: what came, and what else was done."""
    parts = [f"{count(progress.brought)} brought"]
    if progress.brought and progress.brought == progress.messages_done:
        parts = [f"{parts[0]} ({size(progress.octets_brought)})"]
    for number, what in (
        (progress.already, "were here already"),
        (progress.skipped, "left out"),
        (progress.flags_changed, "with changed flags"),
        (progress.removed, "removed as at the source"),
        (progress.settled, "dealt with at the source"),
        (progress.failed, "FAILED"),
    ):
        if number:
            parts.append(f"{number} {what}")
    if progress.throttled_until is not None:
        until = from_unix_seconds(progress.throttled_until).strftime("%Y-%m-%d %H:%M")
        parts.append(f"throttled until {until} UTC")
    return ", ".join(parts) + "."


def troubles(progress: Progress) -> list[str]:
    """A line for every message that failed, and why."""
    lines = []
    for one in progress.troubles:
        about = f" “{one.subject}”" if one.subject else ""
        lines.append(plain(f"  {one.folder or 'INBOX'}, {one.key}{about}: {one.why}"))
    more = progress.failed - len(progress.troubles)
    if progress.troubles and more > 0:
        lines.append(f"  … and {more} more, which are not written down.")
    return lines
