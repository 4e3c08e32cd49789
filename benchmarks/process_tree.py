"""CPU time and memory of a process and all its descendants, the reaped ones too (Linux /proc)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class _Stat:
    parent: int
    cpu_seconds: float  # own, and of children that have ended and been waited for


def tree(roots: Iterable[int]) -> list[int]:
    """The processes below the roots that live now, roots included."""
    children: dict[int, list[int]] = {}
    for pid, stat in _all().items():
        children.setdefault(stat.parent, []).append(pid)
    found: list[int] = []
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(children.get(pid, ()))
    return found


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time that the tree has used since it began."""
    stats = _all()
    return sum(stats[pid].cpu_seconds for pid in tree(roots) if pid in stats)


def memory_bytes(roots: Iterable[int]) -> int:
    """Proportional set size: pages shared between processes are counted once."""
    total = 0
    for pid in tree(roots):
        try:
            for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except (OSError, ValueError):
            continue  # it has just ended
    return total


def _all() -> dict[int, _Stat]:
    found: dict[int, _Stat] = {}
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name in parentheses may hold anything; what follows the last one is regular.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks = sum(int(field) for field in fields[11:15])
        found[int(entry.name)] = _Stat(int(fields[1]), ticks / _TICK)
    return found
