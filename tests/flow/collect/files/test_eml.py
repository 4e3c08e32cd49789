"""Folders and zips of .eml files, and Apple Mail's .emlx."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from pillarbox.store.model import Flag
from support.files_source import read_all
from support.store_box import Box

DATED = b"Date: Thu, 01 Jan 1970 00:01:00 +0000\r\nSubject: x\r\n\r\nHello\r\n"
ARRIVED = b"Received: by x;\r\n Thu, 1 Jan 1970 00:02:00 +0000\r\n" + DATED
SEEN = int(Flag.SEEN)


async def test_nested_folders_are_folders(box: Box, tmp_path: Path) -> None:
    top = tmp_path / "saved"
    (top / "Work/Größe").mkdir(parents=True)
    (top / "10.eml").write_bytes(DATED)
    (top / "9.EML").write_bytes(ARRIVED)
    (top / "Work/Größe/a.eml").write_bytes(b"no date\x00\xff\n\rodd \r\n ends")
    os.utime(top / "Work/Größe/a.eml", (7, 7))
    (top / "Work/readme.txt").write_text("no mail")
    read = await read_all(box, top)
    assert read.folders == {
        "Imported": [(ARRIVED, SEEN, "", 120), (DATED, SEEN, "", 60)],
        "Work/Größe": [(b"no date\x00\xff\n\rodd \r\n ends", SEEN, "", 7)],
    }
    assert read.notes == ["1 file(s) that are no .eml or .emlx left out."]


async def test_a_file_of_unix_gets_the_line_ends_of_mail(box: Box, tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved/a.eml").write_bytes(DATED.replace(b"\r\n", b"\n"))
    assert (await read_all(box, tmp_path / "saved")).octets("Imported") == [DATED]


async def test_flags_that_thunderbird_saved_along(box: Box, tmp_path: Path) -> None:
    raw = b"X-Mozilla-Status: 0004\r\n" + DATED
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved/a.eml").write_bytes(raw)
    read = await read_all(box, tmp_path / "saved")
    assert read.folders["Imported"] == [(raw, Flag.FLAGGED, "", 60)]


async def test_a_zip(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "mail.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Mail/Work/1.eml", DATED)
        archive.writestr("Mail/Inbox/1.eml", DATED)
    read = await read_all(box, path)
    came = [(DATED, SEEN, "", 60)]
    assert read.folders == {"Mail/Inbox": came, "Mail/Work": came}


PLIST = b"""<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>date-received</key>
<integer>1000000000</integer>
<key>flags</key>
<integer>8590195733</integer>
</dict></plist>
"""


async def test_apple_mail(box: Box, tmp_path: Path) -> None:
    text = DATED.replace(b"\r\n", b"\n")
    place = tmp_path / "V9/Work.mbox/6F1B0E3A-0000-4000-8000-0123456789AB/Data/1/Messages"
    place.mkdir(parents=True)
    (place / "17.emlx").write_bytes(b"%-10d\n" % len(text) + text + PLIST)
    read = await read_all(box, tmp_path / "V9")
    flags = Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED
    assert 8590195733 & 0x1FF == 1 + 4 + 16
    assert read.folders == {"Work": [(DATED, flags, "", 1_000_000_000)]}
