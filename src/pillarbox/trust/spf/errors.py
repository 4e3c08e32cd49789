"""What an SPF evaluation may stumble over; none of it leaves the package."""

from __future__ import annotations


class BadSpfRecord(Exception):
    """The record breaks the grammar or a limit: permerror. The text says how."""


class SpfUnavailable(Exception):
    """The DNS does not answer: temperror. The text says to what."""
