"""Whether there is something to read, also for descriptors above those that select takes."""

from __future__ import annotations

import select


def is_ready(descriptor: int, seconds: float) -> bool:
    """Waits so long for octets, or the end."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    return bool(poll.poll(seconds * 1000))
