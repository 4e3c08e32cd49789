"""mbox files in all dialects, as programs and people leave them."""

from __future__ import annotations

import mailbox
import tracemalloc
from pathlib import Path

import pytest

from pillarbox.flow.collect.source import SourceFailure
from pillarbox.store.model import Flag
from support.files_source import read_all
from support.store_box import Box

LINE = "From alice@example.org Thu Jan  1 00:00:00 1970\n"


def mbox(*texts: str, line: str = LINE) -> bytes:
    return "".join(f"{line}{text}\n" for text in texts).encode()


def put(folder: Path, octets: bytes, name: str = "mbox") -> Path:
    (folder / name).write_bytes(octets)
    return folder / name


ONE = "Subject: one\n\nHello\n"
TWO = "Subject: two\n\nFrom where?\n\nFrom nobody 10:00 to 11:00\n"
ONE_WIRE = ONE.replace("\n", "\r\n").encode()
TWO_WIRE = TWO.replace("\n", "\r\n").encode()


@pytest.mark.parametrize("name", ["mbox", "Work.mbox", "archive"])
async def test_a_plain_file(box: Box, tmp_path: Path, name: str) -> None:
    read = await read_all(box, put(tmp_path, mbox(ONE, TWO), name))
    path = "INBOX" if name == "mbox" else name.removesuffix(".mbox")
    assert read.folders == {path: [(ONE_WIRE, 0, "", 0), (TWO_WIRE, 0, "", 0)]}


async def test_line_ends_of_windows(box: Box, tmp_path: Path) -> None:
    raw = mbox(ONE, ">From me\n\n>>From you\n").replace(b"\n", b"\r\n")
    read = await read_all(box, put(tmp_path, raw))
    assert read.octets() == [ONE_WIRE, b"From me\r\n\r\n>From you\r\n"]
    assert read.folders["INBOX"][0][3] == 0


QUOTED = "Subject: q\n\n>From me\n>>From you\n> From here\n>From: x\n"


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("auto", "From me\n>From you\n"),
        ("mboxrd", "From me\n>From you\n"),
        ("mboxo", "From me\n>>From you\n"),
        ("mboxcl", "From me\n>>From you\n"),
        ("mboxcl2", ">From me\n>>From you\n"),
    ],
)
async def test_quoting(box: Box, tmp_path: Path, dialect: str, body: str) -> None:
    read = await read_all(box, put(tmp_path, mbox(QUOTED)), "mbox", dialect=dialect)
    wanted = f"Subject: q\n\n{body}> From here\n>From: x\n"
    assert read.octets() == [wanted.replace("\n", "\r\n").encode()]


def with_length(body: str, length: int | None = None) -> str:
    length = len(body) if length is None else length
    return f"Subject: cl\nContent-Length: {length}\n\n{body}"


BODY = f"one\n\n{LINE}Subject: inside\n\ntext\n"


async def test_content_length_counts_where_all_have_it(box: Box, tmp_path: Path) -> None:
    read = await read_all(box, put(tmp_path, mbox(with_length(BODY), with_length("two\n"))))
    assert read.octets() == [
        with_length(BODY).replace("\n", "\r\n").encode(),
        with_length("two\n").replace("\n", "\r\n").encode(),
    ]
    read = await read_all(box, put(tmp_path, mbox(with_length("a\n>From b\n"))))
    assert read.octets()[0].endswith(b"a\r\nFrom b\r\n")  # quoted all the same: mboxcl


@pytest.mark.parametrize("length", [0, 1, 7, 10**6, 10**14])
async def test_content_length_that_lies(box: Box, tmp_path: Path, length: int) -> None:
    raw = mbox(*[with_length(f"text {n}\n") for n in range(5)], with_length("liar\n", length))
    raw += mbox(with_length("last\n"))
    for dialect in ("auto", "mboxcl", "mboxcl2"):
        read = await read_all(box, put(tmp_path, raw), "mbox", dialect=dialect)
        bodies = [one.partition(b"\r\n\r\n")[2] for one in read.octets()]
        assert bodies == [*(f"text {n}\r\n".encode() for n in range(5)), b"liar\r\n", b"last\r\n"]


async def test_a_strangers_content_length_swallows_nothing(box: Box, tmp_path: Path) -> None:
    """It came with the mail, and leads exactly to the end of another message."""
    victim = f"{LINE}{ONE}\n"
    trap = f"Subject: trap\nContent-Length: {len(victim) + 2}\n\nx\n"
    read = await read_all(box, put(tmp_path, mbox("Subject: first\n\n.\n", trap, ONE)))
    assert len(read.octets()) == 3


@pytest.mark.parametrize(
    ("line", "received_at"),
    [
        ("From a@example.org Thu Jan  1 00:01:00 1970", 60),
        ("From a@example.org  Thu Jan  1 00:01:00 1970", 60),
        ("From a@example.org Thu Jan  1 00:01 1970", 60),
        ("From a@example.org Thu Jan  1 01:01:00 CET 1970", 60),
        ("From a@example.org Thu Jan  1 01:01:00 1970 +0100", 60),
        ("From a@example.org Wed Dec 31 23:01:00 -0100 1969", 60),
        ("From a@example.org Thu, 1 Jan 1970 00:01:00 +0000", 60),
        ("From a@example.org 1970-01-01T00:01:00Z", 60),
        ("From a@example.org Thu Jan  1 00:01:00 1970 remote from mars", 60),
        ("From MAILER-DAEMON Thu Jan  1 00:01:00 1970", 60),
        ('From "a b"@example.org Thu Jan  1 00:01:00 1970', 60),
        ("From may@sun.example.org Thu Jan  1 00:01:00 1970", 60),
        ("From ???@??? Thu Jan 01 00:01:00 1970", 60),
        ("From 1712345678901234567@xxx Thu Jan 01 00:01:00 +0000 1970", 60),
        ("From a@example.org Do Okt 10 00:01:00 2019", 1_570_665_660),
        ("From a@example.org Xxx Yyy 99 00:01:00 2019", None),
    ],
)
async def test_from_lines(box: Box, tmp_path: Path, line: str, received_at: int | None) -> None:
    raw = mbox("A: 1\n\nx\n", "B: 2\n\ny\n", line=line + "\n")
    read = await read_all(box, put(tmp_path, raw), "mbox")
    assert read.octets() == [b"A: 1\r\n\r\nx\r\n", b"B: 2\r\n\r\ny\r\n"]
    if received_at != 1_570_665_660:  # "Okt" is no month that is known: any day or none
        assert [one[3] for one in read.folders["INBOX"]] == [received_at] * 2


@pytest.mark.parametrize(
    "text",
    [
        "From my point of view\n",
        "From Monday 10:00 on we meet in 2020.\nBring cake.\n",
        "From 2020\n",
        "From alice Thu Jan  1 00:00:00 1970 is a date\nand no header follows\n",
    ],
)
async def test_text_that_is_no_from_line(box: Box, tmp_path: Path, text: str) -> None:
    read = await read_all(box, put(tmp_path, mbox(f"S: 1\n\nx\n\n{text}", ONE)), "mbox")
    assert len(read.octets()) == 2


async def test_mozillas_date_is_that_of_a_copy(box: Box, tmp_path: Path) -> None:
    head = "Received: by x; Fri, 02 Jan 1970 00:00:00 +0000\nDate: Sat, 3 Jan 1970 00:00:00 +0000\n"
    raw = mbox(f"{head}\nx\n", line="From - Mon Nov 23 10:00:00 2026\n")
    raw += mbox("Subject: no date\n\nx\n", line="From - Thu Jan  1 00:00:09 1970\n")
    read = await read_all(box, put(tmp_path, raw))
    assert [one[3] for one in read.folders["INBOX"]] == [86_400, 9]


@pytest.mark.parametrize(
    ("head", "flags", "keywords"),
    [
        ("Status: RO\n", Flag.SEEN, ""),
        (
            "Status: O\nX-Status: AFDT\n",
            Flag.ANSWERED | Flag.FLAGGED | Flag.DELETED | Flag.DRAFT,
            "",
        ),
        ("X-Keywords: $Forwarded Work, play\n", Flag.FORWARDED, "Work play"),
        ("X-Mozilla-Status: 1007\n", Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED | Flag.FORWARDED, ""),
        ("X-Mozilla-Status: nonsense\nX-Mozilla-Keys: $label1     \n", 0, "$label1"),
        ("Subject: x\n", 0, ""),
    ],
)
async def test_flags(box: Box, tmp_path: Path, head: str, flags: int, keywords: str) -> None:
    read = await read_all(box, put(tmp_path, mbox(f"{head}\nx\n")))
    wanted = f"{head}\nx\n".replace("\n", "\r\n").encode()  # the fields stay
    assert read.folders["INBOX"] == [(wanted, flags, keywords, 0)]


async def test_what_is_no_mail_is_left_out_and_counted(box: Box, tmp_path: Path) -> None:
    note = "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 1 2\n\nx\n"
    gone = "X-Mozilla-Status: 0009\nSubject: deleted\n\nx\n"
    read = await read_all(box, put(tmp_path, mbox(note, ONE, gone, gone)))
    assert read.octets() == [ONE_WIRE]
    assert read.notes == [
        "1 note(s) of a mail program to itself in 'INBOX' left out.",
        "2 message(s) that Mozilla has deleted in 'INBOX' left out.",
    ]


async def test_keys_outlive_changed_flags_and_places(box: Box, tmp_path: Path) -> None:
    texts = [f"Subject: {n}\nStatus: O\n\nx\n" for n in range(3)]
    first = await read_all(box, put(tmp_path, mbox(*texts, texts[1])))
    changed = [text.replace("Status: O", "Status: RO\nX-Status: A") for text in texts]
    second = await read_all(box, put(tmp_path, mbox(changed[2], changed[1], changed[1])))
    keys = first.keys["INBOX"]
    assert second.keys["INBOX"] == [keys[2], keys[1], keys[3]]
    assert keys[3] == keys[1] + ".1"


async def test_a_folder_as_thunderbird_has_it(box: Box, tmp_path: Path) -> None:
    top = tmp_path / "Mail"
    (top / "Work.sbd").mkdir(parents=True)
    for name in ("Inbox", "Sent", "Work", "Work.sbd/Pläne"):
        (top / name).write_bytes(mbox(ONE))
        (top / f"{name}.msf").write_text('// <!-- <mdb:mork:z v="1.4"/> -->')
    (top / "Trash.mbox").write_bytes(b"")
    read = await read_all(box, top)
    assert {path: len(got) for path, got in read.folders.items()} == {
        "INBOX": 1, "Sent": 1, "Trash": 0, "Work": 1, "Work/Pläne": 1
    }  # fmt: skip
    assert read.roles == {"INBOX": "inbox", "Sent": "sent", "Trash": "trash"}


async def test_a_writer_that_we_did_not_write(box: Box, tmp_path: Path) -> None:
    """Python's own module, with what it quotes and flags."""
    written = mailbox.mbox(tmp_path / "mbox")
    for number in range(50):
        message = mailbox.mboxMessage(f"Subject: {number}\n\nFrom here\n\n.\n")
        message.set_flags("RF" if number % 2 else "")
        message.set_from("bob@example.org", (2001, 9, 9, 1, 46, number, 0, 0, 0))
        written.add(message)
    written.close()
    read = await read_all(box, tmp_path / "mbox")
    got = read.folders["INBOX"]
    assert [one[3] for one in got] == [1_000_000_000 + n - 40 for n in range(50)]
    assert [one[1] for one in got] == [0, Flag.SEEN | Flag.FLAGGED] * 25
    assert all(one[0].endswith(b"From here\r\n\r\n.\r\n") for one in got)


async def test_a_long_file_takes_little_memory(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    with path.open("wb") as file:
        for number in range(8):
            file.write(mbox(f"Subject: {number}\n\n{'x' * 72 + chr(10)}" * 1 + "y" * 70 + "\n"))
            for _ in range(8):
                file.write(b"z" * 1023 + b"\n" + (b"w" * 1023 + b"\n") * 1023)
    tracemalloc.start()
    read = await read_sizes(box, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read == 8
    assert path.stat().st_size > 64 * 1024**2
    assert peak < 40 * 1024**2


async def read_sizes(box: Box, path: Path) -> int:
    """Brings everything and keeps nothing."""
    from pillarbox.flow.collect.files.opening import open_files

    source = await open_files(path, "mbox")
    count = 0
    for folder in await source.folders():
        opened = await source.open(folder)
        async for one in source.fetch(opened.messages, box.store.spool):
            one.spool.discard()
            count += 1
    await source.close()
    return count


async def test_what_is_no_mbox_is_refused(box: Box, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for path in (put(tmp_path, b"import this\n", "x.py"), put(tmp_path / "a", b"no", "b").parent):
        with pytest.raises(SourceFailure, match="no mbox file"):
            await read_all(box, path, "mbox")
        with pytest.raises(SourceFailure, match="If it is one of them, say which"):
            await read_all(box, path)
    assert (await read_all(box, put(tmp_path, b""), "mbox")).folders == {"INBOX": []}
    assert (await read_all(box, put(tmp_path, b"From x\n\nHello\n"), "mbox")).octets() == [
        b"\r\nHello\r\n"
    ]
