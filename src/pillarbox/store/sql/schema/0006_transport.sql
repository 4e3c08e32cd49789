-- How safely mail travels to other domains.

-- Their MTA-STS policies. They outlive a restart: who can drop the DNS record for a while must not
-- thereby drop the policy (RFC 8461 §10.2).
CREATE TABLE sts_policy (
    domain TEXT NOT NULL PRIMARY KEY,
    ident TEXT NOT NULL, -- of the TXT record when it was fetched
    policy BLOB NOT NULL, -- as MTA-STS writes it
    fetched_at INTEGER NOT NULL, -- Unix seconds
    ends_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sts_policy_age ON sts_policy (fetched_at);

-- What became of TLS, by day and policy, for the reports of RFC 8460.
CREATE TABLE tls_result (
    day INTEGER NOT NULL, -- days since 1970, UTC
    domain TEXT NOT NULL,
    result TEXT NOT NULL, -- JSON of everything but the count
    count INTEGER NOT NULL,
    PRIMARY KEY (day, domain, result)
) WITHOUT ROWID;
