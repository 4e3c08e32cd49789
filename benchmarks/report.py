"""The table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.measure import Row

_HEAD = (
    f"{'workload':<24}{'server':<11}{'ops':>7}{'rate/s':>10}{'CPU ms/op':>11}{'later':>8}"
    f"{'p50 ms':>9}{'p99 ms':>9}{'MiB':>7}{'gen. CPU':>10}{'rate ×':>9}{'CPU ×':>9}"
)


def head() -> str:
    """The table's first line; `rate ×` and `CPU ×` are Pillarbox's against that server's."""
    return _HEAD + "\n" + "-" * len(_HEAD)


def lines(rows: Iterable[Row]) -> list[str]:
    """One line a row, with the ratio of Pillarbox to each reference."""
    every = list(rows)
    own = {row.workload: row for row in every if row.server == "pillarbox"}
    return [_line(row, own.get(row.workload)) for row in every]


def _line(row: Row, own: Row | None) -> str:
    ratios = f"{'':>18}"
    if own is not None and row is not own and row.rate and row.cpu_seconds:
        ratios = f"{own.rate / row.rate:>9.2f}{own.cpu_per_thousand / row.cpu_per_thousand:>9.2f}"
    return (
        f"{row.workload:<24}{row.server:<11}{row.operations:>7}{row.rate:>10.1f}"
        f"{row.cpu_per_thousand:>11.3f}{row.later_per_thousand:>8.3f}{row.latency(50):>9.2f}{row.latency(99):>9.2f}"
        f"{row.memory / 2**20:>7.0f}{row.generator_cpu:>9.2f}s{ratios}"
    )


def merged(rows: Sequence[Row]) -> list[Row]:
    """Several runs of the same workload on the same server as one: sums, all latencies."""
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        one = found.setdefault((row.workload, row.server), Row(row.workload, row.server, 0))
        one.operations += row.operations
        one.seconds += row.seconds
        one.cpu_seconds += row.cpu_seconds
        one.later_cpu += row.later_cpu
        one.generator_cpu += row.generator_cpu
        one.octets += row.octets
        one.memory = max(one.memory, row.memory)
        one.latencies += row.latencies
    return list(found.values())
