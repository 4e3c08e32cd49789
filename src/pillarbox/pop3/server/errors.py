"""What the domain's errors are called in POP3: the door's one table."""

from __future__ import annotations

from pillarbox.errors import (
    AppPasswordNeeded,
    AuthenticationFailed,
    Damaged,
    LimitReached,
    NotAllowed,
    NotFound,
    OverQuota,
    PillarboxError,
    Throttled,
    Unavailable,
)
from pillarbox.pop3.server.texts import Say
from pillarbox.pop3.wire.replies import Code
from pillarbox.sasl.errors import Cancelled, MalformedResponse, UnknownMechanism

# The first class that fits counts.
ERRORS: tuple[tuple[type[PillarboxError], Code | None, Say], ...] = (
    (AppPasswordNeeded, Code.AUTH, Say.APP_PASSWORD),
    (AuthenticationFailed, Code.AUTH, Say.WRONG_PASSWORD),
    (Throttled, Code.SYS_TEMP, Say.SLOW_DOWN),
    (UnknownMechanism, None, Say.MECHANISM_UNKNOWN),
    (MalformedResponse, None, Say.BAD_RESPONSE),
    (Cancelled, None, Say.BAD_RESPONSE),
    (NotFound, None, Say.NO_SUCH_MESSAGE),
    (Damaged, Code.SYS_PERM, Say.DAMAGED),
    (OverQuota, Code.SYS_TEMP, Say.TRY_LATER),
    (LimitReached, Code.SYS_PERM, Say.NOT_ALLOWED),
    (NotAllowed, Code.SYS_PERM, Say.NOT_ALLOWED),
    (Unavailable, Code.SYS_TEMP, Say.TRY_LATER),
    (PillarboxError, Code.SYS_TEMP, Say.OUR_FAULT),
)


def name_error(error: PillarboxError) -> tuple[Code | None, Say]:
    """Response code and sentence of an error."""
    for kind, code, what in ERRORS:
        if isinstance(error, kind):
            return code, what
    raise AssertionError("the table ends with the root of all errors")
