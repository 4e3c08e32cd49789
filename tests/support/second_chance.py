"""Three tries for a test that asserts a time: its machine may be busy with something else.

What a test marked `timed` asserts has to hold in one of them. The end of the run tells which tests
needed more than one, and what the first said.
"""

from __future__ import annotations

import pytest
from _pytest.runner import runtestprotocol

TRIES = 3
_KEY = "first try"


def run_timed(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run it, again after a failure; reported is the last try."""
    where = {"nodeid": item.nodeid, "location": item.location}
    item.ihook.pytest_runtest_logstart(**where)
    for left in reversed(range(TRIES)):
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
