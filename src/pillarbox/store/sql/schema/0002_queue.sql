-- The queue as sending needs it: recipients grouped by where they go, leases, and what was answered.

ALTER TABLE queued ADD COLUMN body TEXT NOT NULL DEFAULT '7BIT';
UPDATE queued SET body = '8BITMIME' WHERE body_8bit;
ALTER TABLE queued DROP COLUMN body_8bit;
ALTER TABLE queued ADD COLUMN requiretls INTEGER NOT NULL DEFAULT 0;

ALTER TABLE queued_recipient RENAME TO queued_recipient_before;
DROP INDEX queued_recipient_due;

-- due_at: when something happens by itself: the next attempt, the end of a hold, the end of a
-- lease. NULL: nothing does. A lease is `lease` with `due_at` in the future, so that one whose
-- worker died is due again without anybody's doing. ADR 0016 tells how the marks work.
CREATE TABLE queued_recipient (
    queued_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    forward_path TEXT NOT NULL,
    domain TEXT NOT NULL,
    route TEXT NOT NULL DEFAULT '', -- the administrator's wish; '' for none
    lane TEXT NOT NULL, -- the route where there is one, else the domain
    notify TEXT NOT NULL,
    orcpt TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER,
    lease TEXT, -- the worker's name
    sending_since INTEGER, -- set by a commit before the first octet is sent
    uncertain INTEGER NOT NULL DEFAULT 0,
    warned INTEGER NOT NULL DEFAULT 0,
    report TEXT NOT NULL DEFAULT '', -- what the sender is still to be told
    tried_at INTEGER,
    reply TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT '',
    remote_mta TEXT NOT NULL DEFAULT '',
    tls TEXT NOT NULL DEFAULT '',
    finished_at INTEGER,
    PRIMARY KEY (queued_id, number)
) WITHOUT ROWID;

-- The text behind the last @ is what remains when all that has no @ is cut from the right.
INSERT INTO queued_recipient
    (queued_id, number, forward_path, domain, lane, notify, orcpt, state, attempts, due_at, reply)
SELECT queued_id, number, forward_path, domain, domain, notify, orcpt, state, attempts,
    next_attempt_at, last_reply
FROM (
    SELECT *, lower(replace(forward_path,
        rtrim(forward_path, replace(forward_path, '@', '')), '')) AS domain
    FROM queued_recipient_before
);
DROP TABLE queued_recipient_before;

CREATE INDEX queued_recipient_due ON queued_recipient (lane, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX queued_recipient_open ON queued_recipient (queued_id) WHERE finished_at IS NULL;
CREATE INDEX queued_recipient_report ON queued_recipient (queued_id) WHERE report <> '';

-- Lanes that could not be reached at all: nothing of theirs is tried before `not_before`.
CREATE TABLE queue_lane (
    lane TEXT NOT NULL PRIMARY KEY,
    not_before INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    why TEXT NOT NULL
) WITHOUT ROWID;
