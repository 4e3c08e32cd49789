"""Counters, quotas and modseqs of a store, counted from its rows by nothing but this file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

from support.server import MailServer

SEEN, DELETED = 1, 8  # bits of `placement.flags`


def check_counts(server: MailServer) -> int:
    """All stored numbers are what the rows make, and `verify` finds nothing; placements counted."""
    if server.name != "pillarbox":
        return 0
    counted = _check_rows(next(server.folder.rglob("pillarbox.db")))
    config = str(next(server.folder.rglob("pillarbox.toml")))
    done = subprocess.run(
        [sys.executable, "-m", "pillarbox.cli", "verify", "--config", config],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return counted


def _check_rows(path: Path) -> int:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        db.execute("BEGIN")  # one state, whatever is written meanwhile
        mailboxes = db.execute(
            "SELECT account_id, mailbox_id, path, uid_next, modseq, messages, unseen, deleted, "
            "octets FROM mailbox"
        ).fetchall()
        accounts = db.execute(
            "SELECT account_id, login, modseq, used_octets, used_messages FROM account"
        ).fetchall()
        places = db.execute(
            "SELECT account_id, mailbox_id, uid, flags, modseq, size FROM placement"
        ).fetchall()
        buried = db.execute("SELECT account_id, mailbox_id, uid, modseq FROM expunged").fetchall()
    messages: Counter[tuple[int, int]] = Counter()
    unseen: Counter[tuple[int, int]] = Counter()
    deleted: Counter[tuple[int, int]] = Counter()
    octets: Counter[tuple[int, int]] = Counter()
    uid: defaultdict[tuple[int, int], int] = defaultdict(int)
    modseq: defaultdict[tuple[int, int], int] = defaultdict(int)
    for account, mailbox, number, flags, changed, size in places:
        at = (account, mailbox)
        messages[at] += 1
        unseen[at] += not flags & SEEN
        deleted[at] += bool(flags & DELETED)
        octets[at] += size
        uid[at] = max(uid[at], number)
        modseq[at] = max(modseq[at], changed)
    for account, mailbox, number, changed in buried:
        at = (account, mailbox)
        uid[at] = max(uid[at], number)
        modseq[at] = max(modseq[at], changed)
    highest: defaultdict[int, int] = defaultdict(int)
    for account, mailbox, name, uid_next, changed, *stored in mailboxes:
        at = (account, mailbox)
        assert stored == [messages[at], unseen[at], deleted[at], octets[at]], (account, name)
        assert uid_next > uid[at], (account, name)
        assert changed >= modseq[at], (account, name)
        highest[account] = max(highest[account], changed)
    assert set(messages) <= {(row[0], row[1]) for row in mailboxes}
    for account, login, changed, used_octets, used_messages in accounts:
        held = [at for at in messages if at[0] == account]
        assert used_octets == sum(octets[at] for at in held), login
        assert used_messages == sum(messages[at] for at in held), login
        assert changed >= highest[account], login
    return len(places)
