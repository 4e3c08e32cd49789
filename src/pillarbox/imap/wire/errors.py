"""The one error of the wire."""

from __future__ import annotations

from pillarbox.errors import PillarboxError


class BadSyntax(PillarboxError):
    """The octets of a command do not follow the grammar (answered BAD); the sentence says where."""

    sentence = "The command could not be understood."
