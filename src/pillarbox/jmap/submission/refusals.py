"""Why a message is not sent: the flow's reasons and errors as SetErrors (RFC 8621 §7.5)."""

from __future__ import annotations

from pillarbox.errors import (
    LimitReached,
    NotFound,
    OverQuota,
    PillarboxError,
    TooLarge,
)
from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.flow.submission.limits import SendingLimit
from pillarbox.jmap.errors import RecordRefused
from pillarbox.store.sql.submissions import CannotUnsend

_SENTENCES = {
    Reason.UNKNOWN_RECIPIENT: "There is no such mailbox here.",
    Reason.MAILBOX_FULL: "The mailbox is full.",
    Reason.LARGER_THAN_MAILBOX: "The message is larger than the mailbox.",
    Reason.HEADER_TOO_LARGE: "The header of the message is larger than this server accepts.",
    Reason.SENDER_NOT_YOURS: "The sender address is not one of your addresses.",
    Reason.FROM_NOT_YOURS: "The address in the From field is not one of your addresses.",
    Reason.BROKEN_FROM: "The From field is not understood.",
    Reason.UNAVAILABLE: "The server cannot do this just now; try again later.",
    Reason.ASKED_TEMPORARY: "This address always answers so: try again later.",
}


def sentence_of(refused: Refused) -> str:
    """For the person who sends."""
    return refused.sentence or _SENTENCES.get(refused.reason, "It is not sent that way.")


def refusal_of(refused: Refused) -> RecordRefused:
    """What was said of the whole message, or of its sender."""
    sentence = sentence_of(refused)
    match refused.reason:
        case Reason.SENDER_NOT_YOURS:
            return RecordRefused("forbiddenMailFrom", sentence)
        case Reason.FROM_NOT_YOURS:
            return RecordRefused("forbiddenFrom", sentence)
        case Reason.BROKEN_FROM:
            return RecordRefused("invalidEmail", sentence, properties=["from"])
        case Reason.HEADER_TOO_LARGE:
            return RecordRefused("invalidEmail", sentence, properties=["headers"])
    return RecordRefused("forbiddenToSend", sentence)


def refusal(error: PillarboxError, max_octets: int) -> RecordRefused:
    """What of the flow's errors becomes a SetError; raises the others again."""
    match error:
        case RecordRefused():
            return error
        case TooLarge():
            return RecordRefused("tooLarge", str(error), maxSize=max_octets)
        case SendingLimit():
            return RecordRefused("rateLimit", str(error))
        case OverQuota() | LimitReached():
            return RecordRefused("forbiddenToSend", str(error))
        case CannotUnsend():
            return RecordRefused("cannotUnsend", str(error))
        case NotFound():
            return RecordRefused("notFound")
    raise error
