"""STARTTLS, LOGINDISABLED and AUTH=: what may be done to sign in, as the connection stands."""

from __future__ import annotations

from pillarbox.imap.server.command import Extension
from pillarbox.imap.server.context import Context, State


def _advertise(ctx: Context) -> tuple[str, ...]:
    if ctx.state is not State.NOT_AUTHENTICATED:
        return ()
    link = ctx.link
    secure = link.is_secure
    mechanisms = ctx.services.authenticator.mechanisms(secure=secure, binding=bool(link.bindings()))
    return (
        *(("STARTTLS",) if link.can_start_tls else ()),
        *(() if secure else ("LOGINDISABLED",)),
        *(f"AUTH={mechanism}" for mechanism in mechanisms),
    )


EXTENSION = Extension(
    rfc=9051,
    capabilities=("STARTTLS", "LOGINDISABLED", "AUTH="),
    before_login=True,
    advertise=_advertise,
)
