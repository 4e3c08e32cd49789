-- What clients uploaded for messages to come; each row is one reference to its octets.
CREATE TABLE upload (
    account_id INTEGER NOT NULL,
    blob_id BLOB NOT NULL,
    size INTEGER NOT NULL,
    type TEXT NOT NULL, -- as the client called it
    uploaded_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, blob_id)
) WITHOUT ROWID;
CREATE INDEX upload_age ON upload (uploaded_at);
