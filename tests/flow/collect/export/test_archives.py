"""What an archive holds, as programs that we did not write read it; and when it is not made."""

from __future__ import annotations

import json
import mailbox
import shutil
import subprocess
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from pillarbox.errors import AlreadyExists, NoSuchMailbox
from pillarbox.flow.collect.export.export import CannotWrite, Chosen
from pillarbox.flow.collect.files.manifest import FORMS, Form
from pillarbox.imap.wire import modified_utf7
from support.exporting import ODD_PATHS, STATES, export_alice, fill_oddly
from support.store_box import Box, letter


def subject(message: Message) -> str:
    return str(message["Subject"])


@pytest.mark.parametrize("form", FORMS)
async def test_zips_are_sound_and_fit_for_every_system(
    box: Box, tmp_path: Path, form: Form
) -> None:
    await fill_oddly(box)
    target = tmp_path / "alice.zip"
    await export_alice(box, target, form)
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        manifest = json.loads(archive.read("pillarbox.json"))
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert not set(name) & set('<>"\\|?*')
        assert not name.startswith("/") and ".." not in name.split("/")
        assert form == "maildir" or ":" not in name
        assert all(not level.endswith((".", " ")) for level in name.rstrip("/").split("/"))
    assert {folder["path"] for folder in manifest["folders"]} >= {*ODD_PATHS}
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-tq", str(target)], check=True, stdout=subprocess.DEVNULL)
    assert target.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["alice.zip"]


async def test_python_reads_the_mbox_files(box: Box, tmp_path: Path) -> None:
    work = await box.create("Work")
    for number, (flags, keywords, received_at) in enumerate(STATES):
        raw = letter(f"Letter {number}", "Hello\r\n\r\nFrom here on\r\nall is well")
        await box.append(raw, work.id, flags=int(flags), keywords=keywords, received_at=received_at)
    target = tmp_path / "alice.zip"
    await export_alice(box, target, "mbox")
    shutil.unpack_archive(target, tmp_path / "out")
    read = mailbox.mbox(tmp_path / "out/Mail/Work.mbox", create=False)
    assert [subject(one) for one in read] == [f"Letter {n}" for n in range(4)]
    assert [set(one.get_flags()) for one in read] == [{"O"}, set("ROFA"), set("ODT"), {"O"}]
    assert ">From here on" in str(read[0].get_payload())
    assert read[2]["X-Keywords"] == "Zebra work"
    assert read[0].get_from().endswith("Sun Sep  9 01:46:40 2001")


async def test_python_reads_the_maildir(box: Box, tmp_path: Path) -> None:
    await fill_oddly(box)
    target = tmp_path / "alice.zip"
    await export_alice(box, target, "maildir")
    if shutil.which("unzip") is None:
        pytest.skip("unzip is not installed")
    subprocess.run(["unzip", "-q", str(target), "-d", str(tmp_path / "out")], check=True)
    top = mailbox.Maildir(tmp_path / "out/Maildir", create=False)
    assert len(top) == 11
    names = [modified_utf7.decode(name.encode()) for name in top.list_folders()]
    assert {*names} >= {"Work", "work~2", "Work.Plans_2026", "Größe.Äpfel", "日本語.📮 Post"}
    plans = top.get_folder("Work.Plans_2026")
    found = {(int(one.get_date()), one.get_flags()) for one in plans}
    # The letters of keywords begin with the first that the folder has.
    assert found == {
        (1_000_000_000, ""), (1_700_000_001, "FRS"), (86_400, "DTab"), (2_000_000_003, "Pcdefg")
    }  # fmt: skip


async def test_parts_of_an_account(box: Box, tmp_path: Path) -> None:
    await fill_oddly(box)
    chosen = Chosen(("Work", "größe"), None)
    with pytest.raises(NoSuchMailbox):
        await export_alice(box, tmp_path / "a.zip", "pillarbox", chosen)
    chosen = Chosen(("Work", "inbox"), 1_500_000_000)
    manifest, progress = await export_alice(box, tmp_path / "a.zip", "pillarbox", chosen)
    assert {one.path: one.messages for one in manifest.folders} == {
        "INBOX": 0,
        "Work": 2,
        "Work/Plans.2026": 2,
    }
    assert (progress.brought, progress.skipped) == (4, 15)


async def test_nothing_is_left_of_what_failed(box: Box, tmp_path: Path) -> None:
    await box.append()
    taken = tmp_path / "taken.zip"
    taken.write_bytes(b"mine")
    with pytest.raises(AlreadyExists):
        await export_alice(box, taken, "mbox")
    assert taken.read_bytes() == b"mine"
    with pytest.raises(CannotWrite, match="no such file"):
        await export_alice(box, tmp_path / "no/such/folder.zip", "mbox")
    (tmp_path / "x.zip.partial").write_bytes(b"of an export that was cut off")
    await export_alice(box, tmp_path / "x.zip", "mbox")
    assert zipfile.is_zipfile(tmp_path / "x.zip")
    assert not (tmp_path / "x.zip.partial").exists()
