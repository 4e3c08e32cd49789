"""Archives and folders made to harm: refused or left out, with a reason, and the rest comes."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from pillarbox.config.collect_files import CollectFileSettings
from pillarbox.flow.collect.files.archive import TarTree
from pillarbox.flow.collect.files.opening import open_files
from pillarbox.flow.collect.source import SourceFailure
from support.exporting import bring, export_alice
from support.files_source import read_all
from support.maildir import make_maildir
from support.store_box import Box, letter

MAIL = b"Subject: x\r\n\r\nHello\r\n"


def zipped(path: Path, *members: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, octets in members:
            archive.writestr(zipfile.ZipInfo(name), octets, how)
    return path


async def refused(path: Path, match: str, **settings: int) -> None:
    with pytest.raises(SourceFailure, match=match) as caught:
        await open_files(path, settings=CollectFileSettings(**settings))
    assert caught.value.trouble == "file"
    assert str(path.parent) not in str(caught.value)


async def test_an_entry_that_grows_too_much(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.eml", MAIL), ("b.eml", bytes(80 * 1024**2)))
    await refused(path, "grows more than 200 times")


async def test_many_entries_that_grow_a_little_too_much(tmp_path: Path) -> None:
    entries = [(f"{n}.eml", bytes(10 * 1024**2)) for n in range(8)]
    await refused(zipped(tmp_path / "a.zip", *entries), "grows more than 200 times")


async def test_a_message_of_zeros_is_mail(box: Box, tmp_path: Path) -> None:
    zeros = letter("Zeros", "AAAA" * 5_000_000)
    await box.append(zeros)
    await export_alice(box, tmp_path / "a.zip", "pillarbox")
    assert (await read_all(box, tmp_path / "a.zip")).octets() == [zeros]


async def test_too_much_in_all(tmp_path: Path) -> None:
    entries = [(f"{n}.eml", os.urandom(50_000)) for n in range(10)]
    path = zipped(tmp_path / "a.zip", *entries)
    await refused(path, "more than 400000 octets", max_unpacked_octets=400_000)


async def test_too_many_entries(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", *[(f"{n}.eml", MAIL) for n in range(20)])
    await refused(path, "more than 19 files", max_entries=19)
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        for number in range(20):
            archive.addfile(tarfile.TarInfo(f"{number}.eml"))
    await refused(tmp_path / "a.tgz", "more than 19 files", max_entries=19)
    top = tmp_path / "folder"
    top.mkdir()
    for number in range(20):
        (top / f"{number}.eml").write_bytes(MAIL)
    await refused(top, "more than 19 files", max_entries=19)


async def test_a_directory_that_says_it_is_endless(tmp_path: Path) -> None:
    """zipfile would read all of it into memory before anything can be counted."""
    path = zipped(tmp_path / "a.zip", ("a.eml", MAIL))
    raw = bytearray(path.read_bytes())
    end = raw.rfind(b"PK\x05\x06")
    struct.pack_into("<HHI", raw, end + 8, 0xFFFE, 0xFFFE, 0xFFFFFFFE)
    path.write_bytes(raw)
    await refused(path, "more than 1000 files", max_entries=1000)


async def test_entries_that_share_their_octets(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.eml", os.urandom(50_000)))
    raw = path.read_bytes()
    start = raw.rfind(b"PK\x01\x02")
    end = raw.rfind(b"PK\x05\x06")
    entry = raw[start:end]
    tail = bytearray(raw[end:])
    struct.pack_into("<HHI", tail, 8, 50, 50, len(entry) * 50)
    path.write_bytes(raw[:start] + entry * 50 + tail)
    await refused(path, "overlap")


async def test_a_tar_that_grows_too_much(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        member = tarfile.TarInfo("a.mbox")
        member.size = 500 * 1024**2

        class Zeros(io.RawIOBase):
            def read(self, size: int = -1) -> bytes:
                return bytes(size)

        archive.addfile(member, Zeros())
    await refused(tmp_path / "a.tgz", "grows more than 200 times")


def test_a_tar_header_that_says_it_is_endless(tmp_path: Path) -> None:
    """tarfile reads extended headers into memory, as long as they say they are."""
    header = tarfile.TarInfo("x")
    header.type = tarfile.XHDTYPE
    header.size = 1 << 32
    with gzip.open(tmp_path / "a.tgz", "wb") as file:
        file.write(header.tobuf(tarfile.USTAR_FORMAT))
        file.write(bytes(1 << 20))
    with pytest.raises(SourceFailure, match="damaged"):
        TarTree(tmp_path / "a.tgz", CollectFileSettings())


@pytest.mark.parametrize("octets", [b"PK\x03\x04", b"PK\x03\x04" + b"x" * 100, b"\x1f\x8b\x08junk"])
async def test_what_is_no_whole_archive(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(octets)
    await refused(tmp_path / "a.zip", "again|No mail")


async def test_names_that_lead_out_of_the_archive(box: Box, tmp_path: Path) -> None:
    names = [
        "../up.eml",
        "/root.eml",
        "a/../../b.eml",
        "c\\d.eml",
        "good/one.eml",
        "deep/" * 50 + "x.eml",
    ]
    path = zipped(tmp_path / "a.zip", *[(name, MAIL) for name in names])
    read = await read_all(box, path)
    assert list(read.folders) == ["good"]
    assert read.notes[0].startswith("5 entries with names")


async def test_links_and_encrypted_entries_are_missed(box: Box, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.eml")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("one.eml", MAIL)
        archive.writestr("two.eml", MAIL)
    raw = bytearray((tmp_path / "a.zip").read_bytes())
    at = raw.find(b"PK\x01\x02", raw.find(b"two.eml", raw.find(b"PK\x01\x02")) - 60)
    raw[at + 8] |= 1
    (tmp_path / "a.zip").write_bytes(raw)
    read = await read_all(box, tmp_path / "a.zip")
    assert read.octets("Imported") == [MAIL]
    assert {key: why.partition(": ")[2] for key, why in read.missed.items()} == {
        "link.eml": "it is a symbolic link.",
        "two.eml": "it is encrypted; unpack the archive first.",
    }


async def test_a_link_in_a_tar_is_left_out(box: Box, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        link = tarfile.TarInfo("link.eml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        member = tarfile.TarInfo("one.eml")
        member.size = len(MAIL)
        archive.addfile(member, io.BytesIO(MAIL))
    read = await read_all(box, tmp_path / "a.tgz")
    assert read.octets("Imported") == [MAIL]
    assert read.notes[0] == "1 links or devices in the archive left out."


async def test_links_pipes_and_closed_files_on_disk(box: Box, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "secret.eml").write_bytes(MAIL)
    top = tmp_path / "saved"
    (top / "inner").mkdir(parents=True)
    (top / "one.eml").write_bytes(MAIL)
    (top / "link.eml").symlink_to(secret / "secret.eml")
    (top / "inner/more").symlink_to(secret)
    (top / "loop").symlink_to(top)
    os.mkfifo(top / "pipe.eml")
    read = await read_all(box, top)
    assert read.folders == {"Imported": [(MAIL, 1, "", read.folders["Imported"][0][3])]}
    assert sorted(read.notes)[:2] == [
        "1 pipe(s), socket(s) or device(s) were left out.",
        "3 symbolic link(s) were left out.",
    ]
    with pytest.raises(SourceFailure, match="no plain file"):
        await open_files(top / "pipe.eml")
    with pytest.raises(SourceFailure, match="no plain file"):
        await open_files(Path("/dev/zero"))


async def test_a_file_that_becomes_a_link_is_not_followed(box: Box, tmp_path: Path) -> None:
    top = make_maildir(tmp_path / "Maildir")
    for name in ("1.a:2,", "2.b:2,"):
        (top / "cur" / name).write_bytes(MAIL)
    source = await open_files(top)
    folder = (await source.folders())[0]
    messages = (await source.open(folder)).messages
    (top / "cur/1.a:2,").unlink()
    (top / "cur/1.a:2,").symlink_to("/etc/passwd")
    came = [one async for one in source.fetch(messages, box.store.spool)]
    assert [type(one).__name__ for one in came] == ["Missed", "Arrived"]
    (top / "cur").rename(top / "old")
    (top / "cur").symlink_to(top / "old")
    came = [one async for one in source.fetch(messages, box.store.spool)]
    assert [type(one).__name__ for one in came] == ["Missed", "Missed"]
    await source.close()


async def test_too_deep_folders_are_left_out(box: Box, tmp_path: Path) -> None:
    deep = tmp_path / "saved" / "/".join("d" for _ in range(60))
    deep.mkdir(parents=True)
    (deep / "a.eml").write_bytes(MAIL)
    (tmp_path / "saved/b.eml").write_bytes(MAIL)
    read = await read_all(box, tmp_path / "saved")
    assert list(read.folders) == ["Imported"]
    assert any("too deep" in note for note in read.notes)


async def test_a_file_that_cannot_be_read_stops_nothing(box: Box, tmp_path: Path) -> None:
    """As root, who may read everything: the archive is damaged in one entry."""
    path = zipped(tmp_path / "a.zip", ("A/1.eml", MAIL * 99), ("B/1.eml", MAIL))
    raw = bytearray(path.read_bytes())
    raw[raw.find(b"A/1.eml") + 12] ^= 0x55
    path.write_bytes(raw)
    read = await read_all(box, path)
    assert read.octets("B") == [MAIL]
    assert read.missed == {"A/1.eml": "The file cannot be read: the archive is damaged there."}


async def test_a_message_that_is_too_large_is_missed(tmp_path: Path) -> None:
    async with Box(tmp_path, max_message_octets=2000) as box:
        raw = b"".join(
            b"From a Thu Jan  1 00:00:00 1970\nSubject: x\n\n" + b"x" * size + b"\n\n"
            for size in (10, 3000, 10)
        )
        (tmp_path / "mbox").write_bytes(raw)
        read = await read_all(box, tmp_path / "mbox")
        assert len(read.octets()) == 2
        assert ["larger than this server accepts" in why for why in read.missed.values()] == [True]


async def test_an_mbox_that_shrinks_meanwhile(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    path.write_bytes(b"From a Thu Jan  1 00:00:00 1970\nSubject: x\n\nHello\n\n" * 9000)
    source = await open_files(path, settings=CollectFileSettings(piece_octets=4096))
    messages = (await source.open((await source.folders())[0])).messages
    os.truncate(path, 200_000)
    came = [type(one).__name__ async for one in source.fetch(messages[6000:6003], box.store.spool)]
    assert came == ["Missed"] * 3
    await source.close()


async def test_an_export_that_was_changed(box: Box, tmp_path: Path) -> None:
    await box.append(letter("One"))
    await box.append(letter("Two"))
    target = tmp_path / "alice.zip"
    await export_alice(box, target, "pillarbox")
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(target) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            octets = old.read(name)
            new.writestr(name, octets.replace(b"One", b"0ne") if name.endswith("1.eml") else octets)
    box.alice = await box.new_account("carol@example.org")
    _, progress = await bring(box, changed)
    assert progress.brought == 1
    assert [note.why for note in progress.troubles] == [
        "The file cannot be read: its octets are not those that were exported."
    ]


async def test_a_manifest_that_is_none(tmp_path: Path) -> None:
    for text in (b"{", b"[]", b'{"format": 99, "form": "mbox"}'):
        path = zipped(tmp_path / "a.zip", ("pillarbox.json", text))
        source = await open_files(path)
        with pytest.raises(SourceFailure, match="again"):
            await source.folders()
        await source.close()
    manifest = b'{"format":2,"form":"mbox","account":"a","made_at":"","modseq":1,"folders":[]}'
    path = zipped(tmp_path / "long.zip", ("pillarbox.json", manifest))
    source = await open_files(path, settings=CollectFileSettings(max_manifest_octets=50))
    with pytest.raises(SourceFailure, match="cannot be read"):
        await source.folders()
    await source.close()
    source = await open_files(zipped(tmp_path / "b.zip", ("pillarbox.json", manifest)))
    with pytest.raises(SourceFailure, match="newer Pillarbox"):
        await source.folders()
    await source.close()
