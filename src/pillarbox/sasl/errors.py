"""What a SASL exchange can run into besides a wrong password."""

from __future__ import annotations

from pillarbox.errors import PillarboxError


class UnknownMechanism(PillarboxError):
    """Not a mechanism that is offered on this connection."""

    sentence = "That sign-in mechanism is not offered here."


class MalformedResponse(PillarboxError):
    """The client's octets do not follow the mechanism's grammar or order."""

    sentence = "The sign-in exchange could not be understood."


class NotBase64(MalformedResponse):
    """A line of the exchange is not base64."""

    sentence = "The answer is not base64."


class Cancelled(PillarboxError):
    """The client gave the exchange up ("*")."""

    sentence = "The sign-in was cancelled."
