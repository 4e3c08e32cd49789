-- Operations on many messages, and how to undo them.

CREATE TABLE bulk (
    account_id INTEGER NOT NULL,
    bulk_id INTEGER NOT NULL, -- the modseq of its creation
    modseq INTEGER NOT NULL, -- of its last change
    idempotency_key TEXT, -- NULL: none was given
    action TEXT NOT NULL, -- JSON
    within INTEGER, -- a mailbox that a message must still be in
    undo_of INTEGER,
    undone_by INTEGER,
    initiated_by TEXT NOT NULL, -- JSON
    status TEXT NOT NULL,
    why TEXT NOT NULL DEFAULT '', -- it failed as a whole
    listed INTEGER NOT NULL DEFAULT 0, -- messages in bulk_list
    position INTEGER NOT NULL DEFAULT 0, -- so many of them have been looked at
    total INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    resumed_at INTEGER, -- where its speed is reckoned from
    resumed_position INTEGER NOT NULL DEFAULT 0,
    undo_until INTEGER, -- NULL: it cannot be undone
    lease TEXT NOT NULL DEFAULT '',
    leased_until INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, bulk_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX bulk_key ON bulk (account_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX bulk_waiting ON bulk (leased_until)
    WHERE status IN ('queued', 'running', 'cancelling');

-- What an operation is about, made when it was asked for: later arrivals are not among it.
CREATE TABLE bulk_list (
    account_id INTEGER NOT NULL,
    bulk_id INTEGER NOT NULL,
    first INTEGER NOT NULL, -- place of its first message in the whole list
    messages BLOB NOT NULL, -- ids, four octets each, the lowest octet first
    PRIMARY KEY (account_id, bulk_id, first)
) WITHOUT ROWID;

-- The places of each message before an operation changed it.
CREATE TABLE bulk_former (
    account_id INTEGER NOT NULL,
    bulk_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    PRIMARY KEY (account_id, bulk_id, message_id, mailbox_id, uid)
) WITHOUT ROWID;

CREATE TABLE bulk_failure (
    account_id INTEGER NOT NULL,
    bulk_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    reason TEXT NOT NULL, -- its name
    PRIMARY KEY (account_id, bulk_id, message_id)
) WITHOUT ROWID;

-- Grows when there is something to begin; wakes those who begin it.
CREATE TABLE bulk_steered (number INTEGER NOT NULL);
INSERT INTO bulk_steered (number) VALUES (0);

-- Operations that were forgotten since: changes from before cannot be told.
ALTER TABLE account ADD COLUMN bulk_pruned_modseq INTEGER NOT NULL DEFAULT 0;

-- As they were when a message left the mailbox, for who wants it back. Of older ones all that can
-- be said is that most mail has been read.
ALTER TABLE expunged ADD COLUMN flags INTEGER NOT NULL DEFAULT 1;
ALTER TABLE expunged ADD COLUMN keywords TEXT NOT NULL DEFAULT '';
CREATE INDEX expunged_message ON expunged (account_id, message_id);
