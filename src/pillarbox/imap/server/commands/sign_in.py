"""STARTTLS, AUTHENTICATE and LOGIN (RFC 9051 §6.2; initial responses: RFC 4959)."""

from __future__ import annotations

from dataclasses import dataclass

from pillarbox.accounts.exchange import Exchange
from pillarbox.accounts.identity import Identity, SignedIn
from pillarbox.accounts.scope import Scope
from pillarbox.errors import AuthenticationFailed, Throttled
from pillarbox.imap.server.command import (
    NOT_AUTHENTICATED,
    CommandSpec,
    Done,
    Hooks,
    parse_nothing,
)
from pillarbox.imap.server.context import After, Context, No, State
from pillarbox.imap.wire import codes
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader
from pillarbox.net.secret import Secret
from pillarbox.sasl.errors import Cancelled, MalformedResponse, UnknownMechanism
from pillarbox.sasl.line import decode_initial, decode_line, encode_line

_MAX_STEPS = 10  # guards against a mechanism of ours that does not end; none takes more than three


@dataclass(frozen=True, slots=True)
class Authenticate:
    """`initial` is the initial response as written, None where the client sent none."""

    mechanism: str
    initial: Secret | None


@dataclass(frozen=True, slots=True)
class Login:
    """A name and a password."""

    username: str
    password: Secret


def parse_authenticate(reader: Reader, hooks: Hooks) -> Authenticate:
    """`mechanism [SP initial]`."""
    mechanism = reader.word()
    if reader.at_end:
        return Authenticate(mechanism, None)
    reader.space()
    return Authenticate(mechanism, Secret(reader.rest()))


def parse_login(reader: Reader, hooks: Hooks) -> Login:
    """`userid SP password`."""
    username = reader.astring()
    reader.space()
    password = reader.astring()
    return Login(username.decode("utf-8", "replace"), Secret(password))


async def run_starttls(command: None, ctx: Context) -> Done:
    """The connection changes to TLS behind the tagged OK."""
    if not ctx.link.can_start_tls:
        raise BadSyntax("STARTTLS is not offered on this connection.")
    ctx.after = After.START_TLS
    return Done("begin TLS now")


async def run_authenticate(command: Authenticate, ctx: Context) -> Done:
    """One SASL exchange (RFC 4422)."""
    try:
        exchange = _begin(command.mechanism, ctx)
    except UnknownMechanism as error:
        raise No(str(error), None if ctx.link.is_secure else codes.PRIVACY_REQUIRED) from error
    try:
        octets = decode_initial(command.initial.reveal() if command.initial is not None else None)
        for _ in range(_MAX_STEPS):
            outcome = await exchange.step(octets)
            if isinstance(outcome, SignedIn):
                return _signed_in(outcome.identity, ctx)
            octets = decode_line(await ctx.link.ask(encode_line(outcome.octets)))
    except (Cancelled, MalformedResponse) as error:
        raise BadSyntax(str(error)) from error
    except (AuthenticationFailed, Throttled):
        ctx.failed_logins += 1
        raise
    raise BadSyntax("The sign-in exchange does not come to an end.")


async def run_login(command: Login, ctx: Context) -> Done:
    """A password in the clear, so only where nobody else can read it."""
    if not ctx.link.is_secure:
        raise No("Passwords are taken over TLS only; use STARTTLS.", codes.PRIVACY_REQUIRED)
    try:
        done = await _begin("PLAIN", ctx).check_password(command.username, command.password)
    except (AuthenticationFailed, Throttled):
        ctx.failed_logins += 1
        raise
    return _signed_in(done.identity, ctx)


def _begin(mechanism: str, ctx: Context) -> Exchange:
    """Raises UnknownMechanism."""
    return ctx.services.authenticator.begin(
        mechanism,
        scope=Scope.IMAP,
        peer=ctx.link.peer,
        secure=ctx.link.is_secure,
        bindings=ctx.link.bindings(),
        journey=ctx.journey,
    )


def _signed_in(identity: Identity, ctx: Context) -> Done:
    ctx.account_id = identity.account
    ctx.credential = identity.credential
    ctx.login = identity.login
    ctx.state = State.AUTHENTICATED
    return Done(f"Signed in as {identity.login}", codes.capability(ctx.capabilities()))


COMMANDS = (
    CommandSpec("STARTTLS", NOT_AUTHENTICATED, parse_nothing, run_starttls),
    CommandSpec("AUTHENTICATE", NOT_AUTHENTICATED, parse_authenticate, run_authenticate),
    CommandSpec("LOGIN", NOT_AUTHENTICATED, parse_login, run_login),
)
