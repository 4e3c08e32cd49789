"""What people type, or paste, where they are asked for their address."""

from __future__ import annotations

import re

from pillarbox.accounts.identity import MAX_USERNAME, login_of
from pillarbox.store.database import Reader
from pillarbox.store.sql import accounts, addresses

_ANGLE = re.compile(r"<\s*([^<>]*)>\s*\Z")  # Name <a@b>
_SCHEME = re.compile(r"\s*mailto:", re.IGNORECASE)  # RFC 6068 §2
_MOST_TYPED = 1000  # characters that are looked at
_MOST_ALIASES = 5  # of an alias of an alias of …


def clean_address(typed: str) -> str:
    """Without what came along: a display name, `mailto:`, quotes, spaces, a final dot."""
    text = typed[:_MOST_TYPED].strip()
    angle = _ANGLE.search(text)
    if angle is not None:
        text = angle[1]
    text = _SCHEME.sub("", text, count=1).partition("?")[0]
    text = "".join(text.split()).strip("\"'<>,;")
    return text.replace("＠", "@").rstrip(".")[:MAX_USERNAME]


async def login_typed(db: Reader, typed: str, default_domain: str) -> str:
    """The login that is meant: by its own name, by an alias, or without the only domain.

    What nobody has comes back folded like a login, so that it is treated as one.
    """
    text = clean_address(typed)
    if "@" not in text and not default_domain:
        domains = await accounts.all_domains(db)
        default_domain = domains[0] if len(domains) == 1 else ""
    login = asked = login_of(text, default_domain)
    if login.startswith("@"):
        return asked  # a catch-all is nobody's name
    for _ in range(_MOST_ALIASES):
        row = await addresses.find_address(db, login)
        if row is None:
            return asked
        if row.account is not None:
            return await accounts.find_login(db, row.account) or asked
        if len(row.targets) != 1:
            return asked  # it leads to several people
        login = row.targets[0]
    return asked
