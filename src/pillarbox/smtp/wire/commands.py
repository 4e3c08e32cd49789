"""A command line is a verb and the rest (RFC 5321 §4.1.1). Sans-IO."""

from __future__ import annotations

import re

from pillarbox.smtp.wire.errors import BadSyntax

_DIGITS = re.compile(rb"[0-9]{1,20}")


def split_command(line: bytes) -> tuple[bytes, bytes]:
    """The verb in upper case and its arguments without surrounding spaces."""
    verb, _, arguments = line.partition(b" ")
    return verb.upper(), arguments.strip(b" ")


def parse_nothing(arguments: bytes) -> None:
    """For verbs that take no argument. Raises BadSyntax."""
    if arguments:
        raise BadSyntax("This command takes no argument.")


def parse_number(octets: bytes) -> int:
    """Up to 20 decimal digits (RFC 1870 §4). Raises BadSyntax."""
    if not _DIGITS.fullmatch(octets):
        raise BadSyntax("A decimal number is wanted.")
    return int(octets)
