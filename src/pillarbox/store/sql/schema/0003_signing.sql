-- Keys for DKIM, and how much each account has sent.

-- state: 'waiting' (made, its record not yet seen in the DNS), 'signing', 'retired'.
CREATE TABLE dkim_key (
    domain TEXT NOT NULL,
    selector TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    secret BLOB NOT NULL, -- PEM, PKCS #8
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (domain, selector)
) WITHOUT ROWID;

CREATE TABLE sending_day (
    account_id INTEGER NOT NULL,
    day INTEGER NOT NULL, -- days since 1970, UTC
    messages INTEGER NOT NULL DEFAULT 0,
    new_recipients INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, day)
) WITHOUT ROWID;

-- Addresses that an account has written to.
CREATE TABLE correspondent (
    account_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, address)
) WITHOUT ROWID;
