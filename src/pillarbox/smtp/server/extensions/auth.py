"""AUTH (RFC 4954)."""

from __future__ import annotations

from pillarbox.smtp.server.context import Context
from pillarbox.smtp.server.verb import Extension, Parameter
from pillarbox.smtp.server.verbs import auth
from pillarbox.smtp.wire.errors import BadMailbox, BadParameter
from pillarbox.smtp.wire.params import decode_xtext
from pillarbox.smtp.wire.paths import parse_mailbox


def offer(context: Context) -> str | None:
    """The mechanisms that may be used on this connection."""
    if not context.offers_auth:
        return None
    names = context.services.authenticator.mechanisms(
        secure=context.is_secure, binding=bool(context.peer.bindings)
    )
    return f"AUTH {' '.join(names)}" if names else None


def parse_auth(value: str | None) -> str:
    """RFC 4954 §5: who submitted it first. We trust nobody's word on it, so it is only read."""
    text = decode_xtext(value or "")
    if text != "<>":
        try:
            parse_mailbox(text)
        except BadMailbox:
            raise BadParameter("AUTH takes an address or <>.") from None
    return text


EXTENSION = Extension(
    4954, "AUTH", offer, mail=(Parameter("AUTH", "", parse_auth),), verbs=(auth.VERB,)
)
