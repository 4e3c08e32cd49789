"""Running programs that we did not write: found or skipped, bounded in time, killed as a group."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.readiness import is_ready

# Set where every program must be there (the project's own pipeline): a missing one then fails.
REQUIRE_ALL = "PILLARBOX_REQUIRE_PROGRAMS"
SBIN = "/usr/sbin:/sbin:/usr/local/sbin"


@dataclass(frozen=True, slots=True)
class Finished:
    """What a program left behind."""

    args: tuple[str, ...]
    code: int
    output: bytes
    errors: bytes

    @property
    def text(self) -> str:
        """Both streams, for searching and for messages."""
        return (self.output + b"\n" + self.errors).decode("utf-8", "replace")


def program(name: str) -> str:
    """The program's path; the test is skipped (or fails, see REQUIRE_ALL) without it."""
    path = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":" + SBIN)
    if path is None:
        if os.environ.get(REQUIRE_ALL):
            pytest.fail(f"{name} is not installed; requirements/debian-test.txt names its package")
        pytest.skip(f"{name} is not installed")
    return path


def run(
    args: Sequence[str | Path],
    *,
    octets: bytes = b"",
    seconds: float = 60,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
    codes: Sequence[int] | None = (0,),
) -> Finished:
    """Run to the end, `octets` on standard input; assert the exit code is one of `codes`."""
    command = [str(arg) for arg in args]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(env),
        cwd=folder,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(octets, timeout=seconds)
    except subprocess.TimeoutExpired:
        kill_group(process)
        output, errors = process.communicate()
        said = (output + errors)[-3000:].decode("utf-8", "replace")
        pytest.fail(f"{command[0]} ran longer than {seconds} s; it said:\n{said}")
    finished = Finished(tuple(command), process.returncode, output, errors)
    if codes is not None:
        assert finished.code in codes, f"{command} ended with {finished.code}:\n{finished.text}"
    return finished


def run_in_terminal(
    args: Sequence[str | Path],
    *,
    keys: bytes = b"",
    seconds: float = 60,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Finished:
    """Run a full-screen program on a pseudo-terminal until it ends; `keys` are typed at once."""
    command = [str(arg) for arg in args]
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=_environment({"TERM": "xterm", "LINES": "50", "COLUMNS": "160", **(env or {})}),
        cwd=folder,
        start_new_session=True,
    )
    os.close(slave)
    if keys:
        os.write(master, keys)
    screen = bytearray()
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end and _read_some(master, screen):
            pass
        if process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.5, end - time.monotonic()))
        if process.poll() is None:
            kill_group(process)
            shown = bytes(screen[-3000:]).decode("utf-8", "replace")
            pytest.fail(f"{command[0]} ran longer than {seconds} s; the screen:\n{shown}")
    finally:
        os.close(master)
    return Finished(tuple(command), process.wait(), bytes(screen), b"")


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL the process and all that it started (it leads its own session)."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _read_some(descriptor: int, into: bytearray) -> bool:
    """False when the other side of the terminal is closed."""
    ready = is_ready(descriptor, 0.1)
    if not ready:
        return True
    try:
        chunk = os.read(descriptor, 65536)
    except OSError:  # Linux answers EIO when the last holder of the slave is gone
        return False
    into += chunk
    return bool(chunk)


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """A small environment: nothing of the person's own settings reaches the program."""
    kept = {key: os.environ[key] for key in ("PATH", "TMPDIR") if key in os.environ}
    kept["PATH"] = kept.get("PATH", os.defpath) + ":" + SBIN
    return {"HOME": "/nonexistent", **kept, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", **(extra or {})}
