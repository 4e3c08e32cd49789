"""Names and addresses in the one form in which they are stored and compared.

Domains: lower-case A-labels (RFC 5890), so that the Unicode and the ASCII form of a domain are one
name. Local parts: NFC and case-folded, so that accented and EAI addresses (RFC 6531) match however
they were typed.
"""

from __future__ import annotations

import re
import unicodedata

from pillarbox.errors import BadName
from pillarbox.sasl.precis import enforce_username, map_width
from pillarbox.sasl.saslprep import ProhibitedCharacter

MAX_LOCAL_OCTETS = 64  # RFC 5321 §4.5.3.1.1
MAX_DOMAIN_OCTETS = 255  # RFC 5321 §4.5.3.1.2

_ASCII_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_LITERAL = re.compile(r"\[[0-9A-Fa-f:.a-zA-Z-]{1,64}\]")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)


def fold_domain(domain: str) -> str:
    """A domain as stored: lower case, A-labels, no final dot. Raises BadName."""
    if len(domain) > MAX_DOMAIN_OCTETS:
        raise BadName("That domain name is too long.")
    folded = domain.lower().removesuffix(".") if domain.isascii() else _to_a_labels(domain)
    if _ASCII_DOMAIN.fullmatch(folded):
        return folded
    if _LITERAL.fullmatch(domain):
        return domain.lower()
    raise BadName("That is not a domain name.")


def _to_a_labels(domain: str) -> str:
    import idna  # its tables cost 5 ms to load, and most servers never need them

    try:
        return (
            idna.encode(domain, uts46=True, transitional=False).decode().lower().removesuffix(".")
        )
    except idna.IDNAError as error:
        raise BadName("That is not a domain name.") from error


def fold_local_part(local_part: str) -> str:
    """A local part as stored: unquoted, NFC, case-folded."""
    if local_part.startswith('"'):
        quoted = _QUOTED.fullmatch(local_part)
        if quoted is not None:
            local_part = re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL)
    if local_part.isascii():
        return local_part.lower()
    folded = unicodedata.normalize("NFC", map_width(local_part)).casefold()
    return unicodedata.normalize("NFC", folded)


def split_address(address: str) -> tuple[str, str]:
    """Local part and domain, folded. Raises BadName when either is missing or too long."""
    local_part, at, domain = address.rpartition("@")
    if not at or not domain:
        raise BadName("That address has no domain.")
    local = fold_local_part(local_part)
    if len(_utf8(local)) > MAX_LOCAL_OCTETS:
        raise BadName("The part of the address before the @ is too long.")
    return local, fold_domain(domain)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:  # half a surrogate pair
        raise BadName("That address is not valid Unicode.") from error


def fold_address(address: str) -> str:
    """A whole address as stored. "@domain" stays a catch-all. Raises BadName."""
    local, domain = split_address(address)
    return f"{local}@{domain}"


def check_new_local_part(local: str) -> None:
    """Raise BadName unless `local` (folded) may become an account's or alias's name."""
    if not local:
        raise BadName("The part of the address before the @ is missing.")
    if local[0] == "." or local[-1] == "." or ".." in local:
        raise BadName("A dot cannot stand first, last or twice in a row before the @.")
    for character in local:
        if character in '"(),:;<>@[\\]/' or not character.isprintable() or character.isspace():
            raise BadName(f"The character {character!r} cannot be used before the @.")
    try:
        enforce_username(local)
    except ProhibitedCharacter as error:
        raise BadName("The part of the address before the @ has a letter that misleads.") from error
