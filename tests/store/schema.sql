CREATE TABLE account (
    account_id INTEGER PRIMARY KEY AUTOINCREMENT,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1,
    modseq INTEGER NOT NULL DEFAULT 1,
    quota_octets INTEGER NOT NULL DEFAULT 0,
    quota_messages INTEGER NOT NULL DEFAULT 0,
    used_octets INTEGER NOT NULL DEFAULT 0,
    used_messages INTEGER NOT NULL DEFAULT 0,
    last_mailbox INTEGER NOT NULL DEFAULT 0,
    last_message INTEGER NOT NULL DEFAULT 0,
    last_uid_validity INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
, pruned_modseq INTEGER NOT NULL DEFAULT 0, quota_modseq INTEGER NOT NULL DEFAULT 0, bulk_pruned_modseq INTEGER NOT NULL DEFAULT 0, has_rules INTEGER NOT NULL DEFAULT 0);

CREATE TABLE address (
    address TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    account_id INTEGER,
    targets TEXT NOT NULL DEFAULT '[]'
) WITHOUT ROWID;

CREATE INDEX address_account ON address (account_id);

CREATE TABLE app_password (
    account_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest BLOB NOT NULL,
    scopes TEXT NOT NULL,
    scram BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    PRIMARY KEY (account_id, number)
) WITHOUT ROWID;

CREATE TABLE approval (
    approval_id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE, -- of the 256 bits in the waiting browser's cookie
    text TEXT NOT NULL, -- the address as it was typed
    number INTEGER NOT NULL, -- that the waiting browser shows
    offered TEXT NOT NULL, -- three numbers to choose from, with spaces between
    peer TEXT NOT NULL,
    agent TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    is_looked_up INTEGER NOT NULL DEFAULT 0,
    account_id INTEGER, -- NULL: not looked up yet, nobody may be asked, or refused
    approved_by INTEGER -- the browser session that chose the number
, is_quiet INTEGER NOT NULL DEFAULT 0);

CREATE INDEX approval_account ON approval (account_id);

CREATE TABLE blob (
    blob_id BLOB NOT NULL PRIMARY KEY,
    segment INTEGER NOT NULL,
    position INTEGER NOT NULL,
    length INTEGER NOT NULL,
    size INTEGER NOT NULL,
    refs INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX blob_unreferenced ON blob (blob_id) WHERE refs = 0;

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

CREATE TABLE bulk (
    account_id INTEGER NOT NULL,
    bulk_id INTEGER NOT NULL, -- the modseq of its creation
    modseq INTEGER NOT NULL, -- of its last change
    idempotency_key TEXT, -- NULL: none was given
    action TEXT NOT NULL, -- JSON
    within INTEGER, -- a mailbox that a message must still be in
    undo_of INTEGER,
    undone_by INTEGER,
    initiated_by TEXT NOT NULL, -- JSON
    status TEXT NOT NULL,
    why TEXT NOT NULL DEFAULT '', -- it failed as a whole
    listed INTEGER NOT NULL DEFAULT 0, -- messages in bulk_list
    position INTEGER NOT NULL DEFAULT 0, -- so many of them have been looked at
    total INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    resumed_at INTEGER, -- where its speed is reckoned from
    resumed_position INTEGER NOT NULL DEFAULT 0,
    undo_until INTEGER, -- NULL: it cannot be undone
    lease TEXT NOT NULL DEFAULT '',
    leased_until INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, bulk_id)
) WITHOUT ROWID;

CREATE TABLE bulk_failure (
    account_id INTEGER NOT NULL,
    bulk_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    reason TEXT NOT NULL, -- its name
    PRIMARY KEY (account_id, bulk_id, message_id)
) WITHOUT ROWID;

CREATE TABLE bulk_former (
    account_id INTEGER NOT NULL,
    bulk_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    PRIMARY KEY (account_id, bulk_id, message_id, mailbox_id, uid)
) WITHOUT ROWID;

CREATE UNIQUE INDEX bulk_key ON bulk (account_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

CREATE TABLE bulk_list (
    account_id INTEGER NOT NULL,
    bulk_id INTEGER NOT NULL,
    first INTEGER NOT NULL, -- place of its first message in the whole list
    messages BLOB NOT NULL, -- ids, four octets each, the lowest octet first
    PRIMARY KEY (account_id, bulk_id, first)
) WITHOUT ROWID;

CREATE TABLE bulk_made (
    account_id INTEGER NOT NULL,
    bulk_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL, -- the one that was
    made_id INTEGER NOT NULL,
    PRIMARY KEY (account_id, bulk_id, message_id)
) WITHOUT ROWID;

CREATE TABLE bulk_steered (number INTEGER NOT NULL);

CREATE INDEX bulk_waiting ON bulk (leased_until)
    WHERE status IN ('queued', 'running', 'cancelling');

CREATE TABLE collected (
    remote_id INTEGER NOT NULL,
    folder INTEGER NOT NULL,
    validity TEXT NOT NULL,
    key TEXT NOT NULL,
    run_id INTEGER NOT NULL,
    digest BLOB NOT NULL, -- SHA-256 of the octets; empty: not known
    message_id INTEGER, -- NULL: nothing was brought
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    flags INTEGER NOT NULL, -- as they were on both sides when both were last alike
    keywords TEXT NOT NULL,
    settled INTEGER NOT NULL DEFAULT 0, -- at the source is done what was asked for
    brought_at INTEGER NOT NULL,
    listed INTEGER NOT NULL DEFAULT 0, -- octets as the source listed it
    PRIMARY KEY (remote_id, folder, validity, key)
) WITHOUT ROWID;

CREATE INDEX collected_digest ON collected (remote_id, digest);

CREATE TABLE correspondent (
    account_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, address)
) WITHOUT ROWID;

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

CREATE TABLE dmarc_row (
    day INTEGER NOT NULL,
    domain TEXT NOT NULL, -- where the DMARC record stands
    row TEXT NOT NULL, -- JSON of everything but the count
    count INTEGER NOT NULL,
    PRIMARY KEY (day, domain, row)
) WITHOUT ROWID;

CREATE TABLE domain (
    name TEXT NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE ended (
    ended_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL,
    session_id INTEGER,
    at INTEGER NOT NULL
);

CREATE TABLE expunged (
    account_id INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    expunged_at INTEGER NOT NULL, placed_modseq INTEGER NOT NULL DEFAULT 0, flags INTEGER NOT NULL DEFAULT 1, keywords TEXT NOT NULL DEFAULT '', shown_modseq INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, mailbox_id, modseq, uid)
) WITHOUT ROWID;

CREATE INDEX expunged_message ON expunged (account_id, message_id);

CREATE TABLE forward_proof (
    account_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    digest BLOB NOT NULL, -- of the code
    sent_at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, address)
) WITHOUT ROWID;

CREATE TABLE forwarded_sender (
    token TEXT NOT NULL PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    used_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE greylist (
    key BLOB NOT NULL PRIMARY KEY,
    first_at INTEGER NOT NULL, -- Unix seconds of the first attempt
    passed_at INTEGER -- of the last mail since it came again, to a day; NULL: it has not yet
) WITHOUT ROWID;

CREATE INDEX greylist_known ON greylist (passed_at) WHERE passed_at IS NOT NULL;

CREATE INDEX greylist_strangers ON greylist (first_at) WHERE passed_at IS NULL;

CREATE TABLE help_request (
    account_id INTEGER NOT NULL PRIMARY KEY,
    peer TEXT NOT NULL,
    asked_at INTEGER NOT NULL
);

CREATE TABLE identity (
    account_id INTEGER NOT NULL,
    identity_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    address TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    reply_to TEXT, -- JSON, as bcc
    bcc TEXT,
    text_signature TEXT NOT NULL DEFAULT '',
    html_signature TEXT NOT NULL DEFAULT '',
    created_modseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    PRIMARY KEY (account_id, identity_id)
) WITHOUT ROWID;

CREATE TABLE invitation (
    digest BLOB NOT NULL PRIMARY KEY,
    login TEXT NOT NULL, -- the address that it is for, or '@domain': the guest chooses
    quota_octets INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE keyword (
    account_id INTEGER NOT NULL,
    folded TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (account_id, folded)
) WITHOUT ROWID;

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

CREATE TABLE mail_rules (
    account_id INTEGER NOT NULL PRIMARY KEY,
    rules BLOB NOT NULL, -- JSON, as store.sql.rules writes it
    vacation BLOB NOT NULL
);

CREATE TABLE mailbox (
    account_id INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    parent_id INTEGER,
    path TEXT NOT NULL,
    role TEXT,
    selectable INTEGER NOT NULL DEFAULT 1,
    uid_validity INTEGER NOT NULL,
    uid_next INTEGER NOT NULL DEFAULT 1,
    modseq INTEGER NOT NULL,
    pruned_modseq INTEGER NOT NULL DEFAULT 0, -- tombstones up to here are gone
    messages INTEGER NOT NULL DEFAULT 0,
    unseen INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0,
    octets INTEGER NOT NULL DEFAULT 0, created_modseq INTEGER NOT NULL DEFAULT 0, described_modseq INTEGER NOT NULL DEFAULT 0, sort_order INTEGER,
    PRIMARY KEY (account_id, mailbox_id)
) WITHOUT ROWID;

CREATE TABLE mailbox_gone (
    account_id INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    gone_at INTEGER NOT NULL, created_modseq INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, modseq, mailbox_id)
) WITHOUT ROWID;

CREATE UNIQUE INDEX mailbox_path ON mailbox (account_id, path);

CREATE TABLE message (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    blob_id BLOB NOT NULL,
    size INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    sent_at INTEGER,
    sent_on INTEGER,
    has_attachment INTEGER NOT NULL,
    is_reply INTEGER NOT NULL,
    id_hash INTEGER NOT NULL,
    reference_hashes BLOB NOT NULL, -- msgpack array of integers
    base_subject TEXT NOT NULL,
    from_mailbox TEXT NOT NULL,
    to_mailbox TEXT NOT NULL,
    cc_mailbox TEXT NOT NULL,
    display_from TEXT NOT NULL,
    display_to TEXT NOT NULL,
    folded_subject TEXT NOT NULL,
    folded_from TEXT NOT NULL,
    folded_to TEXT NOT NULL,
    folded_cc TEXT NOT NULL,
    folded_bcc TEXT NOT NULL,
    envelope BLOB NOT NULL,
    body BLOB NOT NULL,
    bodystructure BLOB NOT NULL,
    structure BLOB NOT NULL,
    preview TEXT NOT NULL,
    trace BLOB NOT NULL
);

CREATE UNIQUE INDEX message_id ON message (account_id, message_id);

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

CREATE TABLE password (
    account_id INTEGER NOT NULL PRIMARY KEY,
    argon2 TEXT NOT NULL,
    scram BLOB NOT NULL,
    changed_at INTEGER NOT NULL
);

CREATE TABLE placement (
    account_id INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    modseq INTEGER NOT NULL,
    size INTEGER NOT NULL,
    saved_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL, placed_modseq INTEGER NOT NULL DEFAULT 0, thread_id INTEGER NOT NULL DEFAULT 0, shown_modseq INTEGER NOT NULL DEFAULT 0, -- as in message; searches by date stay in this table
    PRIMARY KEY (account_id, mailbox_id, uid)
) WITHOUT ROWID;

CREATE INDEX placement_hidden ON placement (account_id, mailbox_id) WHERE flags & 8 = 8;

CREATE INDEX placement_message ON placement (account_id, message_id);

CREATE INDEX placement_modseq ON placement (account_id, mailbox_id, modseq);

CREATE INDEX placement_thread ON placement (account_id, thread_id);

CREATE INDEX placement_unseen_draft ON placement (account_id, mailbox_id) WHERE flags & 17 = 16;

CREATE TABLE pop_fetched (
    account_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (account_id, message_id)
) WITHOUT ROWID;

CREATE TABLE pop_view (
    account_id INTEGER NOT NULL PRIMARY KEY,
    days INTEGER, -- messages that arrived in so many days; NULL: all
    after_fetching TEXT NOT NULL, -- 'delete', 'trash', 'archive', 'read' or 'keep'
    hides_fetched INTEGER NOT NULL -- what is in pop_fetched is not shown again
);

CREATE TABLE queue_lane (
    lane TEXT NOT NULL PRIMARY KEY,
    not_before INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    why TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE queued (
    queued_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER,
    blob_id BLOB NOT NULL,
    size INTEGER NOT NULL,
    trace BLOB NOT NULL,
    reverse_path TEXT NOT NULL,
    journey TEXT NOT NULL,
    smtputf8 INTEGER NOT NULL,
    ret TEXT NOT NULL,
    envid TEXT NOT NULL,
    queued_at INTEGER NOT NULL
, body TEXT NOT NULL DEFAULT '7BIT', requiretls INTEGER NOT NULL DEFAULT 0, hold TEXT NOT NULL DEFAULT '');

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

CREATE INDEX queued_recipient_due ON queued_recipient (lane, due_at) WHERE due_at IS NOT NULL;

CREATE INDEX queued_recipient_open ON queued_recipient (queued_id) WHERE finished_at IS NULL;

CREATE INDEX queued_recipient_report ON queued_recipient (queued_id) WHERE report <> '';

CREATE TABLE quota_notice (
    account_id INTEGER NOT NULL PRIMARY KEY,
    level INTEGER NOT NULL
);

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

CREATE TABLE recovery_code (
    account_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hash TEXT NOT NULL, -- argon2id
    used_at INTEGER,
    PRIMARY KEY (account_id, number)
) WITHOUT ROWID;

CREATE TABLE recovery_count (
    what TEXT NOT NULL,
    stretch INTEGER NOT NULL, -- hours or days since 1970
    times INTEGER NOT NULL,
    PRIMARY KEY (what, stretch)
) WITHOUT ROWID;

CREATE TABLE recovery_wish (
    wish_id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, -- 'reset', 'addresses', 'administrator'
    text TEXT NOT NULL, -- the address as it was typed
    peer TEXT NOT NULL,
    language TEXT NOT NULL,
    origin TEXT NOT NULL, -- https://host of the page, one of our names
    asked_at INTEGER NOT NULL
);

CREATE TABLE remote (
    remote_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL,
    label TEXT NOT NULL,
    host TEXT NOT NULL, -- where it is; '' for files
    settings TEXT NOT NULL, -- JSON without any secret
    sealed BLOB NOT NULL, -- how to sign in there, encrypted by a key outside the database
    state TEXT NOT NULL,
    trouble TEXT NOT NULL DEFAULT '', -- the last one's name; '' after success
    why TEXT NOT NULL DEFAULT '', -- its sentence
    failures INTEGER NOT NULL DEFAULT 0, -- in a row
    due_at INTEGER,
    lease TEXT NOT NULL DEFAULT '', -- the holder's name
    leased_until INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    succeeded_at INTEGER
);

CREATE INDEX remote_due ON remote (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE remote_folder (
    remote_id INTEGER NOT NULL,
    folder INTEGER NOT NULL, -- from 1
    key TEXT NOT NULL, -- as the source names it
    mailbox_id INTEGER, -- NULL: none yet
    made INTEGER NOT NULL DEFAULT 0, -- the mailbox was made for it
    validity TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT '', -- for changes since
    PRIMARY KEY (remote_id, folder),
    UNIQUE (remote_id, key)
) WITHOUT ROWID;

CREATE UNIQUE INDEX remote_label ON remote (account_id, label) WHERE state <> 'removed';

CREATE TABLE remote_revision (last INTEGER NOT NULL);

CREATE TABLE remote_run (
    run_id INTEGER PRIMARY KEY AUTOINCREMENT,
    remote_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    started_by TEXT NOT NULL, -- 'schedule' or 'hand'
    started_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT NOT NULL,
    why TEXT NOT NULL DEFAULT '',
    eventful INTEGER NOT NULL DEFAULT 0, -- something was brought or changed, or failed
    progress TEXT NOT NULL DEFAULT '{}' -- JSON
);

CREATE INDEX remote_run_account ON remote_run (account_id);

CREATE INDEX remote_run_of ON remote_run (remote_id, run_id);

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

CREATE TABLE report_reader (
    account_id INTEGER NOT NULL PRIMARY KEY,
    message_id INTEGER NOT NULL
);

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

CREATE TABLE reset_link (
    digest BLOB NOT NULL PRIMARY KEY,
    account_id INTEGER NOT NULL,
    way TEXT NOT NULL, -- 'address', 'code', 'administrator'
    ends_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX reset_link_account ON reset_link (account_id);

CREATE TABLE schema_migration (
        number INTEGER NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        applied_at INTEGER NOT NULL
    ) WITHOUT ROWID
;

CREATE TABLE second_factor (
    account_id INTEGER PRIMARY KEY,
    required INTEGER NOT NULL DEFAULT 0,
    sealed BLOB,
    confirmed_at INTEGER, -- NULL: the secret was shown, no code was given yet
    last_step INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE segment_number (last INTEGER NOT NULL);

CREATE TABLE send_as (
    account_id INTEGER NOT NULL,
    address TEXT NOT NULL, -- folded
    remote_id INTEGER NOT NULL,
    PRIMARY KEY (account_id, address)
) WITHOUT ROWID;

CREATE TABLE sending_day (
    account_id INTEGER NOT NULL,
    day INTEGER NOT NULL, -- days since 1970, UTC
    messages INTEGER NOT NULL DEFAULT 0,
    new_recipients INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, day)
) WITHOUT ROWID;

CREATE TABLE sending_gone (
    account_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    created_modseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    gone_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, kind, number)
) WITHOUT ROWID;

CREATE INDEX sending_gone_age ON sending_gone (gone_at);

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

CREATE TABLE spent (
    digest BLOB PRIMARY KEY,
    until INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX spent_until ON spent (until);

CREATE TABLE sts_policy (
    domain TEXT NOT NULL PRIMARY KEY,
    ident TEXT NOT NULL, -- of the TXT record when it was fetched
    policy BLOB NOT NULL, -- as MTA-STS writes it
    fetched_at INTEGER NOT NULL, -- Unix seconds
    ends_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX sts_policy_age ON sts_policy (fetched_at);

CREATE TABLE submission (
    account_id INTEGER NOT NULL,
    submission_id INTEGER NOT NULL,
    identity_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    mail_from TEXT NOT NULL, -- JSON, as the envelope has it
    rcpt_to TEXT NOT NULL,
    undo TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    send_at INTEGER NOT NULL,
    created_modseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    PRIMARY KEY (account_id, submission_id)
) WITHOUT ROWID;

CREATE INDEX submission_age ON submission (send_at);

CREATE TABLE submission_copy (
    account_id INTEGER NOT NULL,
    submission_id INTEGER NOT NULL,
    recipient TEXT NOT NULL, -- as rcpt_to names it
    queued_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL, -- as in queued_recipient
    reply TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (account_id, submission_id, recipient, queued_id, number)
) WITHOUT ROWID;

CREATE INDEX submission_copy_queued ON submission_copy (queued_id, number) WHERE queued_id > 0;

CREATE INDEX submission_message ON submission (account_id, message_id);

CREATE TABLE subscription (
    account_id INTEGER NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (account_id, path)
) WITHOUT ROWID;

CREATE TABLE thread_ref (
    account_id INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    subject_hash INTEGER NOT NULL,
    PRIMARY KEY (account_id, hash, subject_hash)
) WITHOUT ROWID;

CREATE TABLE tls_result (
    day INTEGER NOT NULL, -- days since 1970, UTC
    domain TEXT NOT NULL,
    result TEXT NOT NULL, -- JSON of everything but the count
    count INTEGER NOT NULL,
    PRIMARY KEY (day, domain, result)
) WITHOUT ROWID;

CREATE TABLE upload (
    account_id INTEGER NOT NULL,
    blob_id BLOB NOT NULL,
    size INTEGER NOT NULL,
    type TEXT NOT NULL, -- as the client called it
    uploaded_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, blob_id)
) WITHOUT ROWID;

CREATE INDEX upload_age ON upload (uploaded_at);

CREATE TABLE vacation_told (
    account_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, address)
) WITHOUT ROWID;

CREATE TABLE web_person (
    account_id INTEGER PRIMARY KEY,
    preferences BLOB NOT NULL DEFAULT x'7b7d', -- JSON, an object
    checklist_at INTEGER -- when the first steps were done or put away
);

