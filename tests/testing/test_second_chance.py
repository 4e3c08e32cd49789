"""What a second chance forgives, and what it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_TESTS = """
import pytest

runs = []

def test_fails_once():
    runs.append(1)
    assert len(runs) > 1, "too early"

def test_fails_always():
    raise ValueError("wrong")

@pytest.fixture
def broken():
    raise OSError("no server")

def test_has_no_server(broken):
    pass

@pytest.mark.timed
def test_fails_twice(runs=[]):
    runs.append(1)
    assert len(runs) > 2, "too slow"
"""


@pytest.mark.parametrize(
    ("options", "outcome"),
    [((), "1 failed, 2 passed, 1 error"), (("--one-try",), "3 failed, 1 error")],
)
def test_only_what_passes_at_last_passes(
    tmp_path: Path, options: tuple[str, ...], outcome: str
) -> None:
    file = tmp_path / "test_given.py"
    file.write_text(_TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", *options]
    paths = os.pathsep.join(path for path in sys.path if path)
    ran = subprocess.run(
        [*command, "--config-file", Path(__file__).parents[2] / "pyproject.toml", file],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{Path(__file__).parents[1]}{os.pathsep}{paths}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode == 1
    told = [line for line in ran.stdout.splitlines() if " passed at try " in line]
    expected = ["try 2: AssertionError: too early", "try 3: AssertionError: too slow"]
    assert [line.split(" at ")[1] for line in told] == ([] if options else expected)
