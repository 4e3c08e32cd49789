"""[collect.files]: bounds on what is read out of files and archives of mail."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class CollectFileSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a file that somebody hands over may ask of this computer."""

    max_entries: Annotated[
        int,
        Meta(
            ge=1,
            description="Files in a folder or an archive that is moved in. A million: a Maildir of "
            "thirty years; each is held in memory with some 200 octets while it is listed.",
        ),
    ] = 1_000_000
    max_depth: Annotated[
        int,
        Meta(ge=1, le=200, description="Levels of folders inside one another that are entered."),
    ] = 40
    max_unpacked_octets: Annotated[
        int,
        Meta(
            ge=1,
            description="Octets of all entries of an archive together, unpacked. 256 GiB: more "
            "than the largest mailboxes that providers sell hold in mail.",
        ),
    ] = 256 * 1024**3
    max_ratio: Annotated[
        int,
        Meta(
            ge=2,
            description="How many times its packed size an archive, or an entry of it, may have "
            "when it is unpacked, if that is more than 64 MiB. 200: mail packs 2 to 20 times; an "
            "archive made to fill disks, 1000 times.",
        ),
    ] = 200
    header_octets: Annotated[
        int,
        Meta(
            ge=1024,
            le=16 * 1024**2,
            description="Octets of a message's header that are looked at for flags, labels and "
            "dates before the message is brought over. All of it is brought.",
        ),
    ] = 256 * 1024
    piece_octets: Annotated[
        int,
        Meta(
            ge=4096,
            le=64 * 1024**2,
            description="Octets of a file that are in memory at once while it is read.",
        ),
    ] = 1024 * 1024
    batch_messages: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Messages read from files ahead of what is being stored. 64: enough to "
            "keep both busy; each short one stays in memory meanwhile.",
        ),
    ] = 64
    max_upload_octets: Annotated[
        int,
        Meta(
            ge=0,
            description="Octets of all files that one account has given to the account's pages and "
            "whose mail is not here yet. 20 GiB: a large mailbox, packed. 0: none is taken.",
        ),
    ] = 20 * 1024**3
    upload_days: Annotated[
        int,
        Meta(
            ge=1,
            le=365,
            description="Days for which a file that was given to the pages is kept where its mail "
            "could not be brought: the account was full, or the import was stopped.",
        ),
    ] = 7
    max_manifest_octets: Annotated[
        int,
        Meta(
            ge=4096,
            description="Octets of pillarbox.json in an export that is brought back: folders and "
            "their names. 16 MiB: some ten thousand folders.",
        ),
    ] = 16 * 1024**2
