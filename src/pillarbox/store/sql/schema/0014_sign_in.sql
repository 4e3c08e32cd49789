-- Browser sessions, second factors, and the history of signing in.

-- A cookie is 256 random bits; only its SHA-256 is here. At a change of token the old one stays
-- good until the browser was seen with the new one, and a minute longer (`old_until`): its answer
-- may be lost, and requests under way still carry the old one.
CREATE TABLE browser_session (
    session_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL,
    token BLOB NOT NULL UNIQUE,
    token_at INTEGER NOT NULL,
    old_token BLOB,
    old_until INTEGER,
    csrf TEXT NOT NULL,
    stays INTEGER NOT NULL, -- 1: "keep me signed in"
    peer TEXT NOT NULL,
    agent TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    confirmed_at INTEGER NOT NULL -- when the password or a code was given last
);
CREATE INDEX browser_session_account ON browser_session (account_id);
CREATE UNIQUE INDEX browser_session_old ON browser_session (old_token) WHERE old_token IS NOT NULL;

-- What was ended by hand, so that every process lets go of it; session_id NULL: all of the account.
-- Rows are forgotten after some hours; numbers only grow.
CREATE TABLE ended (
    ended_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL,
    session_id INTEGER,
    at INTEGER NOT NULL
);

-- Attempts that named an account, over all doors; equal ones of an hour are one row.
CREATE TABLE sign_in (
    account_id INTEGER NOT NULL,
    hour INTEGER NOT NULL, -- since 1970
    door TEXT NOT NULL,
    peer TEXT NOT NULL,
    agent TEXT NOT NULL,
    outcome TEXT NOT NULL, -- 'ok', 'failed', 'second'
    credential TEXT NOT NULL, -- 'password', 'app:3', 'passkey:1' …; '' for failures
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (account_id, hour, door, peer, agent, outcome, credential)
) WITHOUT ROWID;
CREATE INDEX sign_in_age ON sign_in (hour);

-- required: after the password something else is asked for, and programs need app passwords.
-- sealed: the TOTP secret, encrypted by a key outside the database. last_step: codes up to this
-- one are used up. failures: wrong codes since the last right one; none is looked at before
-- next_at.
CREATE TABLE second_factor (
    account_id INTEGER PRIMARY KEY,
    required INTEGER NOT NULL DEFAULT 0,
    sealed BLOB,
    confirmed_at INTEGER, -- NULL: the secret was shown, no code was given yet
    last_step INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE passkey (
    account_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    credential BLOB NOT NULL UNIQUE,
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    transports TEXT NOT NULL, -- words with a space between
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    PRIMARY KEY (account_id, number)
) WITHOUT ROWID;

-- Challenges and tickets are signed, not stored; what was used is here until it would have ended.
CREATE TABLE spent (
    digest BLOB PRIMARY KEY,
    until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX spent_until ON spent (until);

-- What the web keeps for a person.
CREATE TABLE web_person (
    account_id INTEGER PRIMARY KEY,
    preferences BLOB NOT NULL DEFAULT x'7b7d', -- JSON, an object
    checklist_at INTEGER -- when the first steps were done or put away
);
