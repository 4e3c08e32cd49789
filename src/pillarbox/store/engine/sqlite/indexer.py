"""The indexer: follows delivery at a distance, one process at a time, and yields to everyone.

While it pauses for what else its process does, another process may go on in its place: where one
worker takes an import, the index is made by the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import apsw

from pillarbox.clock import Clock, cpu_seconds
from pillarbox.config.store import StoreSettings
from pillarbox.ids import AccountId, MessageId
from pillarbox.store.engine.sqlite.columns import MESSAGES, add_pages
from pillarbox.store.engine.sqlite.connection import fetch
from pillarbox.store.engine.sqlite.index_sweeping import Sweeper, forget_others
from pillarbox.store.engine.sqlite.index_writing import (
    add_documents,
    add_trigrams,
    note_pages,
    remove_documents,
)
from pillarbox.store.engine.sqlite.lock import WriteLock
from pillarbox.store.engine.sqlite.text_index import (
    SqliteTextIndex,
    document_number,
    read_documents,
)
from pillarbox.store.search.document import Document
from pillarbox.store.search.reading import DocumentReader, ReadBlob
from pillarbox.telemetry.log import get_logger

log = get_logger("store")

_NEXT = """
    SELECT seq, account_id, message_id, blob_id, structure, trace,
        folded_subject, folded_from, folded_to, folded_cc, folded_bcc
    FROM message
    WHERE seq > ? ORDER BY seq LIMIT ?
"""
_ACCOUNTS = """
    SELECT account_id, max(seq) FROM (
        SELECT account_id, seq FROM message WHERE seq > ? ORDER BY seq LIMIT ?)
    GROUP BY account_id
"""
_NUMBERS = """
    SELECT seq, account_id, message_id FROM message WHERE seq > ? AND seq <= ?
    ORDER BY seq LIMIT ?
"""

Share = Callable[[float], float]  # of a core, from the share that others use or wait for
_FEW = 200  # messages; so many in a round are no flood that trigrams should wait for
_TICK = 0.0001  # seconds; no batch takes less


class _Displaced(Exception):
    """Another process took the work over."""


def _all_of_it(_pressure: float) -> float:
    return 1.0


class Indexer:
    """Owns its connections; `run_once` and the thread exclude each other and other processes."""

    def __init__(
        self,
        reading: apsw.Connection,
        index: apsw.Connection,
        lock: WriteLock,
        read_blob: ReadBlob,
        settings: StoreSettings,
        clock: Clock,
    ) -> None:
        self._reading = reading
        self._index = index
        self._lock = lock
        self._read_blob = read_blob
        self._settings = settings
        self._clock = clock
        self._mine = threading.Lock()
        self._stop = threading.Event()
        self._sweeper = Sweeper(reading, index, self._mine, self.forget)
        self._thread = threading.Thread(target=self._run, name="store-indexer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the message under way."""
        self._stop.set()
        self._thread.join()
        self._lock.close()
        self._index.close()
        self._reading.close()

    def run_once(self) -> int:
        """Index all there is, without pauses; the number of messages."""
        with self._mine:
            self._lock.acquire()
            try:
                return self._catch_up(_all_of_it)
            finally:
                self._lock.release()

    def forget(self, numbers: list[int]) -> None:
        """Remove documents of messages that are gone for good."""
        with self._mine:
            self._lock.acquire()
            try:
                remove_documents(self._index, numbers)
            finally:
                self._lock.release()

    def forget_others(self, known: set[AccountId]) -> None:
        """Remove all of accounts that are not `known`."""
        forget_others(self._index, known, self.forget)

    def forget_orphans(self) -> None:
        """Remove what is left of messages that are gone; each call looks at the next part."""
        self._sweeper.sweep()

    def _run(self) -> None:
        while not self._stop.wait(self._settings.index_seconds):
            with self._mine:
                if not self._lock.try_acquire():
                    continue
                try:
                    self._catch_up(self._share)
                except _Displaced:
                    continue
                except Exception:  # tried again next time; search reads what is missing
                    log.error_event("store.index_failed", exc=True)
                finally:
                    self._lock.release()

    def _share(self, pressure: float) -> float:
        """The share of a core to take: what others leave; at half a core's use, the least."""
        return max(self._settings.index_share_percent / 100, 1 - 2 * pressure)

    def _catch_up(self, share: Share) -> int:
        """Pages and documents first; trigrams when no mail came meanwhile, or much waits for them.

        What comes during a batch of trigrams has its page and document before the next batch.
        """
        count = 0
        while not self._stop.is_set():
            self._repeat(self._add_pages, share)
            count += self._repeat(self._add_documents, share)
            upto, indexed = SqliteTextIndex(self._index).upto()
            backlog = self._settings.index_backlog_messages
            if share is not _all_of_it and count >= _FEW and upto - indexed <= backlog:
                break
            if not self._batch(self._add_trigrams, share):
                break
        return count

    def _repeat(self, batch: Callable[[], int], share: Share) -> int:
        count = 0
        while not self._stop.is_set():
            done = self._batch(batch, share)
            if not done:
                break
            count += done
        return count

    def _batch(self, batch: Callable[[], int], share: Share) -> int:
        """One batch, and the pause that follows from what it was in the way of."""
        started, (own, others) = self._clock.monotonic(), cpu_seconds()
        done = batch()
        took = max(self._clock.monotonic() - started, _TICK)
        own_now, others_now = cpu_seconds()
        # Who waits for the interpreter, a core or the disk is in somebody's way, too.
        waited = took - (own_now - own)
        pressure = min(max(others_now - others, waited) / took, 1)
        pause = took * (1 / share(pressure) - 1)
        if done and pause > 0:
            self._pause(pause)
        return done

    def _pause(self, seconds: float) -> None:
        """Let others have the processor, and a process that is less busy the work."""
        self._lock.release()
        self._stop.wait(seconds)
        if not self._lock.try_acquire():
            raise _Displaced

    def _add_pages(self) -> int:
        upto = SqliteTextIndex(self._index).pages_upto()
        accounts = fetch(self._reading, _ACCOUNTS, (upto, self._settings.index_batch))
        for account, seq in accounts:
            if self._stop.is_set():
                return 0
            # What waited for its page to be full comes along.
            most = self._settings.index_batch + MESSAGES
            add_pages(self._index, self._reading, AccountId(account), most)
            upto = max(upto, seq)
        if accounts:
            note_pages(self._index, upto)
        return len(accounts)

    def _add_documents(self) -> int:
        upto, _ = SqliteTextIndex(self._index).upto()
        reader = DocumentReader(self._read_blob, self._settings.index_text_octets)
        documents: list[tuple[int, Document]] = []
        room = self._settings.index_batch_octets
        rows = self._reading.execute(_NEXT, (upto, self._settings.index_batch))
        for seq, account, message, *content in rows:  # one at a time: a row may be large
            if self._stop.is_set() or room <= 0:
                break
            number = document_number(AccountId(account), MessageId(message))
            words = reader.read(content)
            documents.append((number, words))
            room -= len(words.head) + len(words.body)
            upto = seq
        rows.close(True)
        if documents:
            add_documents(self._index, documents, upto)
        return len(documents)

    def _add_trigrams(self) -> int:
        upto, indexed = SqliteTextIndex(self._index).upto()
        rows = fetch(self._reading, _NUMBERS, (indexed, upto, self._settings.index_batch))
        documents: dict[int, Document] = {}
        room = self._settings.index_batch_octets
        for seq, account, message in rows:
            if room <= 0:
                break
            number = document_number(AccountId(account), MessageId(message))
            documents |= read_documents(self._index, [number])
            room -= sum(map(len, documents.get(number, ())))
            indexed = seq
        if rows:
            add_trigrams(self._index, documents, indexed)
        return len(rows)
