-- Mail from elsewhere: remote accounts, what was brought from them, and how each run went.

-- state: 'active', 'paused', 'attention' (a person must do something), 'done' (brought over once),
-- 'removed' (its rows are being deleted, some at a time).
-- due_at: when it is looked at by itself; NULL: it is not. Whoever works at it holds `lease` until
-- `leased_until`; a lease whose holder died ends by itself.
CREATE TABLE remote (
    remote_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL,
    label TEXT NOT NULL,
    host TEXT NOT NULL, -- where it is; '' for files
    settings TEXT NOT NULL, -- JSON without any secret
    sealed BLOB NOT NULL, -- how to sign in there, encrypted by a key outside the database
    state TEXT NOT NULL,
    trouble TEXT NOT NULL DEFAULT '', -- the last one's name; '' after success
    why TEXT NOT NULL DEFAULT '', -- its sentence
    failures INTEGER NOT NULL DEFAULT 0, -- in a row
    due_at INTEGER,
    lease TEXT NOT NULL DEFAULT '', -- the holder's name
    leased_until INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    succeeded_at INTEGER
);
CREATE UNIQUE INDEX remote_label ON remote (account_id, label) WHERE state <> 'removed';
CREATE INDEX remote_due ON remote (due_at) WHERE due_at IS NOT NULL;

-- Grows with each change by hand, so that those who collect hear of it.
CREATE TABLE remote_revision (last INTEGER NOT NULL);
INSERT INTO remote_revision (last) VALUES (0);

-- outcome: 'running', 'done', 'failed', 'stopped' (by a person, or the end of the process) or
-- 'interrupted' (its process died). What is no longer 'running' can write nothing more.
CREATE TABLE remote_run (
    run_id INTEGER PRIMARY KEY AUTOINCREMENT,
    remote_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    started_by TEXT NOT NULL, -- 'schedule' or 'hand'
    started_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT NOT NULL,
    why TEXT NOT NULL DEFAULT '',
    eventful INTEGER NOT NULL DEFAULT 0, -- something was brought or changed, or failed
    progress TEXT NOT NULL DEFAULT '{}' -- JSON
);
CREATE INDEX remote_run_of ON remote_run (remote_id, run_id);
CREATE INDEX remote_run_account ON remote_run (account_id);

CREATE TABLE remote_folder (
    remote_id INTEGER NOT NULL,
    folder INTEGER NOT NULL, -- from 1
    key TEXT NOT NULL, -- as the source names it
    mailbox_id INTEGER, -- NULL: none yet
    made INTEGER NOT NULL DEFAULT 0, -- the mailbox was made for it
    validity TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT '', -- for changes since
    PRIMARY KEY (remote_id, folder),
    UNIQUE (remote_id, key)
) WITHOUT ROWID;

-- Every message of a source that was dealt with. It outlives the message here: what was deleted
-- does not come again.
CREATE TABLE collected (
    remote_id INTEGER NOT NULL,
    folder INTEGER NOT NULL,
    validity TEXT NOT NULL,
    key TEXT NOT NULL,
    run_id INTEGER NOT NULL,
    digest BLOB NOT NULL, -- SHA-256 of the octets; empty: not known
    message_id INTEGER, -- NULL: nothing was brought
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    flags INTEGER NOT NULL, -- as they were on both sides when both were last alike
    keywords TEXT NOT NULL,
    settled INTEGER NOT NULL DEFAULT 0, -- at the source is done what was asked for
    brought_at INTEGER NOT NULL,
    listed INTEGER NOT NULL DEFAULT 0, -- octets as the source listed it
    PRIMARY KEY (remote_id, folder, validity, key)
) WITHOUT ROWID;
CREATE INDEX collected_digest ON collected (remote_id, digest);

-- Addresses that mail may be sent from through a remote account's own server.
CREATE TABLE send_as (
    account_id INTEGER NOT NULL,
    address TEXT NOT NULL, -- folded
    remote_id INTEGER NOT NULL,
    PRIMARY KEY (account_id, address)
) WITHOUT ROWID;
