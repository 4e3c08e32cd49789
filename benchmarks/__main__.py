"""`python -m benchmarks [--only NAME …]`: run the workloads on each server and print the table."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import uvloop

from benchmarks import checks, contenders, dkim, growth, report
from benchmarks.contenders import Contender
from benchmarks.measure import Bench, Row
from benchmarks.workloads import SUITES, Suite, importing

# What no client asks of a server: our functions beside other libraries, programs beside others.
TABLES: dict[str, Callable[[argparse.Namespace], None]] = {
    "dkim": lambda _: dkim.show(),
    "checks": lambda _: checks.show(),
    "import": lambda options: importing.show(options.scale, options.runs, options.workers[0]),
}
Start = Callable[[], AbstractContextManager[Contender]]


def main() -> None:
    """Parse, run, print."""
    options = _options()
    if options.growth:
        print(_machine(options.workers), flush=True)
        growth.run(options.workers[0], options.scale)
        return
    servers = _servers(options)
    suites = [suite for suite in SUITES if _wanted(suite, options.only)]
    tables = [show for name, show in TABLES.items() if not options.only or name in options.only]
    if not suites and not tables:
        raise SystemExit(f"no such workload; there are: {' '.join(_all_rows())}")
    print(_machine(options.workers), report.head(), sep="\n", flush=True)
    everything: list[Row] = []
    for suite in suites:
        rows: list[Row] = []
        for _ in range(options.runs):  # A, B, C, A, B, C …: a noisy minute hits all alike
            for start in servers:
                rows += _run(suite, start, options)
        merged = [row for row in report.merged(rows) if _row_wanted(row, suite, options.only)]
        merged.sort(key=lambda row: suite.rows.index(row.workload))
        everything += merged
        print(*report.lines(merged), sep="\n", flush=True)
    for show in tables:
        print(flush=True)
        show(options)


def _servers(options: argparse.Namespace) -> list[Start]:
    """What is measured: Pillarbox in its variants, then the references that are here."""
    found: list[Start] = []
    for name in filter(None, options.servers.split(",")):
        if why := contenders.missing(name):
            print(f"{name} is left out: {why}")
        elif name == contenders.OWN:
            every = contenders.variants(options.workers, compiled=options.compiled)
            found += [partial(contenders.pillarbox, variant) for variant in every]
        else:
            found.append(partial(contenders.postfix_dovecot, name))
    return found


def _run(suite: Suite, start: Start, options: argparse.Namespace) -> list[Row]:
    profiles = Path(options.profile) if options.profile else None
    began = time.monotonic()
    with start() as contender:
        bench = Bench(contender, scale=options.scale, profiles=profiles)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(suite.run(bench))
    if options.verbose:
        print(
            f"  {suite.name} on {contender.name}: {time.monotonic() - began:.1f} s in all",
            flush=True,
        )
    return bench.rows


def _wanted(suite: Suite, only: list[str]) -> bool:
    return not only or any(name in (suite.name, *suite.rows) for name in only)


def _row_wanted(row: Row, suite: Suite, only: list[str]) -> bool:
    return not only or suite.name in only or row.workload in only


def _all_rows() -> list[str]:
    return [row for suite in SUITES for row in suite.rows] + list(TABLES)


def _machine(workers: list[int]) -> str:
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, Pillarbox with {workers[0]} worker(s), "
        f"load {os.getloadavg()[0]:.1f}"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="NAME", help=f"of: {' '.join(_all_rows())}"
    )
    parser.add_argument("--servers", default=",".join(contenders.NAMES), help="comma-separated")
    parser.add_argument("--scale", type=float, default=1.0, help="0.1: a tenth of the operations")
    parser.add_argument("--runs", type=int, default=1, help="rounds over all servers")
    parser.add_argument(
        "--workers",
        type=lambda text: [int(number) for number in text.split(",")],
        default=[os.cpu_count() or 1],
        help="of Pillarbox; several (1,2) are measured one after the other",
    )
    parser.add_argument("--compiled", action="store_true", help="measure it compiled, too")
    parser.add_argument("--growth", action="store_true", help="costs by size, Pillarbox alone")
    parser.add_argument("--profile", metavar="FOLDER", help="write flame graphs of Pillarbox")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
