"""`verify`: everything is read and compared, and every number recomputed."""

from __future__ import annotations

import msgspec

from pillarbox.store.database import Reader

_MOST = 1000  # problems that are told one by one


class VerifyReport(msgspec.Struct):
    """What was looked at and what is wrong, a sentence each."""

    blobs: int = 0
    messages: int = 0
    documents: int = 0
    problems: list[str] = msgspec.field(default_factory=list)
    more: int = 0  # problems that were left out
    finished: bool = False

    def add(self, problem: str) -> None:
        """Note a problem."""
        if len(self.problems) < _MOST:
            self.problems.append(problem)
        else:
            self.more += 1


# Each statement finds what must not be; the sentence is filled with its columns.
_CHECKS: tuple[tuple[str, str], ...] = (
    (
        "Message {1} of account {0} has no stored octets.",
        """
        SELECT m.account_id, m.message_id FROM message m LEFT JOIN blob b USING (blob_id)
        WHERE b.blob_id IS NULL
        """,
    ),
    (
        "Message {1} of account {0} has {2} octets in its row and {3} in its blob and trace.",
        """
        SELECT m.account_id, m.message_id, m.size, b.size + length(m.trace)
        FROM message m JOIN blob b USING (blob_id) WHERE m.size <> b.size + length(m.trace)
        """,
    ),
    (
        "Link {1} of account {0} has no stored octets, or others than its row tells.",
        """
        SELECT l.account_id, l.link_id FROM link l LEFT JOIN blob b USING (blob_id)
        WHERE b.blob_id IS NULL OR b.size <> l.size
        """,
    ),
    (
        "Message {0} in the queue has no stored octets.",
        """
        SELECT q.queued_id FROM queued q LEFT JOIN blob b USING (blob_id)
        WHERE b.blob_id IS NULL
        """,
    ),
    (
        "A recipient belongs to message {0}, which is not in the queue.",
        """
        SELECT DISTINCT r.queued_id FROM queued_recipient r LEFT JOIN queued q USING (queued_id)
        WHERE q.queued_id IS NULL
        """,
    ),
    (
        "Octets {0} are counted as used {1} times and are used {2} times.",
        """
        SELECT lower(hex(b.blob_id)), b.refs, coalesce(used.n, 0) FROM blob b LEFT JOIN (
            SELECT blob_id, count(*) AS n FROM (
                SELECT blob_id FROM message UNION ALL SELECT blob_id FROM queued
                UNION ALL SELECT blob_id FROM upload UNION ALL SELECT blob_id FROM link)
            GROUP BY blob_id) AS used USING (blob_id)
        WHERE b.refs <> coalesce(used.n, 0)
        """,
    ),
    (
        "UID {2} in mailbox {1} of account {0} has no message.",
        """
        SELECT p.account_id, p.mailbox_id, p.uid FROM placement p
        LEFT JOIN message m USING (account_id, message_id) WHERE m.message_id IS NULL
        """,
    ),
    (
        "UID {2} in mailbox {1} of account {0} differs from its message in size, date or thread.",
        """
        SELECT p.account_id, p.mailbox_id, p.uid FROM placement p
        JOIN message m USING (account_id, message_id)
        WHERE p.size <> m.size OR p.received_at <> m.received_at OR p.thread_id <> m.thread_id
        """,
    ),
    (
        "UID {2} of account {0} is in mailbox {1}, which does not exist.",
        """
        SELECT p.account_id, p.mailbox_id, min(p.uid) FROM placement p
        LEFT JOIN mailbox b USING (account_id, mailbox_id)
        WHERE b.mailbox_id IS NULL OR b.selectable = 0 GROUP BY p.account_id, p.mailbox_id
        """,
    ),
    (
        "Mailbox {1} of account {0} counts {2} messages, {3} unseen, {4} deleted, {5} octets; "
        "it has {6}, {7}, {8}, {9}.",
        """
        SELECT * FROM (
            SELECT b.account_id, b.path, b.messages, b.unseen, b.deleted, b.octets,
                count(p.uid) AS n,
                count(p.uid) FILTER (WHERE p.flags & 1 = 0) AS unseen_there,
                count(p.uid) FILTER (WHERE p.flags & 8 = 8) AS deleted_there,
                coalesce(sum(p.size), 0) AS octets_there
            FROM mailbox b LEFT JOIN placement p USING (account_id, mailbox_id)
            GROUP BY b.account_id, b.mailbox_id)
        WHERE messages <> n OR unseen <> unseen_there OR deleted <> deleted_there
            OR octets <> octets_there
        """,
    ),
    (
        "Account {0} counts {1} octets in {2} messages; it has {3} in {4}.",
        """
        SELECT * FROM (
            SELECT a.login, a.used_octets, a.used_messages,
                coalesce(sum(p.size), 0) + (
                    SELECT coalesce(sum(l.size), 0) FROM link l
                    WHERE l.account_id = a.account_id) AS octets, count(p.uid) AS n
            FROM account a LEFT JOIN placement p USING (account_id) GROUP BY a.account_id)
        WHERE used_octets <> octets OR used_messages <> n
        """,
    ),
    (
        "Mailbox {1} of account {0} would give out a UID again: the next is {2}.",
        """
        SELECT b.account_id, b.path, b.uid_next FROM mailbox b WHERE b.uid_next <= coalesce(
            (SELECT max(p.uid) FROM placement p
             WHERE p.account_id = b.account_id AND p.mailbox_id = b.mailbox_id), 0)
        """,
    ),
    (
        "Mailbox {1} of account {0} has modseq {2}, a message in it has a higher one.",
        """
        SELECT b.account_id, b.path, b.modseq FROM mailbox b WHERE b.modseq < max(
            coalesce((SELECT max(p.modseq) FROM placement p
             WHERE p.account_id = b.account_id AND p.mailbox_id = b.mailbox_id), 0),
            coalesce((SELECT max(e.modseq) FROM expunged e
             WHERE e.account_id = b.account_id AND e.mailbox_id = b.mailbox_id), 0))
        """,
    ),
    (
        "Account {0} has modseq {1}, one of its mailboxes has a higher one.",
        """
        SELECT a.login, a.modseq FROM account a WHERE a.modseq < coalesce(
            (SELECT max(b.modseq) FROM mailbox b WHERE b.account_id = a.account_id), 0)
        """,
    ),
    (
        "Account {0} would give out a message or mailbox number again.",
        """
        SELECT a.login FROM account a
        WHERE a.last_message < coalesce(
                (SELECT max(m.message_id) FROM message m WHERE m.account_id = a.account_id), 0)
            OR a.last_mailbox < coalesce(
                (SELECT max(b.mailbox_id) FROM mailbox b WHERE b.account_id = a.account_id), 0)
        """,
    ),
    (
        "Mailbox {1} of account {0} lies in a mailbox that does not exist.",
        """
        SELECT b.account_id, b.path FROM mailbox b LEFT JOIN mailbox above
            ON above.account_id = b.account_id AND above.mailbox_id = b.parent_id
        WHERE b.parent_id IS NOT NULL AND (above.mailbox_id IS NULL
            OR b.path NOT LIKE replace(replace(above.path, '%', '_'), '\\', '_') || '/%')
        """,
    ),
)


async def check_rows(db: Reader, report: VerifyReport) -> None:
    """All that can be told from the rows alone."""
    for sentence, sql in _CHECKS:
        for row in await db.rows(sql):
            report.add(sentence.format(*row))
    counted = await db.row("SELECT count(*) FROM message")
    report.messages = counted[0] if counted else 0
