"""AUTH (RFC 4954 §4)."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error

import msgspec

from pillarbox.accounts.identity import SignedIn
from pillarbox.accounts.scope import Scope
from pillarbox.errors import AuthenticationFailed, PillarboxError, Throttled
from pillarbox.sasl.errors import MalformedResponse, UnknownMechanism
from pillarbox.smtp.server import answers
from pillarbox.smtp.server.context import LMTP, MX, Context
from pillarbox.smtp.server.verb import Verb, When
from pillarbox.smtp.wire.errors import BadSyntax
from pillarbox.smtp.wire.replies import Reply
from pillarbox.telemetry.log import get_logger

log = get_logger("smtp")

MAX_OCTETS = 12_288  # RFC 4954 §4


class Auth(msgspec.Struct, frozen=True):
    """AUTH mechanism [initial-response]."""

    mechanism: str
    initial: bytes | None  # as written; None where there is none

    @classmethod
    def parse(cls, arguments: bytes) -> Auth:
        """Raises BadSyntax."""
        words = arguments.split()
        if not 1 <= len(words) <= 2 or not words[0].isascii():
            raise BadSyntax("AUTH takes a mechanism and perhaps a first answer.")
        return cls(words[0].decode("ascii").upper(), words[1] if len(words) == 2 else None)


async def run(command: Auth, context: Context) -> Reply:
    """Begin an exchange; its end or its first challenge is the reply."""
    if context.role == LMTP or (context.role == MX and not context.settings.auth_on_mx):
        return answers.NO_AUTH_HERE
    if not context.is_secure:
        return answers.TLS_FOR_PASSWORDS
    if context.identity is not None:
        return answers.SIGNED_IN_ALREADY
    if context.transaction is not None:
        return answers.NOT_IN_MAIL
    try:
        context.exchange = context.services.authenticator.begin(
            command.mechanism,
            scope=Scope.SMTP,
            peer=context.peer.address,
            secure=context.is_secure,
            bindings=context.peer.bindings,
        )
    except UnknownMechanism:
        return answers.NO_SUCH_MECHANISM
    context.mechanism = command.mechanism
    first = command.initial
    return await answer(b"" if first is None or first == b"=" else first, context)


async def answer(line: bytes, context: Context) -> Reply:
    """The client's next line of the exchange: base64, or "*" to give up."""
    exchange = context.exchange
    assert exchange is not None
    if line == b"*":
        context.exchange = None
        return answers.CANCELLED
    try:
        octets = b64decode(line, validate=True)
    except (Base64Error, ValueError):
        context.exchange = None
        return answers.NOT_BASE64
    try:
        outcome = await exchange.step(octets)
    except MalformedResponse as error:
        context.exchange = None
        return Reply(501, "5.2", str(error))
    except PillarboxError as error:
        context.exchange = None
        if isinstance(error, AuthenticationFailed | Throttled):
            log.warning_event(
                "smtp.sign_in_failed",
                session=context.journey,
                peer=context.peer.address,
                mechanism=context.mechanism,
                reason=type(error).__name__,
            )
        return answers.reply_to_error(error)
    except BaseException:
        context.exchange = None
        raise
    if not isinstance(outcome, SignedIn):
        return Reply(334, "", b64encode(outcome.octets).decode())
    context.exchange = None
    context.identity = outcome.identity
    log.event(
        "smtp.signed_in",
        session=context.journey,
        peer=context.peer.address,
        account=outcome.identity.account,
        mechanism=context.mechanism,
    )
    return answers.SIGNED_IN


VERB = Verb(
    b"AUTH",
    "AUTH <mechanism> [first answer]",
    When.GREETED,
    Auth.parse,
    run,
    last_in_group=True,
    max_octets=MAX_OCTETS,
)
