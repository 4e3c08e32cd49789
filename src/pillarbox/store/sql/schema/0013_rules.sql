-- What a person wants done with mail that arrives or grows old.

-- 1: something is to be done with what arrives. Nearly all accounts have 0 and pay nothing.
ALTER TABLE account ADD COLUMN has_rules INTEGER NOT NULL DEFAULT 0;

CREATE TABLE mail_rules (
    account_id INTEGER NOT NULL PRIMARY KEY,
    rules BLOB NOT NULL, -- JSON, as store.sql.rules writes it
    vacation BLOB NOT NULL
);

-- Addresses that mail is to be forwarded to, until their owner has shown us the code.
CREATE TABLE forward_proof (
    account_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    digest BLOB NOT NULL, -- of the code
    sent_at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, address)
) WITHOUT ROWID;

-- Who was told lately that a person is away.
CREATE TABLE vacation_told (
    account_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, address)
) WITHOUT ROWID;

-- The highest percentage of a quota that its owner was warned of.
CREATE TABLE quota_notice (
    account_id INTEGER NOT NULL PRIMARY KEY,
    level INTEGER NOT NULL
);
