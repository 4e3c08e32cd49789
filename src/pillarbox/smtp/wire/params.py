"""Parameters of MAIL and RCPT (RFC 5321 §4.1.2) and xtext (RFC 3461 §4). Sans-IO."""

from __future__ import annotations

import re

from pillarbox.smtp.wire.errors import BadParameter, BadSyntax

# RFC 6531 §3.3 lets values hold UTF-8.
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9\-]*+)(?:=([!-<>-~\u0080-\U0010ffff]++))?")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_HEXCHAR = re.compile(r"\+([0-9A-F]{2})")
MAX_PARAMETERS = 20  # grammar, no setting: more than all extensions together define


def parse_parameters(text: str) -> dict[str, str | None]:
    """Keyword in upper case → value, None where there is no "=". Raises BadSyntax."""
    found: dict[str, str | None] = {}
    for word in text.split():
        match = _PARAMETER.fullmatch(word)
        if match is None:
            raise BadSyntax("A parameter is not written as KEYWORD or KEYWORD=value.")
        keyword = match[1].upper()
        if keyword in found:
            raise BadParameter(f"The parameter {keyword} is given twice.")
        found[keyword] = match[2]
        if len(found) > MAX_PARAMETERS:
            raise BadSyntax("There are too many parameters.")
    return found


def decode_xtext(text: str) -> str:
    """The text that an xtext stands for. Raises BadParameter."""
    if not _XTEXT.fullmatch(text):
        raise BadParameter("The value is not written as xtext.")
    return _HEXCHAR.sub(lambda found: chr(int(found[1], 16)), text)


def encode_xtext(text: str) -> str:
    """Printable ASCII as it is but for "+" and "="; other octets as +XX."""
    return "".join(
        chr(octet) if 0x21 <= octet <= 0x7E and octet not in b"+=" else f"+{octet:02X}"
        for octet in text.encode()
    )
