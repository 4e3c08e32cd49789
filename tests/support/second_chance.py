"""A second chance for a test that failed: its machine may be busy with something else.

Nearly all of them speak with servers, browsers and programs in other processes, and some wait for
them too short on a machine that is busier than any before. What is wrong by itself fails again:
seeds are fixed, and Hypothesis begins with the example that failed. A test marked `timed` asserts a
time, and has a third chance. The end of the run tells which tests needed more than one, and what
the first said; `--one-try` gives none.
"""

from __future__ import annotations

import pytest
from _pytest.runner import runtestprotocol

_TRIES = 2
_TIMED_TRIES = 3
_KEY = "first try"


def tries_of(item: pytest.Item) -> int:
    """How often it may run at most."""
    if item.config.getoption("--one-try"):
        return 1
    return _TIMED_TRIES if item.get_closest_marker("timed") else _TRIES


def run_again(item: pytest.Item, nextitem: pytest.Item | None, tries: int) -> bool:
    """Run it, again after a failure; reported is the last try."""
    where = {"nodeid": item.nodeid, "location": item.location}
    item.ihook.pytest_runtest_logstart(**where)
    for left in reversed(range(tries)):
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        failed = next((report for report in reports if report.failed), None)
        if failed is None or not left:
            break
        item.user_properties.append((_KEY, _last_words(failed)))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(**where)
    return True


def tell_tries(reporter: pytest.TerminalReporter) -> None:
    """Which tests were tried again, at the end of the run."""
    for report in reporter.getreports("passed"):
        said = [value for key, value in report.user_properties if key == _KEY]
        if said and report.when == "call":
            reporter.write_line(f"{report.nodeid} passed at try {len(said) + 1}: {said[0]}")


def _last_words(report: pytest.TestReport) -> str:
    lines = [line for line in report.longreprtext.splitlines() if line.startswith("E  ")]
    return lines[0].removeprefix("E").strip() if lines else report.when
