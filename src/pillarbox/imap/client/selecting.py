"""SELECT and EXAMINE, with CONDSTORE and QRESYNC (RFC 9051 §6.3.2, RFC 7162 §3.1.8, §3.2.5)."""

from __future__ import annotations

import msgspec

from pillarbox.imap.client.commands import mailbox
from pillarbox.imap.client.dialogue import Dialogue
from pillarbox.imap.client.failure import refusal
from pillarbox.imap.client.responses import Fetched, Response
from pillarbox.imap.client.selected import Selected


class Resync(msgspec.Struct, frozen=True):
    """What we know of the mailbox, for QRESYNC."""

    uid_validity: int
    modseq: int
    known_uids: bytes = b""  # a set; b"": do not say


async def select(
    dialogue: Dialogue,
    name: bytes,
    *,
    read_only: bool = False,
    condstore: bool = False,
    resync: Resync | None = None,
) -> Selected:
    """Open a mailbox; the former one is closed, whatever comes of it. Raises ImapFailure."""
    parameter = b""
    if resync is not None and await enable(dialogue, "QRESYNC"):
        known = b" " + resync.known_uids if resync.known_uids else b""
        parameter = b" (QRESYNC (%d %d%b))" % (resync.uid_validity, resync.modseq, known)
    elif condstore and not dialogue.capabilities.isdisjoint(("CONDSTORE", "QRESYNC")):
        parameter = b" (CONDSTORE)"
    command = b"EXAMINE " if read_only else b"SELECT "
    selected = dialogue.selected = Selected(name)

    def take(response: Response) -> None:
        if isinstance(response, Fetched):
            response.discard()
            selected.fetched.append(response)

    condition = await dialogue.ask("select", command, mailbox(name), parameter, take=take)
    if condition.kind != "OK":
        dialogue.selected = None
        raise refusal("select", condition)
    selected.for_writing = not read_only
    selected.read_only = read_only
    selected.note(condition)
    selected.is_open = True
    selected.touched = False
    return selected


async def enable(dialogue: Dialogue, name: str) -> bool:
    """Whether it is enabled now (RFC 5161 §3.1); False where the server does not know it."""
    if name in dialogue.enabled:
        return True
    if name not in dialogue.capabilities:
        return False
    await dialogue.run("enable", b"ENABLE " + name.encode("ascii"))
    return name in dialogue.enabled
