"""Our zip writer, read by others: many entries, odd times, memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from pillarbox.flow.collect.export.zip_writer import ZipWriter


def test_more_entries_than_a_plain_zip_can_have(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    tracemalloc.start()
    with ZipWriter(path) as archive:
        for number in range(66_000):
            archive.add(f"ä/{number}.eml", b"x" * (number % 50), 1_000_000_000)
        archive.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * 1024**2
    with zipfile.ZipFile(path) as read:
        assert len(read.namelist()) == 66_000
        assert read.read("ä/65999.eml") == b"x" * 49
    if shutil.which("unzip"):
        told = subprocess.run(["unzip", "-tq", path], check=False, capture_output=True, text=True)
        assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("at", [-(2**40), -1, 0, 1, 315_532_800, 2**31 - 1, 2**31, 2**50])
def test_any_time(tmp_path: Path, at: int) -> None:
    with ZipWriter(tmp_path / "a.zip") as archive:
        archive.add("a", b"x", at)
        archive.finish()
    with zipfile.ZipFile(tmp_path / "a.zip") as read:
        assert read.testzip() is None
        assert 1980 <= read.infolist()[0].date_time[0] <= 2107


def test_long_entries_and_folders(tmp_path: Path) -> None:
    octets = os.urandom(300_000)
    with ZipWriter(tmp_path / "a.zip") as archive:
        archive.add_folder("empty/", 0)
        archive.begin("long", 0, long=True)
        for start in range(0, len(octets), 70_000):
            archive.write(octets[start : start + 70_000])
        archive.end()
        archive.add("short", b"", 0)
        archive.finish()
        assert archive.octets == (tmp_path / "a.zip").stat().st_size
    with zipfile.ZipFile(tmp_path / "a.zip") as read:
        assert read.namelist() == ["empty/", "long", "short"]
        assert read.read("long") == octets
        assert read.infolist()[0].is_dir()
