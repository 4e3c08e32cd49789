"""AUTH (RFC 4954 §4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from pillarbox.accounts.identity import SignedIn
from pillarbox.accounts.scope import Scope
from pillarbox.errors import PillarboxError
from pillarbox.net.secret import Secret
from pillarbox.sasl.errors import UnknownMechanism
from pillarbox.sasl.line import decode_initial, decode_line, encode_line
from pillarbox.smtp.server import answers
from pillarbox.smtp.server.context import LMTP, MX, Context
from pillarbox.smtp.server.verb import Verb, When
from pillarbox.smtp.wire.errors import BadSyntax
from pillarbox.smtp.wire.replies import Reply

T = TypeVar("T")
MAX_OCTETS = 12_288  # RFC 4954 §4


class Auth(msgspec.Struct, frozen=True):
    """AUTH mechanism [initial-response]."""

    mechanism: str
    initial: Secret | None  # as written; None where there is none

    @classmethod
    def parse(cls, arguments: bytes) -> Auth:
        """Raises BadSyntax."""
        words = arguments.split()
        if not 1 <= len(words) <= 2 or not words[0].isascii():
            raise BadSyntax("AUTH takes a mechanism and perhaps a first answer.")
        return cls(words[0].decode("ascii").upper(), Secret(words[1]) if len(words) == 2 else None)


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
            journey=context.journey,
        )
    except UnknownMechanism:
        return answers.NO_SUCH_MECHANISM
    word = command.initial.reveal() if command.initial is not None else None
    return await _step(word, decode_initial, context)


async def answer(line: bytes, context: Context) -> Reply:
    """The client's next line of the exchange: base64, or "*" to give up."""
    return await _step(line, decode_line, context)


async def _step(line: T, decode: Callable[[T], bytes | None], context: Context) -> Reply:
    """Any outcome but a challenge ends the exchange."""
    exchange, context.exchange = context.exchange, None
    assert exchange is not None
    try:
        outcome = await exchange.step(decode(line))
    except PillarboxError as error:
        return answers.reply_to_error(error)
    if isinstance(outcome, SignedIn):
        context.identity = outcome.identity
        return answers.SIGNED_IN
    context.exchange = exchange
    return Reply(334, "", encode_line(outcome.octets).decode())


VERB = Verb(
    b"AUTH",
    "AUTH <mechanism> [first answer]",
    When.GREETED,
    Auth.parse,
    run,
    last_in_group=True,
    max_octets=MAX_OCTETS,
)
