"""What an account may use beyond its quota, so that who is full can still write and clean up."""

from __future__ import annotations

import msgspec

from pillarbox.config.store import StoreSettings


class Use(msgspec.Struct, frozen=True, array_like=True):
    """Of an account, or with what it is about to get. Quotas of 0 mean no limit."""

    quota_octets: int
    octets: int
    quota_messages: int
    messages: int


class Spare(msgspec.Struct, frozen=True):
    """So much more than its quota."""

    octets: int = 0
    messages: int = 0


NONE = Spare()


def drafts(settings: StoreSettings) -> Spare:
    """For letters that are being written."""
    return Spare(settings.draft_reserve_octets, settings.draft_reserve_messages)


def trash(settings: StoreSettings, use: Use) -> Spare:
    """For programs that know no MOVE: they copy to the trash, flag and expunge."""
    percent = settings.trash_copies_percent
    return Spare(use.quota_octets * percent // 100, use.quota_messages * percent // 100)


def fits(use: Use, spare: Spare = NONE) -> bool:
    """Whether it is not more than it may be."""
    octets_fit = not use.quota_octets or use.octets <= use.quota_octets + spare.octets
    messages_fit = not use.quota_messages or use.messages <= use.quota_messages + spare.messages
    return octets_fit and messages_fit
