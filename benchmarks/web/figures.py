"""What was asked for, what was measured, and whether that is enough; as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A row: a target of web.md §5 and what came out."""

    what: str
    target: str
    measured: str
    is_met: bool


def percentile(samples: Sequence[float], percent: int) -> float:
    """Between the samples, as `Row.latency` does it."""
    if len(samples) == 1:
        return samples[0]
    return statistics.quantiles(samples, n=100, method="inclusive")[percent - 1]


def timing(
    what: str, samples: Sequence[float], *, p95: float, p50: float | None = None, note: str = ""
) -> Figure:
    """Milliseconds against a limit for nearly all, and one for the median where there is one."""
    middle, most = percentile(samples, 50), percentile(samples, 95)
    target = f"{p95:,.0f} ms" if p50 is None else f"p50 {p50:,.0f}, p95 {p95:,.0f} ms"
    measured = f"{middle:,.0f} / {most:,.0f} ms{note}"
    return Figure(what, target, measured, most <= p95 and (p50 is None or middle <= p50))


def head() -> list[str]:
    """Of the table; times are the median and the 95th percentile."""
    return ["| what | target | measured, p50 / p95 | met |", "|---|---|---|:-:|"]


def line(one: Figure) -> str:
    """A row of the table."""
    met = "yes" if one.is_met else "**no**"
    return f"| {one.what} | {one.target} | {one.measured} | {met} |"
