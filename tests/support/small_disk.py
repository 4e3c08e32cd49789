"""Disks that fill up, limits that bite: done to a running server from outside."""

from __future__ import annotations

import contextlib
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def small_disk(folder: Path, octets: int) -> Iterator[Path]:
    """A file system in memory with so much room. Skips where mounting is not allowed."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={octets}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path: Path) -> None:
    """Take all the room there is."""
    with path.open("ab", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                if file.write(bytes(size)) == size:
                    continue
            except OSError:
                pass
            size >>= 1


@contextlib.contextmanager
def limited(pids: list[int], limit: int, most: int) -> Iterator[None]:
    """Give running processes a resource limit for a while."""
    before = {pid: resource.prlimit(pid, limit) for pid in pids}
    try:
        for pid, (_, hard) in before.items():
            resource.prlimit(pid, limit, (most, hard))
        yield
    finally:
        for pid, both in before.items():
            resource.prlimit(pid, limit, both)


def remount(folder: Path, how: str) -> None:
    """Make a mounted file system read-only ("ro") or writable ("rw")."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)
