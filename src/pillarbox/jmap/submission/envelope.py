"""Envelopes as JMAP writes them: read, or made from a message's header (RFC 8621 §7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from pillarbox.jmap.email.forms import email_json
from pillarbox.jmap.errors import RecordRefused, invalid_properties
from pillarbox.message.address import Mailbox, mailboxes, parse_address_list
from pillarbox.message.header import pick
from pillarbox.smtp.wire import wishes
from pillarbox.smtp.wire.errors import BadMailbox, BadSyntax
from pillarbox.smtp.wire.params import encode_xtext
from pillarbox.smtp.wire.paths import parse_mailbox

_FROM = frozenset((b"from", b"sender"))
_TO = frozenset((b"to", b"cc", b"bcc"))
_MOST_PARAMETERS = 20  # of one address: more than all extensions together define
Parse = Callable[[str | None], Any]


class Address(msgspec.Struct, frozen=True):
    """With the values of its parameters by the field of the flow's Sender or Recipient."""

    email: str
    parameters: dict[str, str | None] | None = None  # as the client gave them
    values: dict[str, Any] = {}

    @property
    def told(self) -> dict[str, Any]:
        """As JMAP writes it."""
        return {"email": self.email, "parameters": self.parameters}


class Envelope(msgspec.Struct, frozen=True):
    """Who sends to whom."""

    mail_from: Address
    rcpt_to: list[Address]


def _orcpt(value: str | None) -> str:
    kind, semicolon, address = (value or "").partition(";")
    if kind.lower() != "utf-8":  # JMAP has the text, SMTP its xtext
        address = encode_xtext(address)
    return wishes.parse_orcpt(f"{kind}{semicolon}{address}")


def _flag(value: str | None) -> bool:
    if value is not None:
        raise BadSyntax("This parameter takes no value.")
    return True


def _found_out(_value: str | None) -> None:
    """What the server sees for itself: size, and what kinds of octets there are."""


# Keyword → field and parser; "" keeps nothing. What SMTP submission takes, this takes.
_OF_SENDER: dict[str, tuple[str, Parse]] = {
    "HOLDFOR": ("hold", wishes.parse_hold_for),
    "HOLDUNTIL": ("hold", wishes.parse_hold_until),
    "RET": ("ret", wishes.parse_ret),
    "ENVID": ("envid", lambda value: wishes.parse_envid(encode_xtext(value or ""))),
    "REQUIRETLS": ("requiretls", _flag),
    "SIZE": ("", _found_out),
    "BODY": ("", wishes.parse_body),
    "SMTPUTF8": ("", _flag),
}
_OF_RECIPIENT: dict[str, tuple[str, Parse]] = {
    "NOTIFY": ("notify", wishes.parse_notify),
    "ORCPT": ("orcpt", _orcpt),
}


def read_envelope(given: Any) -> Envelope:
    """What a client gave. Raises RecordRefused."""
    if not isinstance(given, dict) or given.keys() != {"mailFrom", "rcptTo"}:
        raise invalid_properties("An envelope has mailFrom and rcptTo.", "envelope")
    if not isinstance(given["rcptTo"], list):
        raise invalid_properties("rcptTo is a list.", "envelope")
    sender = _address(given["mailFrom"], _OF_SENDER)
    if sender.email:
        try:
            parse_mailbox(sender.email)
        except BadMailbox as error:
            raise invalid_properties(f"mailFrom: {error}", "envelope") from error
    found = {one.email: one for one in (_address(to, _OF_RECIPIENT) for to in given["rcptTo"])}
    return checked(Envelope(sender, list(found.values())))


def checked(envelope: Envelope) -> Envelope:
    """The same. Raises RecordRefused noRecipients, invalidRecipients."""
    if not envelope.rcpt_to:
        raise RecordRefused("noRecipients", "Nobody would get it.")
    wrong = []
    for one in envelope.rcpt_to:
        try:
            parse_mailbox(one.email)
        except BadMailbox:
            wrong.append(one.email)
    if wrong:
        raise invalid_recipients(wrong, "Not all of these are addresses.")
    return envelope


def invalid_recipients(wrong: list[str], sentence: str) -> RecordRefused:
    """Some of rcptTo cannot be sent to."""
    return RecordRefused("invalidRecipients", sentence, invalidRecipients=wrong)


def _address(given: Any, known: Mapping[str, tuple[str, Parse]]) -> Address:
    if not isinstance(given, dict) or not given.keys() <= {"email", "parameters"}:
        raise invalid_properties("An address has an email and parameters.", "envelope")
    email, parameters = given.get("email"), given.get("parameters")
    if not isinstance(email, str):
        raise invalid_properties("An address has an email.", "envelope")
    if parameters is None:
        return Address(email)
    if not isinstance(parameters, dict) or len(parameters) > _MOST_PARAMETERS:
        raise invalid_properties("Parameters are an object, or null.", "envelope")
    return Address(email, parameters, _values(parameters, known))


def _values(parameters: dict[str, Any], known: Mapping[str, tuple[str, Parse]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in parameters.items():
        field, parse = known.get(name.upper(), ("", None))
        if parse is None:
            raise invalid_properties(f"There is no parameter {name[:40]!r} here.", "envelope")
        if value is not None and not isinstance(value, str):
            raise invalid_properties(f"{name} is a string, or null.", "envelope")
        try:
            parsed = parse(value)
        except BadSyntax as error:
            raise invalid_properties(f"{name}: {error}", "envelope") from error
        if field in values:
            raise invalid_properties(f"{name} contradicts another parameter.", "envelope")
        if field:
            values[field] = parsed
    return values


def envelope_of(raw_header: bytes, identity: str) -> Envelope:
    """Made from a header; `identity`: the address that it is sent as. Raises RecordRefused."""
    sender = _author(raw_header) or identity
    if not is_of(sender, identity):
        sender = identity
    fields = pick(raw_header, _TO)
    found: dict[str, Address] = {}
    for name in (b"to", b"cc", b"bcc"):
        for value in fields.get(name, []):
            for one in mailboxes(parse_address_list(value)):
                email = email_json(one.local, one.domain)
                found.setdefault(_folded(email), Address(email))
    if sender.startswith("*@"):
        raise RecordRefused(
            "invalidEmail", "The message does not say who it is from.", properties=["from"]
        )
    return checked(Envelope(Address(sender), list(found.values())))


def is_of(address: str, identity: str) -> bool:
    """Whether an identity allows the address; "*@domain" allows any of the domain."""
    if identity.startswith("*@"):
        return _folded(address.rpartition("@")[2]) == _folded(identity[2:])
    return _folded(address) == _folded(identity)


def _author(raw_header: bytes) -> str:
    """Of Sender, else of From; "" where there is neither."""
    fields = pick(raw_header, _FROM)
    for name in (b"sender", b"from"):
        values = fields.get(name, [])
        found: list[Mailbox] = [
            one for value in values for one in mailboxes(parse_address_list(value))
        ]
        if len(values) > 1 or len(found) > 1:
            raise RecordRefused(
                "invalidEmail",
                "A message with several authors names the one who sends it as its Sender.",
                properties=[name.decode()],
            )
        if found:
            return email_json(found[0].local, found[0].domain)
    return ""


def _folded(address: str) -> str:
    return address.casefold()
