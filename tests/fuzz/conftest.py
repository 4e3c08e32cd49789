"""How long the fuzz targets run: seconds in all in `make test`, a minute each in `make fuzz`.

In the long run each target is repeated with new random examples until its time is over, so that the
whole takes as many minutes as there are targets, whatever the machine; PILLARBOX_FUZZ_SECONDS sets
another time for each.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator

import pytest
from hypothesis import is_hypothesis_test, settings

from support.fuzzing import LONGER

SECONDS = float(os.environ.get("PILLARBOX_FUZZ_SECONDS", "60"))
PROGRESS = 10.0  # seconds between two lines

settings.register_profile("long", max_examples=300, deadline=None)
if LONGER > 1:
    settings.load_profile("long")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Say how long it will take."""
    if LONGER > 1:
        count = sum(_is_target(item) for item in session.items)
        _say(session.config, f"{count} targets of {SECONDS:.0f} s: {count * SECONDS / 60:.0f} min")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Round after round until the target's time is over."""
    begin = told = time.monotonic()
    result = yield
    if LONGER == 1 or not is_hypothesis_test(pyfuncitem.obj):
        return result
    given = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    rounds = 1
    while time.monotonic() - begin < SECONDS:
        pyfuncitem.obj(**given)
        rounds += 1
        if time.monotonic() - told > PROGRESS:
            told = time.monotonic()
            _say(pyfuncitem.config, f"{pyfuncitem.name}: {rounds} rounds, {told - begin:.0f} s")
    return result


def _is_target(item: pytest.Item) -> bool:
    return (
        isinstance(item, pytest.Function)
        and "/fuzz/" in str(item.path)
        and is_hypothesis_test(item.obj)
    )


def _say(config: pytest.Config, line: str) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is not None and capture is not None:
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"  {line}")
