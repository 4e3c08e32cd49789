"""Response codes (RFC 9051 §7.1 and the extensions'), as values of `Code`."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pillarbox.imap.wire.encoder import encode_flags
from pillarbox.imap.wire.sequence_set import encode_numbers


class Code(msgspec.Struct, frozen=True):
    """What stands between the brackets, encoded."""

    octets: bytes


ALREADY_EXISTS = Code(b"ALREADYEXISTS")
AUTHENTICATION_FAILED = Code(b"AUTHENTICATIONFAILED")
CANNOT = Code(b"CANNOT")
CLOSED = Code(b"CLOSED")
COMPRESSION_ACTIVE = Code(b"COMPRESSIONACTIVE")  # RFC 4978 §3
CORRUPTION = Code(b"CORRUPTION")
EXPUNGE_ISSUED = Code(b"EXPUNGEISSUED")
HAS_CHILDREN = Code(b"HASCHILDREN")
LIMIT = Code(b"LIMIT")
NO_PERM = Code(b"NOPERM")
NONEXISTENT = Code(b"NONEXISTENT")
OVER_QUOTA = Code(b"OVERQUOTA")
PRIVACY_REQUIRED = Code(b"PRIVACYREQUIRED")
READ_ONLY = Code(b"READ-ONLY")
READ_WRITE = Code(b"READ-WRITE")
SERVER_BUG = Code(b"SERVERBUG")
TOO_BIG = Code(b"TOOBIG")  # RFC 4469 §4.2, RFC 7889 §4
TRY_CREATE = Code(b"TRYCREATE")
UNAVAILABLE = Code(b"UNAVAILABLE")
UNKNOWN_CTE = Code(b"UNKNOWN-CTE")  # RFC 3516 §4.3
USE_ATTR = Code(b"USEATTR")  # RFC 6154 §6
BAD_CHARSET = Code(b"BADCHARSET (UTF-8 US-ASCII)")


def append_uid(uid_validity: int, uids: Iterable[int]) -> Code:
    """RFC 9051 §7.1 APPENDUID; several UIDs with MULTIAPPEND."""
    return Code(b"APPENDUID %d %b" % (uid_validity, encode_numbers(uids)))


def copy_uid(uid_validity: int, source: Iterable[int], target: Iterable[int]) -> Code:
    """RFC 9051 §7.1 COPYUID; the two sets pair up in the order given."""
    sets = (encode_numbers(source), encode_numbers(target))
    return Code(b"COPYUID %d %b %b" % (uid_validity, *sets))


def capability(names: Iterable[str]) -> Code:
    return Code(f"CAPABILITY {' '.join(names)}".encode("ascii"))


def highest_modseq(modseq: int) -> Code:
    """RFC 7162 §3.1.2.1."""
    return Code(b"HIGHESTMODSEQ %d" % modseq)


def mailbox_id(octets: bytes) -> Code:
    """RFC 8474 §4.1, §4.2: the id as it is written between its parentheses."""
    return Code(b"MAILBOXID (%b)" % octets)


def modified(failed: Iterable[int]) -> Code:
    """RFC 7162 §3.1.3: numbers (or UIDs, with UID STORE) that were not changed."""
    return Code(b"MODIFIED " + encode_numbers(failed))


def permanent_flags(names: Iterable[str]) -> Code:
    return Code(b"PERMANENTFLAGS " + encode_flags(names))


def uid_next(uid: int) -> Code:
    return Code(b"UIDNEXT %d" % uid)


def uid_validity(number: int) -> Code:
    return Code(b"UIDVALIDITY %d" % number)


def unseen(seqnum: int) -> Code:
    """RFC 3501 §7.1, for IMAP4rev1 clients."""
    return Code(b"UNSEEN %d" % seqnum)
