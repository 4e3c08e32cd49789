"""Domain errors → what an IMAP client is told (RFC 5530, RFC 9051 §7.1). The one table."""

from __future__ import annotations

from pillarbox import errors
from pillarbox.imap.server.context import No
from pillarbox.imap.wire import codes
from pillarbox.imap.wire.codes import Code
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.responses import Status, bad, no

CODES: dict[type[errors.PillarboxError], Code | None] = {
    errors.NoSuchMailbox: codes.NONEXISTENT,
    errors.NoSuchMessage: codes.EXPUNGE_ISSUED,
    errors.NotFound: codes.NONEXISTENT,
    errors.AlreadyExists: codes.ALREADY_EXISTS,
    errors.MailboxHasChildren: codes.HAS_CHILDREN,
    errors.NotAllowed: codes.CANNOT,
    errors.BadName: codes.CANNOT,
    errors.OverQuota: codes.OVER_QUOTA,
    errors.TooLarge: codes.TOO_BIG,
    errors.LimitReached: codes.LIMIT,
    errors.CannotCalculateChanges: codes.CANNOT,
    errors.Unavailable: codes.UNAVAILABLE,
    errors.Damaged: codes.CORRUPTION,
    errors.AuthenticationFailed: codes.AUTHENTICATION_FAILED,
    errors.Throttled: codes.LIMIT,
}
BUG = "Something went wrong on the server; the administrator finds it in the log."


def reply_to(error: errors.PillarboxError | No, tag: bytes) -> Status:
    """The tagged reply that an error comes to."""
    sentence = str(error)
    if isinstance(error, No):
        return no(sentence, error.code, tag)
    if isinstance(error, BadSyntax):
        return bad(sentence, None, tag)
    for kind in type(error).__mro__:
        if kind in CODES:
            return no(sentence, CODES[kind], tag)
    return no(sentence, None, tag)


def reply_to_bug(tag: bytes) -> Status:
    """For an exception that nobody expected; its traceback is in the log."""
    return no(BUG, codes.SERVER_BUG, tag)
