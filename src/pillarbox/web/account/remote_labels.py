"""Names for remote accounts, of which an account has each once."""

from __future__ import annotations

from collections.abc import Iterator

from pillarbox.flow.collect.settings import MAX_LABEL

_MOST = 100  # tries to find one that is free


def labels(wished: str) -> Iterator[str]:
    """The one that is wished for, and others like it."""
    yield wished
    for number in range(2, _MOST):
        tail = f" ({number})"
        yield wished[: MAX_LABEL - len(tail)] + tail
