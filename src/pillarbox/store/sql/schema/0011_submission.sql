-- Identities and messages that are being sent.

-- kind: 'address': of one that the account may write under, kept in step with them; 'own': made by
-- the person. An id is the modseq of the write that made the row.
CREATE TABLE identity (
    account_id INTEGER NOT NULL,
    identity_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    address TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    reply_to TEXT, -- JSON, as bcc
    bcc TEXT,
    text_signature TEXT NOT NULL DEFAULT '',
    html_signature TEXT NOT NULL DEFAULT '',
    created_modseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    PRIMARY KEY (account_id, identity_id)
) WITHOUT ROWID;

-- undo: 'pending' while nothing of it can have left, 'final', 'canceled'.
CREATE TABLE submission (
    account_id INTEGER NOT NULL,
    submission_id INTEGER NOT NULL,
    identity_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    mail_from TEXT NOT NULL, -- JSON, as the envelope has it
    rcpt_to TEXT NOT NULL,
    undo TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    send_at INTEGER NOT NULL,
    created_modseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    PRIMARY KEY (account_id, submission_id)
) WITHOUT ROWID;
CREATE INDEX submission_message ON submission (account_id, message_id);
CREATE INDEX submission_age ON submission (send_at);

-- Where each recipient's copies went: into mailboxes at once (queued_id is 0), or into the queue,
-- with what became of it there. It outlives the queue's own rows.
CREATE TABLE submission_copy (
    account_id INTEGER NOT NULL,
    submission_id INTEGER NOT NULL,
    recipient TEXT NOT NULL, -- as rcpt_to names it
    queued_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL, -- as in queued_recipient
    reply TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (account_id, submission_id, recipient, queued_id, number)
) WITHOUT ROWID;
CREATE INDEX submission_copy_queued ON submission_copy (queued_id, number) WHERE queued_id > 0;

-- Tombstones of both; kind: 'identity' or 'submission'.
CREATE TABLE sending_gone (
    account_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    created_modseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    gone_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, kind, number)
) WITHOUT ROWID;
CREATE INDEX sending_gone_age ON sending_gone (gone_at);
