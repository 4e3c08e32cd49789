"""What another server said to EHLO (RFC 5321 §4.1.1.1). Sans-IO; nonsense is passed over."""

from __future__ import annotations

import re

import msgspec

from pillarbox.smtp.wire.reply_reader import PeerReply

_LIMIT = re.compile(r"([A-Z0-9-]{1,32})=([1-9][0-9]{0,5})")  # RFC 9422 §3
_MAX_SIZE_DIGITS = 20  # RFC 1870 §3


class Capabilities(msgspec.Struct, frozen=True):
    """The extensions that may be used; none of them after HELO."""

    name: str = ""  # the server's own name, as it said it
    extended: bool = False  # it understood EHLO
    size: int | None = None  # most octets of a message, 0 for any; None: SIZE is not offered
    pipelining: bool = False
    chunking: bool = False
    eightbitmime: bool = False
    binarymime: bool = False
    smtputf8: bool = False
    dsn: bool = False
    starttls: bool = False
    requiretls: bool = False
    auth: tuple[str, ...] = ()  # mechanisms in upper case, in the server's order
    rcpt_max: int = 0  # RFC 9422 §4: most recipients of a message; 0: not said
    mail_max: int = 0  # most messages of a connection
    rcpt_domain_max: int = 0  # most domains among the recipients of a message


def parse_capabilities(reply: PeerReply) -> Capabilities:
    """From the answer to EHLO; the first line is the greeting."""
    said: dict[str, list[str]] = {}
    for line in reply.lines[1:]:
        words = line.replace("=", " ", 1).split() if line[:5].upper() == "AUTH=" else line.split()
        if words:
            said.setdefault(words[0].upper(), []).extend(words[1:])
    limits = _limits(said.get("LIMITS", []))
    chunking = "CHUNKING" in said
    return Capabilities(
        name=server_name(reply),
        extended=True,
        size=_size(said["SIZE"]) if "SIZE" in said else None,
        pipelining="PIPELINING" in said,
        chunking=chunking,
        eightbitmime="8BITMIME" in said,
        binarymime=chunking and "BINARYMIME" in said,  # RFC 3030 §3: not without CHUNKING
        smtputf8="SMTPUTF8" in said,
        dsn="DSN" in said,
        starttls="STARTTLS" in said,
        requiretls="REQUIRETLS" in said,
        auth=tuple(dict.fromkeys(word.upper() for word in said.get("AUTH", []))),
        rcpt_max=limits.get("RCPTMAX", 0),
        mail_max=limits.get("MAILMAX", 0),
        rcpt_domain_max=limits.get("RCPTDOMAINMAX", 0),
    )


def server_name(reply: PeerReply) -> str:
    """The name in a greeting; "" where there is none."""
    words = reply.lines[0].split(maxsplit=1)
    return words[0] if words else ""


def _size(words: list[str]) -> int:
    if words and words[0].isascii() and words[0].isdigit() and len(words[0]) <= _MAX_SIZE_DIGITS:
        return int(words[0])
    return 0


def _limits(words: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for word in words:
        match = _LIMIT.fullmatch(word.upper())
        if match is not None:
            found[match[1]] = int(match[2])
    return found
