-- Messages that an operation made in the place of others, which an undo puts back.

CREATE TABLE bulk_made (
    account_id INTEGER NOT NULL,
    bulk_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL, -- the one that was
    made_id INTEGER NOT NULL,
    PRIMARY KEY (account_id, bulk_id, message_id)
) WITHOUT ROWID;
