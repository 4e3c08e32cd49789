"""Options and fixtures of the tests that need a whole running server."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from support.second_chance import run_again, tell_tries, tries_of
from support.server import Account, MailServer

# Where Python may not write what it compiled, each of the many commands and servers started here
# would compile everything anew; a user's do not. So there is a place for it, for this run.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    _compiled = tempfile.mkdtemp(prefix="pillarbox-compiled-")
    atexit.register(shutil.rmtree, _compiled, ignore_errors=True)
    os.environ["PYTHONPYCACHEPREFIX"] = _compiled

# No property here is about time; how long an example takes is the machine's affair.
settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Lengths of the long tests, their seed, and which server answers."""
    group = parser.getgroup("pillarbox")
    group.addoption(
        "--reference",
        action="store_true",
        help="run the outside tests against Debian's Postfix and Dovecot (needs root)",
    )
    group.addoption("--seed", type=int, default=None, help="seed of the random tests")
    group.addoption(
        "--soak-seconds", type=float, default=10.0, help="length of the concurrency test"
    )
    group.addoption("--one-try", action="store_true", help="a test that fails has no second chance")
    group.addoption("--model-steps", type=int, default=1200, help="steps of the socket model test")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The longest files first; browser tests go to two processes at most."""
    if config.getvalue("dist") != "loadfile":
        return None
    from support.sharing_out import LongestFirst

    return LongestFirst(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Reading 11,000 tests makes objects by the million, and all of them stay."""
    if hasattr(session.config, "workerinput"):
        from support.sharing_out import collect_in_turn

        collect_in_turn(session.config, Path(__file__).parent)
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The same order in all processes, wherever they began."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.path)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A test that fails is tried again; one that asserts a time, twice."""
    tries = tries_of(item)
    return run_again(item, nextitem, tries) if tries > 1 else None


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A command that was run in this process has set what is logged, and where to."""
    root = logging.getLogger()
    level, raising, handlers = root.level, logging.raiseExceptions, list(root.handlers)
    yield
    root.setLevel(level)
    logging.raiseExceptions = raising
    for added in [one for one in root.handlers if type(one) is logging.StreamHandler]:
        if added not in handlers:
            root.removeHandler(added)


@pytest.fixture(scope="session")
def mail_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MailServer]:
    """Pillarbox with two workers; with `--reference` Postfix and Dovecot instead."""
    if request.config.getoption("--reference"):
        from support.reference import missing_reference, running_reference

        if why := missing_reference():
            pytest.skip(why)
        # Not pytest's own folder: it is closed to others, and the servers run as other users.
        with (
            tempfile.TemporaryDirectory(prefix="reference-", ignore_cleanup_errors=True) as folder,
            running_reference(Path(folder)) as server,
        ):
            yield server
        return
    from support.pillarbox_server import running_pillarbox

    with running_pillarbox(tmp_path_factory.mktemp("pillarbox"), workers=2) as server:
        yield server


@pytest.fixture
def account(mail_server: MailServer) -> Account:
    """A fresh, empty account."""
    return mail_server.new_account()


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of a random test; printed, so that a failure can be repeated with `--seed`."""
    import random

    chosen: int | None = request.config.getoption("--seed")
    value = random.SystemRandom().randrange(2**32) if chosen is None else chosen
    print(f"seed: {value} (repeat with --seed {value})")
    return value


_FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line for the end of the run: what a test did, in figures."""
    lines = request.config.stash.setdefault(_FIGURES, [])

    def take(line: str) -> None:
        print(line)
        lines.append(line)

    return take


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the lines, and what was tried again."""
    tell_tries(terminalreporter)
    lines = terminalreporter.config.stash.get(_FIGURES, [])
    if lines:
        terminalreporter.section("figures", sep="-")
        for line in lines:
            terminalreporter.write_line(line)
