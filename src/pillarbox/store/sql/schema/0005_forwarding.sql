-- Senders of mail that an alias sent on: under these names reports about it find back to them.

CREATE TABLE forwarded_sender (
    token TEXT NOT NULL PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    used_at INTEGER NOT NULL
) WITHOUT ROWID;

-- What FUTURERELEASE asked for, for reports (RFC 4865 §5.1.2).
ALTER TABLE queued ADD COLUMN hold TEXT NOT NULL DEFAULT '';
