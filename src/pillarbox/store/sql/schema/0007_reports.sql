-- Reports about mail: what ours are made of, which were sent, and what others sent to us.

-- One domain's report of one day that is still to be made.
CREATE TABLE report_due (
    kind TEXT NOT NULL, -- 'dmarc' or 'tls'
    day INTEGER NOT NULL, -- days since 1970, UTC
    domain TEXT NOT NULL,
    policy TEXT NOT NULL DEFAULT '', -- DMARC: what was published, as last seen; JSON
    rows INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL, -- Unix seconds; while a worker is at it, when its lease ends
    lease TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (kind, day, domain)
) WITHOUT ROWID;
CREATE INDEX report_due_at ON report_due (due_at);

-- How mail in a domain's name was judged; messages that were alike are one row.
CREATE TABLE dmarc_row (
    day INTEGER NOT NULL,
    domain TEXT NOT NULL, -- where the DMARC record stands
    row TEXT NOT NULL, -- JSON of everything but the count
    count INTEGER NOT NULL,
    PRIMARY KEY (day, domain, row)
) WITHOUT ROWID;

CREATE TABLE report_sent (
    number INTEGER NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    day INTEGER NOT NULL,
    domain TEXT NOT NULL,
    report_id TEXT NOT NULL,
    outcome TEXT NOT NULL, -- 'sent', or why not
    destinations TEXT NOT NULL, -- JSON array
    octets INTEGER NOT NULL,
    ends_at INTEGER NOT NULL, -- of the report's period
    sent_at INTEGER NOT NULL
);
CREATE INDEX report_sent_about ON report_sent (kind, day, domain);
CREATE INDEX report_sent_at ON report_sent (sent_at);

CREATE TABLE report_received (
    number INTEGER NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    organization TEXT NOT NULL,
    report_id TEXT NOT NULL,
    domain TEXT NOT NULL,
    begins_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    author TEXT NOT NULL, -- the domain in From
    verified INTEGER NOT NULL, -- whether DMARC passed for it
    passed INTEGER NOT NULL, -- messages, or TLS sessions
    failed INTEGER NOT NULL,
    content BLOB NOT NULL, -- the parsed report: JSON with zlib
    UNIQUE (kind, domain, organization, report_id)
);
CREATE INDEX report_received_at ON report_received (received_at);

-- How far an account's mail was looked through for reports.
CREATE TABLE report_reader (
    account_id INTEGER NOT NULL PRIMARY KEY,
    message_id INTEGER NOT NULL
);
