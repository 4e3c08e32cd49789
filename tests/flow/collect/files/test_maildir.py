"""Maildir and Maildir++ as Dovecot, Courier, mutt and mbsync leave them."""

from __future__ import annotations

import mailbox
import os
from pathlib import Path

from pillarbox.store.model import Flag
from support.files_source import read_all
from support.maildir import make_maildir
from support.store_box import Box

TEXT = b"Subject: x\n\nHello\nFrom here on\n>From there\n"
WIRE = TEXT.replace(b"\n", b"\r\n")


def put(maildir: Path, name: str, octets: bytes = TEXT, at: int = 1_000_000_000) -> Path:
    folder = maildir / ("cur" if ":2" in name else "new")
    (folder / name).write_bytes(octets)
    os.utime(folder / name, (at, at))
    return folder / name


async def test_flags_keywords_and_dates(box: Box, tmp_path: Path) -> None:
    top = make_maildir(tmp_path / "Maildir")
    (top / "dovecot-keywords").write_text("0 Work\n1 $Forwarded\n25 last\n")
    put(top, "1.a:2,", at=1)
    put(top, "2.b:2,DFPRST", at=2)
    put(top, "3.c,S=42:2,Sabz", at=3)
    put(top, "4.d", at=4)
    put(top, "5.e:2,Sk", at=5)
    all_flags = Flag.DRAFT | Flag.FLAGGED | Flag.FORWARDED | Flag.ANSWERED | Flag.SEEN
    read = await read_all(box, top)
    assert read.folders == {
        "INBOX": [
            (WIRE, 0, "", 1),
            (WIRE, all_flags | Flag.DELETED, "", 2),
            (WIRE, Flag.SEEN | Flag.FORWARDED, "Work last", 3),
            (WIRE, 0, "", 4),
            (WIRE, Flag.SEEN, "", 5),
        ]
    }
    assert read.keys["INBOX"] == ["1.a", "2.b", "3.c,S=42", "4.d", "5.e"]


async def test_octets_with_cr_lf_stay(box: Box, tmp_path: Path) -> None:
    top = make_maildir(tmp_path / "Maildir")
    put(top, "1.a:2,", WIRE + b"a lone \r and no end")
    assert (await read_all(box, top)).octets() == [WIRE + b"a lone \r and no end"]


async def test_the_order_is_that_of_dovecots_uids(box: Box, tmp_path: Path) -> None:
    top = make_maildir(tmp_path / "Maildir")
    for name in ("1.a", "2.b", "3.c", "4.d"):
        put(top, f"{name}:2,", name.encode())
    (top / "dovecot-uidlist").write_text("3 V1 N9 G0\n1 W3 :3.c:2,S\n2 :1.a\n5 S9 W9 :2.b:2,\n")
    assert (await read_all(box, top)).octets() == [b"3.c", b"1.a", b"2.b", b"4.d"]


async def test_subfolders_by_dots_and_by_folders(box: Box, tmp_path: Path) -> None:
    top = make_maildir(tmp_path / "Maildir")
    for name in (".Sent", ".Work.Pl&AOQ-ne", ".Größe", ".A&B", "nested/deep", ".Leer"):
        made = make_maildir(top / name)
        (made / "maildirfolder").touch()
        put(made, "1.a:2,S")
    (top / "subscriptions").write_text("Sent\nWork.Pl&AOQ-ne\n")
    read = await read_all(box, top)
    assert set(read.folders) == {
        "INBOX", "Sent", "Work/Pläne", "Größe", "A&B", "nested/deep", "Leer"
    }  # fmt: skip
    assert read.subscribed == {"Sent", "Work/Pläne"}
    assert read.roles == {"INBOX": "inbox", "Sent": "sent"}


async def test_other_lists_of_subscriptions(box: Box, tmp_path: Path) -> None:
    top = make_maildir(tmp_path / "Maildir")
    for name in (".A", ".A.B", ".C"):
        make_maildir(top / name)
    (top / "subscriptions").write_text("V\t2\n\nA\tB\nC\n")
    assert (await read_all(box, top)).subscribed == {"A/B", "C"}
    (top / "subscriptions").unlink()
    (top / "courierimapsubscribed").write_text("INBOX\nINBOX.A\nINBOX.A.B\n")
    assert (await read_all(box, top)).subscribed == {"INBOX", "A", "A/B"}


async def test_a_folder_of_maildirs_as_mbsync_has_it(box: Box, tmp_path: Path) -> None:
    for name in ("Inbox", "Sent", "Work/2020"):
        put(make_maildir(tmp_path / "Mail" / name), "1.a:2,S")
    assert set((await read_all(box, tmp_path / "Mail")).folders) == {"INBOX", "Sent", "Work/2020"}


async def test_a_message_seen_in_new_and_cur_comes_once(box: Box, tmp_path: Path) -> None:
    top = make_maildir(tmp_path / "Maildir")
    put(top, "1.a")
    put(top, "1.a:2,S")
    assert len((await read_all(box, top)).octets()) == 1


async def test_what_python_writes(box: Box, tmp_path: Path) -> None:
    top = mailbox.Maildir(tmp_path / "Maildir")
    for number in range(5):
        message = mailbox.MaildirMessage(f"Subject: {number}\n\n.\n")
        message.set_subdir("cur")
        message.set_flags("FS")
        message.set_date(1_000_000_000 + number)
        top.add_folder("Sub.Folder").add(message)
    read = await read_all(box, tmp_path / "Maildir")
    got = sorted(read.folders["Sub/Folder"])
    flags = Flag.FLAGGED | Flag.SEEN
    assert got == [
        (f"Subject: {n}\r\n\r\n.\r\n".encode(), flags, "", 1_000_000_000 + n) for n in range(5)
    ]
