"""The maildrop lock, between sessions and between processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from pillarbox.ids import AccountId
from pillarbox.pop3.server.locks import MaildropLocks

ALICE, BOB = AccountId(1), AccountId(2)
HOLDER = """
import sys, time
from pathlib import Path
from pillarbox.pop3.server.locks import MaildropLocks
locks = MaildropLocks(Path(sys.argv[1]))
print(locks.acquire(1), flush=True)
time.sleep(60)
"""


def test_one_session_an_account(tmp_path: Path) -> None:
    locks = MaildropLocks(tmp_path / "lock")
    assert locks.acquire(ALICE)
    assert not locks.acquire(ALICE)
    assert locks.acquire(BOB)
    locks.release(ALICE)
    locks.release(ALICE)
    assert locks.acquire(ALICE)
    locks.close()


def test_workers_see_each_other(tmp_path: Path) -> None:
    mine, other = MaildropLocks(tmp_path / "lock"), MaildropLocks(tmp_path / "lock")
    assert mine.acquire(ALICE)
    assert not other.acquire(ALICE)
    other.release(ALICE)  # not its own
    assert not other.acquire(ALICE)
    MaildropLocks(tmp_path / "lock").close()  # closing another descriptor gives nothing up
    assert not other.acquire(ALICE)
    mine.release(ALICE)
    assert other.acquire(ALICE)
    other.close()
    mine.close()


def test_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"True\n"
    locks = MaildropLocks(tmp_path / "lock")
    assert not locks.acquire(ALICE)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    assert locks.acquire(ALICE)
    locks.close()


def test_last_sessions_are_remembered(tmp_path: Path) -> None:
    locks = MaildropLocks(tmp_path / "lock")
    assert locks.last_session(ALICE) == 0
    locks.note_session(ALICE, 1_800_000_000)
    locks.close()
    again = MaildropLocks(tmp_path / "lock")
    assert again.last_session(ALICE) == 1_800_000_000
    assert again.last_session(BOB) == 0
    again.close()
