-- What programs that fetch over POP3 see of the inbox, and what becomes of what they delete there.
-- Who has no row sees all, and DELE deletes.
CREATE TABLE pop_view (
    account_id INTEGER NOT NULL PRIMARY KEY,
    days INTEGER, -- messages that arrived in so many days; NULL: all
    after_fetching TEXT NOT NULL, -- 'delete', 'trash', 'archive', 'read' or 'keep'
    hides_fetched INTEGER NOT NULL -- what is in pop_fetched is not shown again
);

-- Messages that stayed although a program deleted them.
CREATE TABLE pop_fetched (
    account_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (account_id, message_id)
) WITHOUT ROWID;
