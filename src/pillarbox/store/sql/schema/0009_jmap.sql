-- What tells created from updated and destroyed, and finds a thread's messages.

-- What went up to this modseq may be forgotten: changes since an older one cannot be told. Nothing
-- is known of what was before this step, so nobody is told of it.
ALTER TABLE account ADD COLUMN pruned_modseq INTEGER NOT NULL DEFAULT 0;
UPDATE account SET pruned_modseq = modseq;
-- Of the last change of a limit. Usage has no other than that of the mail.
ALTER TABLE account ADD COLUMN quota_modseq INTEGER NOT NULL DEFAULT 0;

ALTER TABLE mailbox ADD COLUMN created_modseq INTEGER NOT NULL DEFAULT 0;
-- Of the last change to name, parent, use, order or subscription; counts have `modseq` alone.
ALTER TABLE mailbox ADD COLUMN described_modseq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailbox_gone ADD COLUMN created_modseq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN sort_order INTEGER; -- NULL: nobody said

-- placed_modseq: of the write that put the message there. What was there at a modseq has a lower or
-- equal one, and no tombstone or one with a higher modseq.
ALTER TABLE placement ADD COLUMN placed_modseq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE expunged ADD COLUMN placed_modseq INTEGER NOT NULL DEFAULT 0;

ALTER TABLE placement ADD COLUMN thread_id INTEGER NOT NULL DEFAULT 0; -- as in message
UPDATE placement SET thread_id = (
    SELECT m.thread_id FROM message m
    WHERE m.account_id = placement.account_id AND m.message_id = placement.message_id);
CREATE INDEX placement_thread ON placement (account_id, thread_id);

-- Drafts are not counted as unread (RFC 8621 §2); nearly all are seen, so there are few rows here.
CREATE INDEX placement_unseen_draft ON placement (account_id, mailbox_id) WHERE flags & 17 = 16;
