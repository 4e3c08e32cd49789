"""Settings of the store."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from pillarbox.config.message import MessageSettings

Count = Annotated[int, Meta(ge=1)]


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where mail is kept and the caps on what one account may store."""

    data_dir: Annotated[
        str,
        Meta(
            min_length=1,
            description="Folder that holds the database, the segments and the search index. "
            "It must be on a local file system: network file systems do not lock reliably.",
        ),
    ] = "data"
    max_message_octets: Annotated[
        int,
        Meta(
            ge=1024,
            description="Largest message that is stored, in octets. 50 MiB: what the large "
            "providers take, attachments grown by base64 included.",
        ),
    ] = 50 * 1024 * 1024
    spool_memory_octets: Annotated[
        int,
        Meta(
            ge=4096,
            description="Octets of an arriving message that stay in memory; a longer one goes to "
            "a temporary file. 1 MiB holds nearly all mail and bounds a thousand senders to 1 GiB.",
        ),
    ] = 1024 * 1024
    own_segment_octets: Annotated[
        int,
        Meta(
            ge=4096,
            description="Messages of at least this many octets are written to a segment file of "
            "their own, before the commit, so that a 50 MiB message delays nobody's commit.",
        ),
    ] = 4 * 1024 * 1024
    segment_octets: Annotated[
        int,
        Meta(
            ge=4096,
            description="A segment file is closed when it has this many octets. 256 MiB: few "
            "files, and each compaction stays short.",
        ),
    ] = 256 * 1024 * 1024
    segment_dead_percent: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="Share of a closed segment that must be unreferenced before maintenance "
            "copies the rest out and deletes it. 60: less copying than freeing.",
        ),
    ] = 60
    batch: Annotated[
        int,
        Meta(
            ge=1,
            le=1024,
            description="Writes that share one commit at most. Measured: 64 brings eight times "
            "the rate of single commits; more brings little.",
        ),
    ] = 64
    queue_length: Annotated[
        int,
        Meta(
            ge=64,
            description="Writes that may wait in one process; a further one is refused as "
            "temporarily unavailable. 10000: seconds of work, and a bound on memory.",
        ),
    ] = 10_000
    lock_wait_seconds: Annotated[
        int,
        Meta(
            ge=1,
            description="How long a commit waits for other processes' commits before it is refused "
            "as temporarily unavailable. 30: longer than any sane commit.",
        ),
    ] = 30
    read_threads: Annotated[
        int,
        Meta(ge=1, le=64, description="Threads for searches and other long reads in a process."),
    ] = 2
    read_cache_octets: Annotated[
        int,
        Meta(
            ge=65536,
            description="Page cache of each database connection, in octets. 16 MiB: the pages of "
            "a large mailbox's placements; there are four connections in a process.",
        ),
    ] = 16 * 1024 * 1024
    poll_seconds: Annotated[
        float,
        Meta(
            gt=0,
            description="How often a process looks whether a wake-up of another process was lost, "
            "in seconds. 1: one cheap pragma.",
        ),
    ] = 1.0
    switch_interval_seconds: Annotated[
        float,
        Meta(
            gt=0,
            description="Python's thread switch interval. 0.0002: with the default of 0.005 the "
            "commit thread starves beside a busy connection thread.",
        ),
    ] = 0.0002
    retention_days: Annotated[
        int,
        Meta(
            ge=0,
            description="Days for which expunged messages can be restored and for which a client "
            "that was away learns what was expunged without a full resynchronisation.",
        ),
    ] = 30
    draft_reserve_octets: Annotated[
        int,
        Meta(
            ge=0,
            description="So much more than its quota an account may have while a draft is saved: "
            "nobody loses a letter half written because the mailbox is full.",
        ),
    ] = 5_000_000
    draft_reserve_messages: Annotated[
        int,
        Meta(ge=0, description="The same as a number of messages, where a quota counts them."),
    ] = 100
    trash_copies_percent: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="So much more than its quota an account may have while mail is copied to "
            "the trash: programs without MOVE copy, flag and expunge, and could otherwise delete "
            "nothing in a full mailbox. In per cent of the quota; 100: everything there once more.",
        ),
    ] = 100
    max_mailboxes: Annotated[int, Meta(ge=10, description="Mailboxes in one account.")] = 5000
    max_mailbox_depth: Annotated[
        int, Meta(ge=1, le=100, description="Levels of a mailbox path.")
    ] = 20
    max_mailbox_name_octets: Annotated[
        int,
        Meta(
            ge=16,
            le=1000,
            description="UTF-8 octets of one level of a mailbox name. 255 fits every client.",
        ),
    ] = 255
    max_keywords: Annotated[
        int,
        Meta(
            ge=0,
            description="Different keywords (labels, tags) in one account. 500: clients that make "
            "a keyword for each message would otherwise grow each FLAGS answer without end.",
        ),
    ] = 500
    max_keyword_octets: Annotated[int, Meta(ge=8, description="Octets of one keyword.")] = 100
    max_keywords_of_message: Annotated[int, Meta(ge=1, description="Keywords on one message.")] = 50
    max_subscriptions: Annotated[
        int, Meta(ge=10, description="Subscribed names in one account.")
    ] = 10_000
    journey_days: Annotated[
        int,
        Meta(
            ge=1,
            le=3650,
            description="Days for which `pillarbox trace` knows what became of a message. 14: "
            "longer than the queue tries, and people ask within a week.",
        ),
    ] = 14
    journey_max_notes: Annotated[
        int,
        Meta(
            ge=1000,
            description="Notes for `pillarbox trace` that are kept, the newest ones: who is "
            "refused a million times a day must not fill the disk. Five million are about 2 GB, "
            "and two months of a server with 20000 messages a day.",
        ),
    ] = 5_000_000
    journey_notes_waiting: Annotated[
        int,
        Meta(
            ge=100,
            description="Notes for `pillarbox trace` that may wait in memory to be written; more "
            "are dropped and counted. 10000 is some seconds of the busiest server.",
        ),
    ] = 10_000
    index_seconds: Annotated[
        float,
        Meta(
            gt=0,
            description="Pause between rounds of the search indexer, in seconds. Mail that is not "
            "indexed yet is searched by reading it, so this only trades CPU for speed.",
        ),
    ] = 2.0
    index_share_percent: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="Share of one core that the indexer takes while its process is busy; when "
            "the process is quiet it takes a whole one, and what is between is shared. 25: after "
            "a large import it catches up within minutes and nobody waits for it.",
        ),
    ] = 25
    index_backlog_messages: Annotated[
        int,
        Meta(
            ge=0,
            description="Messages that may wait for the trigram index while mail keeps coming; "
            "they are searched by reading their text, 5 ms for each thousand. 20000: a tenth of "
            "a second.",
        ),
    ] = 20_000
    index_batch: Annotated[
        int,
        Meta(
            ge=1,
            description="Messages indexed in one transaction. 2000: after an import the trigram "
            "index costs a third less than with 200.",
        ),
    ] = 2000
    index_batch_octets: Annotated[
        int,
        Meta(
            ge=1024,
            description="Decoded text of the messages indexed in one transaction, in octets; one "
            "message more may come on top. 4 MiB: a few thousand letters, and a bound on memory.",
        ),
    ] = 4 * 1024 * 1024
    index_text_octets: Annotated[
        int,
        Meta(
            ge=1024,
            description="Decoded text of one message that is searched, in octets. 4 MiB is far "
            "past any letter; what follows in a log file sent as text is not found.",
        ),
    ] = 4 * 1024 * 1024
    message: Annotated[MessageSettings, Meta(description="How far a message is taken apart.")] = (
        MessageSettings()
    )
