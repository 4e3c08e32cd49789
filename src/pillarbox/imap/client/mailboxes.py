"""Which mailboxes there are: LIST in all its dialects, LSUB, XLIST, NAMESPACE, STATUS."""

from __future__ import annotations

import msgspec

from pillarbox.imap.client.commands import mailbox
from pillarbox.imap.client.dialogue import Dialogue
from pillarbox.imap.client.failure import ImapFailure, refusal
from pillarbox.imap.client.mailbox_names import decode_levels
from pillarbox.imap.client.responses import Listed, MailboxStatus, Namespaces, Response

_COUNTS = b"STATUS (MESSAGES UIDNEXT UIDVALIDITY)"


class MailboxEntry(msgspec.Struct, frozen=True):
    """A mailbox of the list."""

    name: bytes  # as it came; what other commands take
    levels: tuple[str, ...]
    delimiter: str
    attributes: frozenset[str]  # lower case, with their backslash
    subscribed: bool
    status: dict[str, int] = {}  # empty where it would have cost a command

    @property
    def selectable(self) -> bool:
        r"""It holds messages (RFC 9051 §7.3.1)."""
        return not self.attributes & {"\\noselect", "\\nonexistent"}


class _Answers:
    """What LIST and its kin answered."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.listed: dict[bytes, Listed] = {}
        self.counts: dict[bytes, dict[str, int]] = {}

    def take(self, response: Response) -> None:
        """One response."""
        if isinstance(response, Listed):
            self.listed[response.name] = response
        elif isinstance(response, MailboxStatus):
            self.counts[response.name] = response.items
        if len(self.listed) > self._limit or len(self.counts) > self._limit:
            raise ImapFailure("list", f"The account has more than {self._limit} folders.")


async def list_mailboxes(dialogue: Dialogue) -> list[MailboxEntry]:
    """All of them, in the server's order. Raises ImapFailure."""
    answers = _Answers(dialogue.limits.max_folders)
    try:
        subscribed = await _ask_for_all(dialogue, answers)
    except ImapFailure as failure:
        if not failure.answer:
            dialogue.link.close()
        raise
    utf8 = names_are_utf8(dialogue)
    return [
        MailboxEntry(
            name=one.name,
            levels=decode_levels(one.name, one.delimiter, utf8=utf8),
            delimiter=one.delimiter,
            attributes=one.attributes,
            subscribed="\\subscribed" in one.attributes or one.name in subscribed,
            status=answers.counts.get(one.name, {}),
        )
        for one in answers.listed.values()
    ]


async def _ask_for_all(dialogue: Dialogue, answers: _Answers) -> frozenset[bytes]:
    """Names that are subscribed to, where LIST does not say so itself."""
    if _knows(dialogue, "LIST-EXTENDED"):
        wanted = [b"SUBSCRIBED"]
        if _knows(dialogue, "SPECIAL-USE"):
            wanted.append(b"SPECIAL-USE")
        if _knows(dialogue, "LIST-STATUS"):
            wanted.append(_COUNTS)
        command = b'LIST "" "*" RETURN (%b)' % b" ".join(wanted)
        if (await dialogue.ask("list", command, take=answers.take)).kind == "OK":
            return frozenset()
    old_dialect = "XLIST" in dialogue.capabilities and not _knows(dialogue, "SPECIAL-USE")
    command = b"XLIST" if old_dialect else b"LIST"
    await dialogue.run("list", command + b' "" "*"', take=answers.take)
    subscribed = _Answers(dialogue.limits.max_folders)
    # A server that knows no LSUB knows no subscriptions: then there are none.
    await dialogue.ask("list", b'LSUB "" "*"', take=subscribed.take)
    return frozenset(subscribed.listed)


def _knows(dialogue: Dialogue, extension: str) -> bool:
    return not dialogue.capabilities.isdisjoint((extension, "IMAP4REV2"))


def names_are_utf8(dialogue: Dialogue) -> bool:
    """Whether mailbox names are in UTF-8, not in modified UTF-7 (RFC 6855 §3, RFC 9051 §5.1)."""
    if not dialogue.enabled.isdisjoint(("UTF8=ACCEPT", "IMAP4REV2")):
        return True
    capabilities = dialogue.capabilities
    return "IMAP4REV2" in capabilities and "IMAP4REV1" not in capabilities


async def find_namespaces(dialogue: Dialogue) -> Namespaces | None:
    """None: the server knows none (RFC 2342 §5)."""
    if not _knows(dialogue, "NAMESPACE"):
        return None
    found: list[Namespaces] = []

    def take(response: Response) -> None:
        if isinstance(response, Namespaces):
            found.append(response)

    condition = await dialogue.ask("namespace", b"NAMESPACE", take=take)
    return found[-1] if found and condition.kind == "OK" else None


async def get_status(dialogue: Dialogue, name: bytes, items: bytes) -> dict[str, int]:
    """The numbers asked for, by their names in upper case. Raises ImapFailure."""
    found: dict[str, int] = {}

    def take(response: Response) -> None:
        if isinstance(response, MailboxStatus):
            found.update(response.items)

    await dialogue.run("status", b"STATUS ", mailbox(name), b" (%b)" % items, take=take)
    return found


async def change_mailbox(dialogue: Dialogue, command: bytes, name: bytes) -> bool:
    """CREATE, SUBSCRIBE, UNSUBSCRIBE, DELETE; False: it is so already. Raises ImapFailure."""
    condition = await dialogue.ask("mailbox", command, b" ", mailbox(name))
    if condition.kind == "OK":
        return True
    already = ("ALREADYEXISTS", "NONEXISTENT")
    if condition.code is not None and condition.code.name in already:
        return False
    raise refusal("mailbox", condition)
