-- Ways back into an account, and invitations.

-- Where a link goes that lets somebody choose a new password. `since`: a new address is not good
-- for that at once, and the former one can take the change back until then.
CREATE TABLE recovery_address (
    account_id INTEGER NOT NULL PRIMARY KEY,
    address TEXT, -- folded and proved; NULL: none yet
    since INTEGER NOT NULL DEFAULT 0,
    former TEXT NOT NULL DEFAULT '',
    undo BLOB, -- digest of the token that the former address was sent
    pending TEXT NOT NULL DEFAULT '', -- waits for its code
    code BLOB,
    code_at INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX recovery_address_by ON recovery_address (address);

-- Printed on paper: each is good once.
CREATE TABLE recovery_code (
    account_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hash TEXT NOT NULL, -- argon2id
    used_at INTEGER,
    PRIMARY KEY (account_id, number)
) WITHOUT ROWID;

-- Links for a new password: 256 bits each, of which only the SHA-256 is here. A new one ends those
-- before it.
CREATE TABLE reset_link (
    digest BLOB NOT NULL PRIMARY KEY,
    account_id INTEGER NOT NULL,
    way TEXT NOT NULL, -- 'address', 'code', 'administrator'
    ends_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX reset_link_account ON reset_link (account_id);

-- What people asked for at the sign-in page, known or unknown alike; somebody looks at it behind.
CREATE TABLE recovery_wish (
    wish_id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, -- 'reset', 'addresses', 'administrator'
    text TEXT NOT NULL, -- the address as it was typed
    peer TEXT NOT NULL,
    language TEXT NOT NULL,
    origin TEXT NOT NULL, -- https://host of the page, one of our names
    asked_at INTEGER NOT NULL
);

-- Who asked an administrator for help.
CREATE TABLE help_request (
    account_id INTEGER NOT NULL PRIMARY KEY,
    peer TEXT NOT NULL,
    asked_at INTEGER NOT NULL
);

-- How often something was asked for in a stretch of time, for its limit.
CREATE TABLE recovery_count (
    what TEXT NOT NULL,
    stretch INTEGER NOT NULL, -- hours or days since 1970
    times INTEGER NOT NULL,
    PRIMARY KEY (what, stretch)
) WITHOUT ROWID;

CREATE TABLE invitation (
    digest BLOB NOT NULL PRIMARY KEY,
    login TEXT NOT NULL, -- the address that it is for, or '@domain': the guest chooses
    quota_octets INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) WITHOUT ROWID;
