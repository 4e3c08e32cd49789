"""Google Takeout: one folder, keywords and flags out of labels; archives as Google packs them."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from pillarbox.flow.collect.files.gmail_labels import parse_labels, sort_labels
from pillarbox.store.model import Flag
from support.files_source import read_all
from support.store_box import Box

SEEN = int(Flag.SEEN)
LINE = "From 17123@xxx Sun Sep 09 01:46:40 +0000 2001\n"


RUSSIAN = b"=?UTF-8?B?0JLRhdC+0LTRj9GJ0LjQtSzQndC10L/RgNC+0YfQuNGC0LDQvdC90YvQtQ==?="


def message(subject: str, labels: str) -> str:
    return f"X-GM-THRID: 1\nX-Gmail-Labels: {labels}\nSubject: {subject}\n\nHello\n"


def mbox(*messages: str) -> bytes:
    return "".join(f"{LINE}{one}\n" for one in messages).replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("labels", "path", "flags", "keywords"),
    [
        (b"Inbox,Opened", "INBOX", SEEN, ""),
        (b"Inbox,Unread", "INBOX", 0, ""),
        (b"Inbox,Unread,Starred,Important", "INBOX", Flag.FLAGGED | Flag.IMPORTANT, ""),
        (b"Sent,Opened,Inbox", "INBOX", SEEN, ""),
        (b"Sent", "Sent", SEEN, ""),
        (b"Drafts", "Drafts", SEEN | Flag.DRAFT, ""),
        (b"Spam,Unread", "Junk", 0, ""),
        (b"Trash,Inbox,Work", "Trash", SEEN, "Work"),
        (b"Archived,Opened", "Archive", SEEN, ""),
        (b"", "Archive", SEEN, ""),
        (b"Work/Plans,Archived,Play", "Work/Plans", SEEN, "Play"),
        (b"Inbox,Work/Plans,My (odd) label", "INBOX", SEEN, "My__odd__label Work/Plans"),
        (b'Inbox,"Cake, and more"', "INBOX", SEEN, "Cake,_and_more"),
        (b"=?UTF-8?Q?Posteingang,Ge=C3=B6ffnet,Gr=C3=B6=C3=9Fe?=", "INBOX", SEEN, "Gr&APYA3w-e"),
        (b"=?UTF-8?Q?Gel=C3=B6scht?=", "Gelöscht", SEEN, ""),
        ("受信トレイ,未読,スター付き".encode(), "INBOX", int(Flag.FLAGGED), ""),
        (RUSSIAN, "INBOX", 0, ""),
    ],
)  # fmt: skip
def test_labels(labels: bytes, path: str, flags: int, keywords: str) -> None:
    found = sort_labels(parse_labels(labels))
    assert (found.path, found.flags, found.keywords) == (path, int(flags), keywords)


def pack(tmp_path: Path, how: str, files: dict[str, bytes]) -> Path:
    if how == "folder":
        for name, octets in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(octets)
        return tmp_path / "Takeout"
    path = tmp_path / f"takeout.{how}"
    if how == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, octets in files.items():
                archive.writestr(name, octets)
        return path
    with tarfile.open(path, "w:gz") as archive:
        for name, octets in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(octets)
            archive.addfile(member, io.BytesIO(octets))
    return path


@pytest.mark.parametrize("how", ["zip", "tgz", "folder"])
async def test_an_export(box: Box, tmp_path: Path, how: str) -> None:
    whole = mbox(
        message("a", "Inbox,Opened,Work"),
        message("b", "Sent"),
        message("c", "Work,Unread"),
        message("d", "Spam"),
    )
    files = {
        "Takeout/archive_browser.html": b"<html></html>",
        "Takeout/Mail/All mail Including Spam and Trash.mbox": whole,
        "Takeout/Mail/Work.mbox": mbox(message("a", "Inbox,Opened,Work"), message("e", "Work")),
        "Takeout/Mail/User Settings/Filters.json": b"{}",
    }
    read = await read_all(box, pack(tmp_path, how, files))

    def got(subject: str, labels: str, flags: int, keywords: str = "") -> object:
        octets = message(subject, labels).replace("\n", "\r\n").encode()
        return (octets, flags, keywords, 1_000_000_000)

    assert read.folders == {
        "INBOX": [got("a", "Inbox,Opened,Work", SEEN, "Work")],
        "Sent": [got("b", "Sent", SEEN)],
        "Work": [got("c", "Work,Unread", 0), got("e", "Work", SEEN)],
        "Junk": [got("d", "Spam", SEEN)],
    }
    assert read.roles == {"INBOX": "inbox", "Sent": "sent", "Junk": "junk"}
    assert [note for note in read.notes if "copies" in note] == [
        "1 copies of messages with several labels left out: each comes once."
    ]


async def test_an_export_without_mail(box: Box, tmp_path: Path) -> None:
    path = pack(tmp_path, "zip", {"Takeout/Photos/a.jpg": b"x"})
    with pytest.raises(Exception, match="choose Mail"):
        await read_all(box, path, "takeout")
