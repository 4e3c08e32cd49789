"""Read everything that is stored, octets and index, recompute every counter, and compare.

Harmless beside a running server, and may be interrupted. Exit code 0: all is as it should be; 1:
something is damaged, a sentence for each; 130: interrupted.
"""

from __future__ import annotations

import argparse
import sys

from pillarbox.cli.opened import Opened, run_opened
from pillarbox.cli.options import finish
from pillarbox.cli.output import print_json
from pillarbox.store.verify import VerifyReport


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `pillarbox verify`."""
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    finish(parser, run)


def run(options: argparse.Namespace) -> int:
    """Verify."""
    show = sys.stderr.isatty() and not options.quiet

    async def work(opened: Opened) -> VerifyReport:
        return await opened.store.verify(_Progress() if show else _silent)

    report = run_opened(options, work)
    if show:
        print(file=sys.stderr)
    sound = not report.problems and report.finished
    if options.json:
        print_json(
            {
                "sound": sound,
                "blobs": report.blobs,
                "messages": report.messages,
                "indexed": report.documents,
                "problems": report.problems,
                "problems_left_out": report.more,
            }
        )
        return 0 if sound else 1
    for problem in report.problems:
        print(problem)
    if report.more:
        print(f"… and {report.more} more.")
    read = (
        f"Read {report.blobs} stored messages for {report.messages} copies, and "
        f"{report.documents} index entries"
    )
    if sound:
        print(f"{read}: all is as it should be.")
        return 0
    count = len(report.problems) + report.more
    print(f"{read}: {count} {'problem' if count == 1 else 'problems'}.")
    return 1


class _Progress:
    """A line that counts up, redrawn at each whole percent."""

    def __init__(self) -> None:
        self._shown = -1

    def __call__(self, done: int, of: int) -> None:
        percent = 100 * done // of if of else 100
        if percent != self._shown:
            self._shown = percent
            print(f"\rVerifying: {percent} %", end="", file=sys.stderr, flush=True)


def _silent(_done: int, _of: int) -> None:
    return None
