"""An archive that is sent while it is made: the same as on the disk, in bounded memory."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pillarbox.errors import Unavailable
from pillarbox.flow.collect.export.export import CannotWrite
from pillarbox.flow.collect.export.stream import stream
from pillarbox.flow.collect.export.zip_stream import ZipStream
from pillarbox.flow.collect.progress import Progress
from support.exporting import bring, everything, export_alice, fill_oddly
from support.store_box import Box, letter


async def taken(box: Box, form: Any) -> bytes:
    pieces = stream(box.store, box.alice, form, folder=box.folder)
    return b"".join([piece async for piece in pieces])


def contents(octets: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(octets)) as read:
        assert read.testzip() is None
        return {name: read.read(name) for name in read.namelist()}


@pytest.mark.parametrize("form", ["mbox", "maildir", "pillarbox"])
async def test_it_holds_what_a_file_would(box: Box, tmp_path: Path, form: Any) -> None:
    await fill_oddly(box)
    octets = await taken(box, form)
    await export_alice(box, tmp_path / "a.zip", form)
    assert contents(octets) == contents((tmp_path / "a.zip").read_bytes())


async def test_it_can_be_moved_in(box: Box, tmp_path: Path) -> None:
    await fill_oddly(box)
    before = await everything(box, box.alice.id)
    (tmp_path / "streamed.zip").write_bytes(await taken(box, "mbox"))
    box.alice = await box.new_account("carol@example.org")
    outcome, progress = await bring(box, tmp_path / "streamed.zip")
    assert (outcome.complete, progress.failed) == (True, 0)
    after = await everything(box, box.alice.id)
    assert {path: one[2] for path, one in after.items()} == {
        path: one[2] for path, one in before.items()
    }


@pytest.mark.skipif(not shutil.which("unzip"), reason="unzip is missing")
def test_others_read_it(tmp_path: Path) -> None:
    archive, octets = ZipStream(tmp_path), os.urandom(200_000)
    archive.add_folder("empty/", 0)
    archive.begin("long", 0, long=True)
    pieces = []
    for start in range(0, len(octets), 70_000):
        archive.write(octets[start : start + 70_000])
        pieces.append(archive.take())
    archive.end()
    archive.add("short", b"x", 0)
    archive.finish()
    (tmp_path / "a.zip").write_bytes(b"".join([*pieces, archive.take()]))
    archive.close()
    told = subprocess.run(
        ["unzip", "-tq", tmp_path / "a.zip"], check=False, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stdout
    assert contents((tmp_path / "a.zip").read_bytes())["long"] == octets


async def test_nothing_is_made_ahead_of_who_takes_it(box: Box) -> None:
    raw = letter("Large", os.urandom(1_500_000).hex())
    for number in range(20):
        await box.append(raw + b"%d\r\n" % number)
    progress = Progress()
    pieces = stream(box.store, box.alice, "mbox", folder=box.folder, progress=progress)
    assert await anext(pieces)
    await asyncio.sleep(0.3)
    assert progress.brought < 10  # two steps of some MiB
    await pieces.aclose()


async def test_what_goes_wrong_breaks_it_off(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await box.append(letter("One"))
    with pytest.raises(CannotWrite):
        async for _ in stream(box.store, box.alice, "mbox", folder=tmp_path / "missing"):
            pass

    def fails(*_: Any) -> None:
        raise Unavailable

    monkeypatch.setattr(ZipStream, "finishing", fails)
    with pytest.raises(Unavailable):
        await taken(box, "mbox")
