"""The text index: what makes a document, how it is looked through, and what is swept out of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pillarbox.ids import BlobId
from pillarbox.message import encoded_word, header
from pillarbox.message.casefold import fold
from pillarbox.message.digest import digest
from pillarbox.store import query as q
from pillarbox.store.engine.sqlite import index_sweeping, indexer
from pillarbox.store.search import document
from pillarbox.store.search.reading import DocumentReader
from support.store_box import Box, letter

F = q.Field


def _slow_lines(raw: bytes) -> bytes:
    """Each field decoded on its own: the obvious form."""
    lines = [
        field.name.decode("latin-1") + ": " + " ".join(encoded_word.decode(field.value).split())
        for field in header.fields(raw)
    ]
    return fold("\n".join(lines)).encode("utf-8", "replace")


_PLAIN = [b"Subject", b"X-A", b"Word", b":", b" ", b"\t", b"\r\n", b"\n", b"\r\n ", b"a: b\r\n"]
_ODD = [b"\r", b"\x1c", b"\x1f\x0b", b"\x0c", b"\0", b"=?utf-8?q?=C3=84?=", b"?=", b"\xc3", b"\xff"]
_PIECES = st.sampled_from([*_PLAIN, *_ODD])


@given(st.lists(_PIECES, max_size=12).map(b"".join))
@example(b"A: one\x1ctwo\r\n\tthree\r\nno field\r\nB :x\r\n")
@example(b"A: b\r\n\x1cB: c\r\nD\x1d: e")
def test_lines_of_plain_and_other_headers(raw: bytes) -> None:
    assert document._lines(raw) == _slow_lines(raw)


def test_one_message_to_many_recipients_is_read_once() -> None:
    raw = letter("Hello", "A few words.")
    structure = msgspec.msgpack.encode(digest(raw).root)
    asked: list[BlobId] = []

    def read(blob: BlobId) -> bytes:
        asked.append(blob)
        return raw

    reader = DocumentReader(read, 4096)
    one, two = BlobId(b"1" * 32), BlobId(b"2" * 32)
    traces = [b"Delivered-To: alice@example.org\r\n", b"Delivered-To: bob@example.org\r\n"]
    made = [reader.read((one, structure, trace, "hello")) for trace in traces]
    assert asked == [one]
    assert [words.head.split(b"\n")[1] for words in made] == [
        b"delivered-to: alice@example.org",
        b"delivered-to: bob@example.org",
    ]
    assert {words.body for words in made} == {b"a few words."}
    reader.read((two, structure, b"", "hello"))
    reader.read((one, structure, b"", "hello"))
    assert asked == [one, two, one]


@pytest.mark.parametrize("indexed", [False, True])
async def test_long_texts_and_scattered_ones(box: Box, indexed: bool) -> None:
    """Texts that are kept compressed, and messages far apart, are looked through like others."""
    long = "lorem ipsum " * 2000
    for n in range(90):
        rare = "Zanzibar qx" if n in (0, 45, 89) else ""
        await box.append(letter(f"Letter {n}", f"{long if n % 2 else ''} {rare}"))
    add_documents = box.store._engine._indexer._add_documents  # type: ignore[attr-defined]
    if indexed:
        await box.store.index_now()
    else:
        add_documents()
    some = q.Uids(((1, 1), (46, 46), (80, 85)))
    for query, expected in [
        (q.Contains(F.BODY, "zanzibar"), [1, 46, 90]),
        (q.Contains(F.TEXT, "qx"), [1, 46, 90]),
        (q.And((some, q.Contains(F.TEXT, "qx"))), [1, 46]),
        (q.And((some, q.Contains(F.BODY, "em ip"))), [46, 80, 82, 84]),
        (q.Contains(F.TEXT, "letter 8"), [9, *range(81, 91)]),
        (q.Not(q.Contains(F.BODY, "ipsum")), list(range(1, 91, 2))),
    ]:
        assert await box.store.search(box.alice.id, box.inbox.id, query) == expected, query


async def test_the_share_of_the_indexer(tmp_path: Path) -> None:
    async with Box(tmp_path, index_share_percent=25) as box:
        share = box.store._engine._indexer._share  # type: ignore[attr-defined]
        shares = [share(others) for others in (0.0, 0.1, 0.3, 0.5, 1.0)]
    assert shares == pytest.approx([1.0, 0.8, 0.4, 0.25, 0.25])


@pytest.mark.parametrize("busy", [False, True])
async def test_another_process_goes_on_while_this_one_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, busy: bool
) -> None:
    async with Box(tmp_path, index_batch=2) as one, Box(tmp_path) as two:
        await one.fill(5)
        mine = one.store._engine._indexer  # type: ignore[attr-defined]
        theirs = two.store._engine._indexer  # type: ignore[attr-defined]
        monkeypatch.setattr(mine._stop, "wait", lambda _: theirs._lock.try_acquire())
        mine._lock.acquire()
        if busy:
            with pytest.raises(indexer._Displaced):
                mine._catch_up(lambda _: 0.5)
        else:
            mine._catch_up(lambda _: 1.0)
        assert theirs._lock.try_acquire() is busy
        mine._lock.release()
        theirs._lock.release()
        assert await two.store.index_now() == (5 if busy else 0)
        found = await one.store.search(one.alice.id, one.inbox.id, q.Contains(F.TEXT, "letter"))
        assert found == [1, 2, 3, 4, 5]


async def test_mail_that_comes_meanwhile_has_a_document_before_more_trigrams(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "_FEW", 0)
    box.change_settings(index_batch=2, index_backlog_messages=0)
    await box.reopen()
    await box.fill(6)
    mine = box.store._engine._indexer  # type: ignore[attr-defined]
    done: list[str] = []
    for name in ("_add_documents", "_add_trigrams"):
        monkeypatch.setattr(mine, name, _noted(getattr(mine, name), name, done))
    mine._catch_up(mine._share)
    assert [name for name in done if name.startswith("_add_t")] == ["_add_trigrams"] * 3
    for at, name in enumerate(done):
        assert name != "_add_trigrams" or done[at - 1] == "_add_documents"


def _noted(batch: Callable[[], int], name: str, done: list[str]) -> Callable[[], int]:
    def run() -> int:
        done.append(name)
        return batch()

    return run


async def test_maintenance_sweeps_texts_without_message(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a process leaves them that ends between deleting messages and forgetting their texts."""
    monkeypatch.setattr(index_sweeping, "_SWEPT", 2)
    monkeypatch.setattr(index_sweeping, "_SWEPT_PARTS", 2)
    bob = await box.new_account("bob@example.org")
    theirs = await box.mailbox("INBOX", bob.id)
    for n in range(4):
        await box.append(letter(f"secret {n}"))
        await box.append(letter(f"secret {n}"), account=bob.id, mailbox=theirs.id)
    await box.store.index_now()
    for account, message in [(box.alice.id, 2), (bob.id, 3), (bob.id, 4)]:
        for table in ("placement", "message"):
            sql = f"DELETE FROM {table} WHERE account_id = ? AND message_id = ?"
            await box.store.write(
                lambda tx, sql=sql, account=account, message=message: tx.run(
                    sql, (account, message)
                )
            )
    left = []
    for _ in range(3):  # two of eight at once, twice a round
        await box.store.maintain()
        connection = apsw.Connection(str(box.folder / "data" / "search.db"))
        left.append(connection.execute("SELECT count(*) FROM document").get)
        assert connection.execute("SELECT count(*) FROM head_index_docsize").get == left[-1]
        connection.close()
    assert left == [7, 5, 5]
    await box.append(letter("secret again"))
    await box.store.index_now()
    await box.store.maintain()
    query = q.Contains(F.TEXT, "secret")
    assert await box.store.search(box.alice.id, box.inbox.id, query) == [1, 3, 4, 5]
