"""Signing in at another POP3 server: SASL, APOP, USER and PASS (RFC 5034, RFC 1939 §7)."""

from __future__ import annotations

import asyncio
import binascii
import hashlib
import re

from pillarbox.pop3.client.capabilities import Capabilities
from pillarbox.pop3.client.conversation import Conversation
from pillarbox.pop3.client.failure import Pop3Failure, refusal
from pillarbox.pop3.client.responses import Challenge, Response, Status
from pillarbox.sasl.client import Credentials, choose_mechanism
from pillarbox.sasl.client_mechanism import ClientMechanism, ServerNotProved
from pillarbox.sasl.errors import MalformedResponse
from pillarbox.sasl.line import encode_line

_MAX_CHALLENGES = 10  # of one sign-in; SCRAM has three
_MAX_COMMAND = 255  # octets, CR LF included (RFC 2449 §4)
# RFC 1939 §7: the greeting's timestamp has the form of a message's identity. Others may be chosen
# to learn the password from our answers (CVE-2007-1558).
_TIMESTAMP = re.compile(r"<[!-;=?A-~]{1,200}@[!-;=?A-~]{1,200}>")
_LINE_BREAKER = re.compile(rb"[\r\n\0]")


async def sign_in(
    talk: Conversation,
    capabilities: Capabilities,
    credentials: Credentials,
    *,
    greeting: str,
    plaintext: bool,
) -> None:
    """By the best way that both know. `plaintext`: the password itself may be sent.

    Raises Pop3Failure.
    """
    try:
        mechanism = choose_mechanism(
            capabilities.sasl,
            credentials,
            bindings=talk.link.bindings,
            plaintext=plaintext,
            max_iterations=talk.limits.max_scram_iterations,
        )
        first = mechanism.first() if mechanism is not None else None
    except MalformedResponse as error:  # a character that cannot be part of a name or password
        raise Pop3Failure("mechanism", str(error)) from error
    if mechanism is not None:
        await _by_sasl(talk, mechanism, first)
    elif credentials.token is not None:
        raise Pop3Failure(
            "mechanism",
            "The other server offers no way to sign in with a token (OAuth 2) over POP3.",
        )
    elif plaintext and (capabilities.user or not capabilities.known or not capabilities.sasl):
        await _by_password(talk, credentials)
    elif (timestamp := _TIMESTAMP.search(greeting)) is not None:
        await _by_apop(talk, credentials, timestamp[0])
    else:
        raise Pop3Failure(
            "mechanism", "The other server offers no way to sign in that can be used here."
        )


async def _by_sasl(talk: Conversation, mechanism: ClientMechanism, first: bytes | None) -> None:
    seconds = talk.timeouts.auth_seconds
    name = mechanism.name.encode()
    line = b"AUTH " + name
    if first is not None:
        whole = b"%b %b" % (line, encode_line(first) or b"=")
        if len(whole) + 2 <= _MAX_COMMAND:
            line, first = whole, None
    answer = await talk.exchange(line, "auth", seconds)
    for _ in range(_MAX_CHALLENGES):
        if not isinstance(answer, Challenge):
            break
        if first is not None:  # too long for the command: the server asks for it
            response, first = first, None
        else:
            response = await _respond(mechanism, answer)
        answer = await talk.respond(encode_line(response), "auth", seconds)
    status = _final(answer)
    if not status.ok:
        raise refusal("auth", status)
    if not mechanism.is_done:
        raise Pop3Failure("mechanism", ServerNotProved.sentence)


async def _respond(mechanism: ClientMechanism, challenge: Challenge) -> bytes:
    try:
        octets = binascii.a2b_base64(challenge.line, strict_mode=True)
    except ValueError as error:
        raise Pop3Failure("mechanism", "The other server's challenge is not base64.") from error
    try:
        # SCRAM's hashing takes long on purpose, and lets go of the lock.
        return await asyncio.to_thread(mechanism.respond, octets)
    except (MalformedResponse, ServerNotProved) as error:
        raise Pop3Failure("mechanism", str(error)) from error


async def _by_password(talk: Conversation, credentials: Credentials) -> None:
    name, password = credentials.username.encode(), credentials.password.reveal()
    _check_line(name + password)
    seconds = talk.timeouts.auth_seconds
    status = _final(await talk.exchange(b"USER " + name, "auth", seconds))
    if status.ok:
        status = _final(await talk.exchange(b"PASS " + password, "auth", seconds))
    if not status.ok:
        raise refusal("auth", status)


async def _by_apop(talk: Conversation, credentials: Credentials, timestamp: str) -> None:
    name = credentials.username.encode()
    _check_line(name)
    secret = timestamp.encode() + credentials.password.reveal()
    digest = hashlib.md5(secret, usedforsecurity=False).hexdigest()  # the protocol's own choice
    line = b"APOP %b %b" % (name, digest.encode())
    status = _final(await talk.exchange(line, "auth", talk.timeouts.auth_seconds))
    if not status.ok:
        raise refusal("auth", status)


def _check_line(octets: bytes) -> None:
    """A name or password must not carry a second command."""
    if _LINE_BREAKER.search(octets):
        raise Pop3Failure("mechanism", "The name or the password has a line break in it.")


def _final(answer: Response) -> Status:
    if not isinstance(answer, Status):
        raise Pop3Failure("mechanism", "The other server asks for more than there is to say.")
    return answer
