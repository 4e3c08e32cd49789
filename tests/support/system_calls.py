"""How many system calls an operation takes, by what they are for."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from support.strace import Call, traced

# The first row that fits counts the call: (what for, names, the descriptor's file or connection).
_ROWS = [
    # Behind the answers, several operations at a time, as the clock says.
    ("journeys", r".*", r"/journeys\.db"),
    ("socket in", r"read|readv|recvfrom|recvmsg", r"TCP"),
    ("socket out", r"write|writev|sendto|sendmsg", r"TCP"),
    ("wake", r"write|read", r"eventfd|pipe"),
    ("epoll", r"epoll_\w+|poll|select", r""),
    ("sync", r"fdatasync|fsync|sync_file_range", r""),
    ("octets written", r"write|writev|pwrite64|pwritev2?", r"\.seg$"),
    ("rows written", r"write|writev|pwrite64|pwritev2?", r"\.db(-\w+)?$"),
    ("octets read", r"read|pread64|preadv2?", r"\.seg$"),
    ("rows read", r"read|pread64|preadv2?", r"\.db(-\w+)?$"),
    ("lock", r"fcntl|flock", r""),
    ("file", r"open\w*|close|\w*stat\w*|link\w*|unlink\w*|rename\w*|ftruncate|lseek|chmod", r""),
    ("memory", r"mmap|munmap|mremap|mprotect|madvise|brk", r""),
    ("futex", r"futex|sched_yield", r""),
    ("getpid", r"getpid", r""),
]
_RULES = [(what, re.compile(names), re.compile(target)) for what, names, target in _ROWS]
OTHER = "other"  # what no row names, so that nothing new goes unseen


def kind_of(call: Call) -> str:
    """What the call is for."""
    for what, names, target in _RULES:
        if names.fullmatch(call.name) and target.search(call.target):
            return what
    return OTHER


class Counted:
    """Calls of a process by kind, and the seconds in which it made them."""

    def __init__(self, calls: list[Call], seconds: float) -> None:
        self.calls = calls
        self.kinds = Counter(kind_of(call) for call in calls)
        self.seconds = seconds

    def each(self, times: int, idle: Counted) -> dict[str, float]:
        """Calls of one of so many operations, without what the process does when it is idle."""
        share = self.seconds / idle.seconds
        rest = {kind: self.kinds[kind] - idle.kinds[kind] * share for kind in self.kinds}
        return {kind: round(max(count, 0.0) / times, 2) for kind, count in rest.items()}

    def shown(self, kind: str) -> str:
        """The calls of a kind by name and target, for a message."""
        found = Counter(
            f"{call.name} {call.target}" for call in self.calls if kind_of(call) == kind
        )
        return "\n".join(f"{count:6} {what}" for what, count in found.most_common(12))


def count_calls(pid: int, log: Path, work: Callable[[], object]) -> Counted:
    """The system calls of a process and its threads while the work is done."""
    with traced(pid, log, calls="all", failed_too=True) as ended:
        begun = time.monotonic()
        work()
        return Counted(ended(), time.monotonic() - begun)
