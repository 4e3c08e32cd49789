"""One transaction's commands, and who cannot be served before one is sent. Sans-IO.

What a peer cannot carry is found here: UTF-8 without SMTPUTF8 (RFC 6531 §3.5), REQUIRETLS without
the peer's word for it (RFC 8689 §4.2.1), a message above its SIZE, more recipients than its LIMITS.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from pillarbox.dns.errors import BadDnsName
from pillarbox.dns.names import fold_name
from pillarbox.smtp.client.capabilities import Capabilities
from pillarbox.smtp.client.transaction import (
    Body,
    OutgoingRecipient,
    OutgoingTransaction,
    RecipientOutcome,
)
from pillarbox.smtp.wire.errors import BadMailbox
from pillarbox.smtp.wire.paths import NULL_PATH, Path, parse_mailbox

Conversion = Literal["", "7BIT", "8BITMIME"]

_UNSAFE_VALUE = re.compile(r"[\x00-\x20\x7f]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")

_NO_UTF8_SENDER = RecipientOutcome(
    "failed",
    "plan",
    "5.6.7",
    why="The sender's address is written with characters that the other server does not take "
    "(it offers no SMTPUTF8).",
)
_NO_UTF8_RECIPIENT = RecipientOutcome(
    "failed",
    "plan",
    "5.6.7",
    why="The address is written with characters that the other server does not take (it offers "
    "no SMTPUTF8).",
)
_NO_UTF8_HEADER = RecipientOutcome(
    "failed",
    "plan",
    "5.6.9",
    why="The message's header is written with characters that the other server does not take "
    "(it offers no SMTPUTF8), so it can reach none of its recipients there.",
)
_NO_TLS = RecipientOutcome(
    "failed",
    "plan",
    "5.7.10",
    why="The message may travel over TLS only, and this connection has none.",
)
_NO_REQUIRETLS = RecipientOutcome(
    "failed",
    "plan",
    "5.7.30",
    why="The message may go only to servers that promise TLS from there on (REQUIRETLS), and "
    "the other server does not.",
)
_TOO_LARGE = RecipientOutcome(
    "failed",
    "plan",
    "5.3.4",
    why="The message is larger than the other server takes.",
)
_BAD_SENDER = RecipientOutcome(
    "failed", "plan", "5.1.7", why="The sender's address cannot be written in SMTP."
)
_BAD_RECIPIENT = RecipientOutcome(
    "failed", "plan", "5.1.3", why="The address cannot be written in SMTP."
)
_NO_ROOM = RecipientOutcome(
    "again", "plan", "4.5.3", why="The transaction has as many recipients as may be."
)


class Plan(msgspec.Struct):
    """What will be sent: recipients by their place in the transaction."""

    rcpts: dict[int, bytes]  # the commands, CR LF included
    refused: dict[int, RecipientOutcome]
    reverse_path: str
    body: Body | Literal[""]  # the BODY parameter; "" for none
    convert_to: Conversion  # the message must be rewritten before it may go
    smtputf8: bool  # the SMTPUTF8 parameter


def plan_transaction(
    transaction: OutgoingTransaction, peer: Capabilities, *, secured: bool, max_recipients: int
) -> Plan:
    """Who can be served over this connection, and how."""
    plan = Plan({}, {}, "", *_body(transaction.body, peer), False)
    everyone = _obstacle(transaction, peer, secured)
    try:
        sender = _parse(transaction.reverse_path)
    except BadMailbox:
        everyone = everyone or _BAD_SENDER
        sender = NULL_PATH
    if not peer.smtputf8 and not sender.local_part.isascii():
        everyone = everyone or _NO_UTF8_SENDER
    if everyone is not None:
        plan.refused = {
            place: _closest(everyone, one) for place, one in enumerate(transaction.recipients)
        }
        return plan
    try:
        plan.reverse_path = _written(sender, peer)
        _plan_recipients(plan, transaction.recipients, peer, max_recipients)
    except BadMailbox:
        plan.refused = dict.fromkeys(range(len(transaction.recipients)), _BAD_SENDER)
        return plan
    plan.smtputf8 = peer.smtputf8 and (
        transaction.smtputf8
        or not plan.reverse_path.isascii()
        or not all(map(bytes.isascii, plan.rcpts.values()))
    )
    return plan


def encode_mail(
    plan: Plan, transaction: OutgoingTransaction, peer: Capabilities, size: int
) -> bytes:
    """MAIL with the parameters that the peer offers (RFC 5321 §4.1.1.2)."""
    words = [f"MAIL FROM:<{plan.reverse_path}>"]
    if peer.size is not None:
        words.append(f"SIZE={size}")
    if plan.body:
        words.append(f"BODY={plan.body}")
    if plan.smtputf8:
        words.append("SMTPUTF8")
    if peer.dsn:
        if transaction.ret:
            words.append(f"RET={transaction.ret}")
        if transaction.envid and not _UNSAFE_VALUE.search(transaction.envid):
            words.append(f"ENVID={transaction.envid}")
    if transaction.requiretls and peer.requiretls:
        words.append("REQUIRETLS")
    return (" ".join(words) + "\r\n").encode()


def _closest(everyone: RecipientOutcome, recipient: OutgoingRecipient) -> RecipientOutcome:
    """What its sender can mend: another address helps where this one needs SMTPUTF8 itself."""
    local = recipient.forward_path.rpartition("@")[0]
    return everyone if everyone is not _NO_UTF8_HEADER or local.isascii() else _NO_UTF8_RECIPIENT


def _obstacle(
    transaction: OutgoingTransaction, peer: Capabilities, secured: bool
) -> RecipientOutcome | None:
    """Why the message can reach nobody there."""
    if transaction.requiretls:
        if not secured:
            return _NO_TLS
        if not peer.requiretls and transaction.reverse_path:  # a report may go (RFC 8689 §5)
            return _NO_REQUIRETLS
    if transaction.smtputf8 and not peer.smtputf8:
        return _NO_UTF8_HEADER
    if peer.size and transaction.message.size > peer.size:
        return _TOO_LARGE
    return None


def _body(body: Body, peer: Capabilities) -> tuple[Body | Literal[""], Conversion]:
    """The BODY parameter, and what the message is converted to (RFC 6152 §3, RFC 3030 §3)."""
    if body == "BINARYMIME":
        if peer.binarymime:
            return "BINARYMIME", ""
        return ("8BITMIME", "8BITMIME") if peer.eightbitmime else ("", "7BIT")
    if body == "8BITMIME":
        return ("8BITMIME", "") if peer.eightbitmime else ("", "7BIT")
    return "", ""


def _plan_recipients(
    plan: Plan, recipients: tuple[OutgoingRecipient, ...], peer: Capabilities, most: int
) -> None:
    """Fill in commands and refusals, within the limits of RFC 9422."""
    most = min(most, peer.rcpt_max) if peer.rcpt_max else most
    domains: set[str] = set()
    for place, recipient in enumerate(recipients):
        try:
            path = _parse(recipient.forward_path)
            if path.is_null:
                raise BadMailbox
            if not peer.smtputf8 and not path.local_part.isascii():
                plan.refused[place] = _NO_UTF8_RECIPIENT
                continue
            command = _encode_rcpt(_written(path, peer), recipient, peer)
        except BadMailbox:
            plan.refused[place] = _BAD_RECIPIENT
            continue
        if peer.rcpt_domain_max:
            domain = path.domain.lower()
            if domain not in domains and len(domains) >= peer.rcpt_domain_max:
                plan.refused[place] = _NO_ROOM
                continue
        else:
            domain = ""
        if len(plan.rcpts) >= most:
            plan.refused[place] = _NO_ROOM
            continue
        domains.add(domain)
        plan.rcpts[place] = command


def _encode_rcpt(forward_path: str, recipient: OutgoingRecipient, peer: Capabilities) -> bytes:
    """RCPT with NOTIFY and ORCPT where the peer offers DSN (RFC 3461 §4.1, §4.2)."""
    command = f"RCPT TO:<{forward_path}>"
    if peer.dsn:
        if recipient.notify and not _UNSAFE_VALUE.search(recipient.notify):
            command += f" NOTIFY={recipient.notify}"
        orcpt = recipient.orcpt
        if orcpt and not _UNSAFE_VALUE.search(orcpt):
            if not peer.smtputf8:  # RFC 6533 §3: only with SMTPUTF8 may it stand as it is
                orcpt = _NOT_ASCII.sub(lambda found: f"\\x{{{ord(found[0]):X}}}", orcpt)
            command += f" ORCPT={orcpt}"
    return f"{command}\r\n".encode()


def _parse(address: str) -> Path:
    """Only what was parsed is sent: an address cannot carry a second command. Raises BadMailbox."""
    if not address:
        return NULL_PATH
    if address.lower() == "postmaster":
        return Path(address, "")
    return parse_mailbox(address)


def _written(path: Path, peer: Capabilities) -> str:
    """The address as this peer can read it: A-labels without SMTPUTF8 (RFC 6531 §3.2)."""
    if not peer.smtputf8 and not path.domain.isascii():
        try:
            path = Path(path.local_part, fold_name(path.domain))
        except BadDnsName as error:
            raise BadMailbox from error
    return path.address
