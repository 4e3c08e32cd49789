"""Several questions to the DNS at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


async def gathered(questions: Sequence[Coroutine[Any, Any, T]]) -> list[T | BaseException]:
    """Answers, and what was raised in their place; one alone costs no task."""
    if len(questions) != 1:
        return await asyncio.gather(*questions, return_exceptions=True)
    try:
        return [await questions[0]]
    except Exception as error:
        return [error]
