"""Signing in: AUTHENTICATE, and LOGIN as the last resort (RFC 9051 §6.2.2, §6.2.3)."""

from __future__ import annotations

import asyncio
import binascii

from pillarbox.imap.client.commands import Unsayable, string
from pillarbox.imap.client.dialogue import Dialogue
from pillarbox.imap.client.failure import ImapFailure, refusal
from pillarbox.imap.client.responses import Condition
from pillarbox.sasl.client import Credentials, choose_mechanism
from pillarbox.sasl.client_mechanism import ClientMechanism, ServerNotProved
from pillarbox.sasl.errors import MalformedResponse
from pillarbox.sasl.line import encode_line

_MAX_CHALLENGES = 10  # of one sign-in; SCRAM has three


async def sign_in(
    dialogue: Dialogue, who: Credentials | ClientMechanism, *, plaintext: bool
) -> None:
    """Raises ImapFailure. `plaintext`: the password itself may be sent."""
    if not isinstance(who, Credentials):
        await _authenticate(dialogue, who)
        return
    mechanism = choose_mechanism(
        offered_mechanisms(dialogue.capabilities),
        who,
        bindings=dialogue.link.bindings,
        plaintext=plaintext,
        max_iterations=dialogue.limits.max_scram_iterations,
    )
    if mechanism is not None:
        await _authenticate(dialogue, mechanism)
    elif plaintext and who.password.reveal() and "LOGINDISABLED" not in dialogue.capabilities:
        await _login(dialogue, who)
    else:
        raise ImapFailure(
            "mechanism", "The other server offers no way to sign in that can be used here."
        )


def offered_mechanisms(capabilities: frozenset[str]) -> tuple[str, ...]:
    """The names behind `AUTH=`."""
    return tuple(sorted(name[5:] for name in capabilities if name.startswith("AUTH=")))


async def _login(dialogue: Dialogue, who: Credentials) -> None:
    try:
        name, password = string(who.username.encode()), string(who.password.reveal())
    except Unsayable as error:
        raise ImapFailure("mechanism", str(error)) from error
    seconds = dialogue.timeouts.auth_seconds
    await dialogue.run("auth", b"LOGIN ", name, b" ", password, seconds=seconds)


async def _authenticate(dialogue: Dialogue, mechanism: ClientMechanism) -> None:
    """The initial response goes along where the server takes it so (RFC 4959 §3)."""
    seconds = dialogue.timeouts.auth_seconds
    first = mechanism.first()
    line = b"AUTHENTICATE " + mechanism.name.encode("ascii")
    dialogue.abandon()
    if first is not None and "SASL-IR" in dialogue.capabilities:
        tag = dialogue.start("auth", line, b" ", encode_line(first) or b"=")
        first = None
    else:
        tag = dialogue.start("auth", line)
    why: Exception | None = None
    for _ in range(_MAX_CHALLENGES):
        said = await dialogue.challenge(tag, "auth", seconds)
        if isinstance(said, Condition):
            _check_end(said, mechanism, why)
            return
        if first is not None:
            response, first = encode_line(first), None
        else:
            try:
                challenge = binascii.a2b_base64(said, strict_mode=True) if said else b""
                # SCRAM's hashing takes long on purpose, and lets go of the lock.
                response = encode_line(await asyncio.to_thread(mechanism.respond, challenge))
            except (MalformedResponse, ServerNotProved, ValueError) as error:
                why, response = error, b"*"
        dialogue.link.write(response + b"\r\n")
    raise ImapFailure("mechanism", "The other server asks for more and more to sign in.")


def _check_end(said: Condition, mechanism: ClientMechanism, why: Exception | None) -> None:
    if why is not None:
        text = "The challenge is not base64." if isinstance(why, binascii.Error) else str(why)
        raise ImapFailure("mechanism", text) from why
    if said.kind != "OK":
        raise refusal("auth", said)
    if not mechanism.is_done:
        raise ImapFailure("mechanism", "The other server did not prove that it knows the password.")
