-- Greylisting: who came before. A key is a digest of client network, sender and recipient, so that
-- the table tells nobody who writes to whom.
CREATE TABLE greylist (
    key BLOB NOT NULL PRIMARY KEY,
    first_at INTEGER NOT NULL, -- Unix seconds of the first attempt
    passed_at INTEGER -- of the last mail since it came again, to a day; NULL: it has not yet
) WITHOUT ROWID;
CREATE INDEX greylist_strangers ON greylist (first_at) WHERE passed_at IS NULL;
CREATE INDEX greylist_known ON greylist (passed_at) WHERE passed_at IS NOT NULL;
