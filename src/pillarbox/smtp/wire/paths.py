"""Reverse and forward paths (RFC 5321 §4.1.2, §4.1.3; RFC 6531 §3.3). Sans-IO."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

import msgspec

from pillarbox.smtp.wire.errors import BadMailbox, BadSyntax

MAX_LOCAL_OCTETS = 64  # RFC 5321 §4.5.3.1.1
MAX_DOMAIN_OCTETS = 255  # §4.5.3.1.2

_U = "\u0080-\U0010ffff"  # RFC 6531 §3.3: UTF8-non-ascii wherever atext or a label may stand
_ATOM = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~\-{_U}]++"
_DOTTED = rf"{_ATOM}(?:\.{_ATOM})*"
_QUOTED = rf'"(?:[ !#-\[\]-~{_U}]|\\[ -~])*"'
# The underscore is in no host name, but in some that send mail.
_DOMAIN = rf"[A-Za-z0-9_\-{_U}]++(?:\.[A-Za-z0-9_\-{_U}]++)*"
_LITERAL = r"\[[!-Z^-~]++\]"
_ROUTE = rf"(?:@{_DOMAIN}(?:,@{_DOMAIN})*:)?"

_PATH = re.compile(rf"<{_ROUTE}({_DOTTED}|{_QUOTED})@({_DOMAIN}|{_LITERAL})>")
_BARE_POSTMASTER = re.compile(r"<(postmaster)>", re.IGNORECASE)  # RFC 5321 §4.1.1.3
_MAILBOX = re.compile(rf"({_DOTTED}|{_QUOTED})@({_DOMAIN}|{_LITERAL})")
_QUOTED_PAIR = re.compile(r"\\(.)")
_IS_DOTTED = re.compile(_DOTTED)
_HELO = re.compile(rf"(?:{_DOMAIN}\.?|{_LITERAL})")


class Path(msgspec.Struct, frozen=True):
    """A mailbox. Both parts empty: the null reverse path."""

    local_part: str  # without the quotes of a Quoted-string
    domain: str  # "" for the bare postmaster; "[192.0.2.1]" for a literal; as the client wrote it

    @property
    def is_null(self) -> bool:
        return not self.local_part and not self.domain

    @property
    def is_ascii(self) -> bool:
        return self.local_part.isascii() and self.domain.isascii()

    @property
    def address(self) -> str:
        """`local@domain`, quoted only where it must be; "" for the null path."""
        if self.is_null:
            return ""
        local = self.local_part
        if not _IS_DOTTED.fullmatch(local):
            escaped = local.replace("\\", "\\\\").replace('"', '\\"')
            local = f'"{escaped}"'
        return f"{local}@{self.domain}" if self.domain else local


NULL_PATH = Path("", "")


def parse_reverse_path(arguments: bytes) -> tuple[Path, str]:
    """`FROM:<path> parameters` → the path and the parameters' text. Raises BadSyntax."""
    text = _after_keyword(arguments, b"FROM:")
    if text.startswith("<>"):
        return NULL_PATH, _parameters(text, 2)
    return _path_and_parameters(text)


def parse_forward_path(arguments: bytes) -> tuple[Path, str]:
    """`TO:<path> parameters` → the path and the parameters' text. Raises BadSyntax."""
    text = _after_keyword(arguments, b"TO:")
    if found := _BARE_POSTMASTER.match(text):
        return Path(found[1], ""), _parameters(text, found.end())
    return _path_and_parameters(text)


def parse_mailbox(text: str) -> Path:
    """`local@domain` without angle brackets, as in VRFY and AUTH=. Raises BadMailbox."""
    found = _MAILBOX.fullmatch(text)
    if found is None:
        raise BadMailbox
    return _checked(found[1], found[2])


def parse_helo_name(arguments: bytes) -> str:
    """The client's name or address literal (RFC 5321 §4.1.1.1). Raises BadSyntax."""
    text = arguments.decode("utf-8", "replace")
    if len(arguments) > MAX_DOMAIN_OCTETS or not _HELO.fullmatch(text) or "\ufffd" in text:
        raise BadSyntax("Say your host's name: EHLO mail.example.org")
    return text


def _after_keyword(arguments: bytes, keyword: bytes) -> str:
    if arguments[: len(keyword)].upper() != keyword:
        raise BadSyntax(f"Write {keyword.decode()}<name@domain> behind the command.")
    try:
        # Many scripts write a space behind the colon; it cannot be mistaken for anything.
        return arguments[len(keyword) :].lstrip(b" ").decode("utf-8")
    except UnicodeDecodeError:
        raise BadMailbox("The address is not UTF-8.") from None


def _path_and_parameters(text: str) -> tuple[Path, str]:
    found = _PATH.match(text)
    if found is None:
        raise BadMailbox
    return _checked(found[1], found[2]), _parameters(text, found.end())


def _parameters(text: str, at: int) -> str:
    rest = text[at:]
    if rest and not rest.startswith(" "):
        raise BadSyntax("A space must follow the path.")
    return rest.strip(" ")


def _checked(local: str, domain: str) -> Path:
    if local.startswith('"'):
        local = _QUOTED_PAIR.sub(r"\1", local[1:-1])
    if len(local.encode()) > MAX_LOCAL_OCTETS:
        raise BadMailbox("The part before the @ is longer than 64 octets.")
    if len(domain.encode()) > MAX_DOMAIN_OCTETS:
        raise BadMailbox("The domain is longer than 255 octets.")
    if domain.startswith("["):
        _check_literal(domain[1:-1])
    elif domain.isascii() and any(len(label) > 63 for label in domain.split(".")):
        raise BadMailbox("A label of the domain is longer than 63 octets.")
    return Path(local, domain)


def _check_literal(literal: str) -> None:
    """RFC 5321 §4.1.3; no tag but IPv6 is registered."""
    try:
        if literal[:5].upper() == "IPV6:":
            IPv6Address(literal[5:])
        else:
            IPv4Address(literal)
    except ValueError:
        raise BadMailbox("The address literal is not an IP address.") from None
