"""The table from what happened to what is said (RFC 5321 §4.2.3, RFC 3463, RFC 5248)."""

from __future__ import annotations

from pillarbox.errors import (
    AuthenticationFailed,
    BadName,
    DiskFull,
    LimitReached,
    NoSuchAccount,
    NotAllowed,
    NotFound,
    OverQuota,
    PillarboxError,
    Throttled,
    TooLarge,
    Unavailable,
)
from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.flow.submission.limits import SendingLimit
from pillarbox.sasl.errors import Cancelled, MalformedResponse
from pillarbox.smtp.wire.errors import BadMailbox, BadParameter, BadSyntax, UnknownParameter
from pillarbox.smtp.wire.replies import Reply

OK = Reply(250, "0.0", "OK")
SENDER_OK = Reply(250, "1.0", "Sender OK")
RECIPIENT_OK = Reply(250, "1.5", "Recipient OK")
START_DATA = Reply(354, "", "Send the message; end it with a dot on a line of its own")
BYE = Reply(221, "0.0", "Good-bye")
READY_FOR_TLS = Reply(220, "0.0", "Ready to start TLS")

NOT_NOW_HELO = Reply(503, "5.1", "Say EHLO first")
NOT_NOW_LHLO = Reply(503, "5.1", "Say LHLO first")
NOT_NOW_MAIL = Reply(503, "5.1", "Say MAIL first")
NOT_NOW_RCPT = Reply(503, "5.1", "No recipient was accepted")
NO_SUCH_COMMAND = Reply(500, "5.1", "This command is not known; HELP lists the others")
LINE_TOO_LONG = Reply(500, "5.2", "The line is too long")
AUTH_LINE_TOO_LONG = Reply(500, "5.6", "The line is too long")
BARE_NEWLINE = Reply(500, "5.2", "Lines end with CR LF and hold no other CR or LF; closing")
NO_CHUNK_SIZE = Reply(501, "5.4", "BDAT takes a size and perhaps the word LAST; closing")
TALKED_TOO_EARLY = Reply(554, "5.1", "Wait for the greeting before you speak; closing")
TALKED_AHEAD = Reply(503, "5.1", "Wait for the answer to this command before you go on; closing")
SPEAKS_HTTP = Reply(421, "7.0", "This is a mail server; closing")
TOO_MANY_ERRORS = Reply(421, "7.0", "Too many errors; closing")
TOO_MANY_IDLE = Reply(421, "7.0", "Too many commands without a message; closing")
TOO_MANY_MESSAGES = Reply(421, "7.0", "Enough messages for one connection; connect again")
TOO_MANY_RECIPIENTS = Reply(452, "5.3", "Too many recipients for one message")
TOO_MANY_CONNECTIONS = Reply(421, "7.0", "Too many connections; try again later")
TIMED_OUT = Reply(421, "4.2", "Nothing heard for too long; closing")
SHUTTING_DOWN = Reply(421, "3.2", "The server is going down; connect again")
FAULT = Reply(451, "3.0", "The server made a mistake; try again later")

SIGN_IN_FIRST = Reply(530, "7.0", "Sign in first")
TLS_FIRST = Reply(530, "7.0", "Start TLS first")
TLS_FOR_PASSWORDS = Reply(538, "7.11", "Start TLS before signing in")
NO_AUTH_HERE = Reply(502, "5.1", "Signing in is not offered here; use port 465 or 587")
NO_TLS_HERE = Reply(502, "5.1", "STARTTLS is not offered here")
SIGNED_IN = Reply(235, "7.0", "Signed in")
SIGNED_IN_ALREADY = Reply(503, "5.1", "You are signed in already")
NOT_IN_MAIL = Reply(503, "5.1", "Not during a mail transaction")
NO_SUCH_MECHANISM = Reply(504, "5.4", "This mechanism is not offered")
NOT_ASCII = Reply(553, "6.7", "Addresses outside ASCII need SMTPUTF8 behind MAIL")
DATA_FOR_TEXT = Reply(503, "5.1", "BODY=BINARYMIME needs BDAT")
BDAT_BEGAN = Reply(503, "5.1", "The message was begun with BDAT")

_BY_REASON = {
    Reason.UNKNOWN_RECIPIENT: Reply(550, "1.1", "There is no such mailbox here"),
    Reason.UNKNOWN_DOMAIN: Reply(550, "1.2", "This server does not serve that domain"),
    Reason.RELAYING: Reply(550, "7.1", "This server does not relay mail to that domain"),
    Reason.MAILBOX_FULL: Reply(452, "2.2", "The mailbox is full"),
    Reason.LARGER_THAN_MAILBOX: Reply(552, "2.3", "The message is larger than the mailbox"),
    Reason.MESSAGE_TOO_LARGE: Reply(552, "3.4", "The message is larger than this server accepts"),
    Reason.LOOP: Reply(554, "4.6", "The message goes round in a loop: too many Received fields"),
    Reason.HEADER_TOO_LARGE: Reply(
        554, "6.0", "The header of the message is larger than this server accepts"
    ),
    Reason.SENDER_NOT_YOURS: Reply(553, "7.1", "The sender address is not one of your addresses"),
    Reason.FROM_NOT_YOURS: Reply(
        550, "7.1", "The address in the From field is not one of your addresses"
    ),
    Reason.BROKEN_FROM: Reply(550, "6.0", "The From field is not understood"),
    Reason.BARE_NEWLINE: Reply(
        550, "6.0", "The message has a CR or LF on its own; every line must end with CR LF"
    ),
    Reason.UNAVAILABLE: Reply(451, "3.0", "The server cannot do this just now; try again later"),
    Reason.DMARC_REJECT: Reply(
        550, "7.26", "The author's domain asks for mail like this to be refused (DMARC)"
    ),  # RFC 7372 §3.4
    Reason.NULL_MX: Reply(550, "7.27", "The sender's domain takes no mail"),
    Reason.SPF_FAIL: Reply(
        550, "7.23", "The sender's domain says that your host may not send for it (SPF)"
    ),  # RFC 7372 §3.2
    Reason.DNS_LIST: Reply(550, "7.1", "Your address is on a list of senders that we refuse"),
    Reason.GREYLISTED: Reply(451, "7.1", "We do not know you yet; try again in some minutes"),
    Reason.ASKED_TEMPORARY: Reply(451, "3.0", "This address always answers so: try again later"),
    Reason.ASKED_PERMANENT: Reply(550, "1.1", "This address always answers so: no such mailbox"),
    Reason.ASKED_CLOSE: Reply(421, "3.2", "This address always answers so: closing"),
}

# The first row that fits; subclasses stand before their parents.
_BY_ERROR: tuple[tuple[type[PillarboxError], int, str], ...] = (
    (UnknownParameter, 555, "5.4"),
    (MalformedResponse, 501, "5.2"),
    (Cancelled, 501, "7.0"),
    (BadParameter, 501, "5.4"),
    (BadMailbox, 501, "1.3"),
    (BadSyntax, 501, "5.2"),
    (TooLarge, 552, "3.4"),
    (OverQuota, 452, "2.2"),
    (BadName, 553, "1.3"),
    (NoSuchAccount, 550, "1.1"),
    (NotFound, 451, "3.0"),  # it was there at RCPT: the next attempt will tell
    (NotAllowed, 550, "7.1"),
    (AuthenticationFailed, 535, "7.8"),
    (Throttled, 454, "7.0"),
    (SendingLimit, 450, "7.1"),
    (LimitReached, 452, "3.1"),
    (DiskFull, 452, "3.1"),
    (Unavailable, 451, "3.0"),
    (PillarboxError, 451, "3.0"),
)


def reply_to_refusal(refused: Refused) -> Reply:
    """Our sentence, or the refusal's own if it has one."""
    reply = _BY_REASON[refused.reason]
    return Reply(reply.code, reply.detail, refused.sentence) if refused.sentence else reply


def reply_to_error(error: PillarboxError) -> Reply:
    """A domain error's own sentence under the table's codes."""
    for kind, code, detail in _BY_ERROR:
        if isinstance(error, kind):
            return Reply(code, detail, str(error))
    return FAULT
