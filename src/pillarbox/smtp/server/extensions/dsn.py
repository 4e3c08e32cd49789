"""DSN: what the sender wants to hear about delivery (RFC 3461 §4)."""

from __future__ import annotations

from pillarbox.smtp.server.verb import Extension, Parameter, always
from pillarbox.smtp.wire.wishes import parse_envid, parse_notify, parse_orcpt, parse_ret

EXTENSION = Extension(
    3461,
    "DSN",
    always("DSN"),
    mail=(Parameter("RET", "ret", parse_ret), Parameter("ENVID", "envid", parse_envid)),
    rcpt=(Parameter("NOTIFY", "notify", parse_notify), Parameter("ORCPT", "orcpt", parse_orcpt)),
)
