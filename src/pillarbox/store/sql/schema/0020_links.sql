-- Files behind an address that ends by itself; each row is one reference to its octets, and its
-- size counts in account.used_octets while the row is there.
CREATE TABLE link (
    link_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL,
    digest BLOB NOT NULL UNIQUE, -- SHA-256 of the 256 bits in the address
    blob_id BLOB NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    downloads INTEGER NOT NULL DEFAULT 0 -- that came to the file's end
);
CREATE INDEX link_account ON link (account_id);
CREATE INDEX link_end ON link (expires_at);
