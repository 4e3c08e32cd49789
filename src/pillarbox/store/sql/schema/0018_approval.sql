-- Who forgot the password and is signed in elsewhere: one browser waits and shows a number, another
-- one is asked for it. A row is written for every name that is typed; whose it is, is looked up
-- behind the answer.
CREATE TABLE approval (
    approval_id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE, -- of the 256 bits in the waiting browser's cookie
    text TEXT NOT NULL, -- the address as it was typed
    number INTEGER NOT NULL, -- that the waiting browser shows
    offered TEXT NOT NULL, -- three numbers to choose from, with spaces between
    peer TEXT NOT NULL,
    agent TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    is_looked_up INTEGER NOT NULL DEFAULT 0,
    account_id INTEGER, -- NULL: not looked up yet, nobody may be asked, or refused
    approved_by INTEGER -- the browser session that chose the number
);
CREATE INDEX approval_account ON approval (account_id);
