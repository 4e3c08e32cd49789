"""What can be wrong with octets that should have been SMTP."""

from __future__ import annotations

from pillarbox.errors import PillarboxError


class BadSyntax(PillarboxError):
    """The arguments of a command do not follow the grammar."""

    sentence = "The arguments of the command are not understood."


class BadParameter(BadSyntax):
    """A parameter that is known has a value that is not (or is given twice)."""

    sentence = "A parameter has a value that is not understood."


class UnknownParameter(BadSyntax):
    """MAIL or RCPT parameter of an extension that was not offered (RFC 5321 §4.1.1.11)."""

    sentence = "A parameter is not supported here."


class BadMailbox(BadSyntax):
    """The path is not an address (RFC 5321 §4.1.2)."""

    sentence = "The address is not understood; write it as <name@domain>."
