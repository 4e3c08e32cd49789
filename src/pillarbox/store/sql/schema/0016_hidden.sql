-- What IMAP flags \Deleted is not there for JMAP (RFC 8621 §4.1.1).

-- Of the last write that took \Deleted away; 0: it never was.
ALTER TABLE placement ADD COLUMN shown_modseq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE expunged ADD COLUMN shown_modseq INTEGER NOT NULL DEFAULT 0;
-- Most accounts have none, and a look into this says so.
CREATE INDEX placement_hidden ON placement (account_id, mailbox_id) WHERE flags & 8 = 8;
