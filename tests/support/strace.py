"""What a process asked of the system, in order, read from strace."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.programs import program
from support.readiness import is_ready

CALLS = (
    "read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,pwritev2,"
    "fsync,fdatasync,link,linkat,rename,unlink"
)
READS = {"read", "readv", "recvfrom", "recvmsg"}
WRITES = {"write", "writev", "sendto", "sendmsg", "pwrite64", "pwritev", "pwritev2"}
SYNCS = {"fsync", "fdatasync"}
ATTACH_SECONDS = 60
_LINE = re.compile(r"(?P<pid>\d+) +(?P<rest>.*)")
_CALL = re.compile(r"(?P<name>\w+)\((?P<args>.*)")
_RESUMED = re.compile(r"<\.\.\. (?P<name>\w+) resumed>(?P<args>.*)")
_TARGET = re.compile(r"\d+<(?P<target>(?:->|[^<>]|<[^<>]*>)*)>")
_UNFINISHED = " <unfinished ...>"


@dataclass(frozen=True, slots=True)
class Call:
    """One system call that succeeded; `entered` and `left` order it among all others."""

    name: str
    target: str  # the file's path or the connection, of the first descriptor
    text: str  # arguments and result as strace shows them
    entered: int
    left: int


def parse(text: str, *, failed_too: bool = False) -> list[Call]:
    """The calls of a log of `strace -f -yy`, in the order in which they were entered."""
    found: list[Call] = []
    begun: dict[str, tuple[int, str]] = {}  # by thread: where, and the text so far
    for at, line in enumerate(text.splitlines()):
        match = _LINE.match(line)
        if match is None:
            continue
        pid, rest = match["pid"], match["rest"]
        if rest.endswith(_UNFINISHED):
            begun[pid] = (at, rest.removesuffix(_UNFINISHED))
            continue
        entered = at
        if resumed := _RESUMED.match(rest):
            if pid not in begun:
                continue
            entered, first = begun.pop(pid)
            rest = first + resumed["args"]
        call = _CALL.match(rest)
        if call is None or (not failed_too and re.search(r" = -1 E\w+", rest)):
            continue
        target = _TARGET.search(call["args"])
        named = target["target"] if target else ""
        found.append(Call(call["name"], named, call["args"], entered, at))
    return sorted(found, key=lambda one: one.entered)


@contextlib.contextmanager
def traced(
    pid: int, log: Path, *, calls: str = CALLS, failed_too: bool = False
) -> Iterator[Callable[[], list[Call]]]:
    """Trace a process and its threads; what is given tells the calls, and ends the tracing.

    `calls` are names or `all`. The test is skipped where tracing is not allowed.
    """
    command = [
        *(program("strace"), "-f", "-yy", "-s", "512", "-o", str(log)),
        *("-e", f"trace={calls}", "-e", "signal=none", "-p", str(pid)),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        _wait_for_attachment(process)

        def ended() -> list[Call]:
            process.send_signal(signal.SIGINT)
            process.wait(ATTACH_SECONDS)
            return parse(log.read_text(errors="replace"), failed_too=failed_too)

        yield ended
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stderr is not None
        process.stderr.close()


def _wait_for_attachment(process: subprocess.Popen[bytes]) -> None:
    assert process.stderr is not None
    said = b""
    end = time.monotonic() + ATTACH_SECONDS
    while time.monotonic() < end:
        if not is_ready(process.stderr.fileno(), 0.2):
            if b" attached" in said:
                return
            continue
        chunk = process.stderr.read1(65536)  # type: ignore[attr-defined]
        said += chunk
        if not chunk:
            break
    pytest.skip(f"strace may not look at another process here: {said.decode(errors='replace')}")
