"""Identities as JMAP writes them, and what a client wants one to be (RFC 8621 §6)."""

from __future__ import annotations

from typing import Any

import msgspec

from pillarbox.jmap.errors import invalid_properties
from pillarbox.jmap.ids import identity_id
from pillarbox.jmap.method import Answer
from pillarbox.jmap.standard import apply_patch
from pillarbox.smtp.wire.errors import BadMailbox
from pillarbox.smtp.wire.paths import parse_mailbox
from pillarbox.store.sql.identities import OWN, Addresses, IdentityRow, Texts

PROPERTIES = (
    "id",
    "name",
    "email",
    "replyTo",
    "bcc",
    "textSignature",
    "htmlSignature",
    "mayDelete",
)
_SETTABLE = ("name", "replyTo", "bcc", "textSignature", "htmlSignature")
_MOST_NAME = 500  # characters
_MOST_SIGNATURE = 65_536  # the same: a small picture as a data: address, and some text
_MOST_ADDRESSES = 50  # in replyTo, in bcc


class Draft(msgspec.Struct, frozen=True):
    """A new one."""

    email: str
    texts: Texts


def record(row: IdentityRow) -> Answer:
    """All properties."""
    texts = row.texts
    return {
        "id": identity_id(row.id),
        "name": texts.name,
        "email": row.address,
        "replyTo": texts.reply_to,
        "bcc": texts.bcc,
        "textSignature": texts.text_signature,
        "htmlSignature": texts.html_signature,
        "mayDelete": row.kind == OWN,
    }


def read_new(given: dict[str, Any]) -> Draft:
    """Raises RecordRefused."""
    wrong = [name for name in given if name not in (*_SETTABLE, "email")]
    if wrong:
        raise invalid_properties("Only the server sets these.", *wrong)
    email = given.get("email")
    if not isinstance(email, str):
        raise invalid_properties("An identity has an address.", "email")
    _check_address(email, "email")
    return Draft(email, _texts(given))


def read_update(now: Answer, patch: dict[str, Any]) -> Texts:
    """`now`: all properties as they are. Raises RecordRefused."""
    patched = apply_patch(now, patch)
    wrong = sorted(
        name
        for name in patched.keys() | now.keys()
        if name not in _SETTABLE and patched.get(name) != now.get(name)
    )
    if wrong:
        raise invalid_properties("These never change.", *wrong)
    return _texts(patched)


def _texts(given: dict[str, Any]) -> Texts:
    return Texts(
        name=_line(given),
        reply_to=_addresses(given, "replyTo"),
        bcc=_addresses(given, "bcc"),
        text_signature=_text(given, "textSignature", _MOST_SIGNATURE),
        html_signature=_text(given, "htmlSignature", _MOST_SIGNATURE),
    )


def _text(given: dict[str, Any], name: str, most: int) -> str:
    value = given.get(name)
    if value is None:
        return ""  # the default, also where a patch takes it away
    if not isinstance(value, str) or len(value) > most:
        raise invalid_properties(f"A text of {most} characters at most.", name)
    return value


def _line(given: dict[str, Any]) -> str:
    name = _text(given, "name", _MOST_NAME)
    if not name.isprintable():
        raise invalid_properties("A name is one line.", "name")
    return name


def _addresses(given: dict[str, Any], name: str) -> Addresses | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > _MOST_ADDRESSES:
        raise invalid_properties(f"A list of {_MOST_ADDRESSES} addresses at most.", name)
    return [_address(one, name) for one in value]


def _address(given: Any, name: str) -> dict[str, Any]:
    if not isinstance(given, dict) or not given.keys() <= {"name", "email"}:
        raise invalid_properties("An address has a name and an email.", name)
    shown, email = given.get("name"), given.get("email")
    if shown is not None and not (
        isinstance(shown, str) and len(shown) <= _MOST_NAME and shown.isprintable()
    ):
        raise invalid_properties("A name is one line, or null.", name)
    if not isinstance(email, str):
        raise invalid_properties("An address has an email.", name)
    _check_address(email, name)
    return {"name": shown, "email": email}


def _check_address(email: str, name: str) -> None:
    try:
        parse_mailbox(email)
    except BadMailbox as error:
        raise invalid_properties(str(error), name) from error
