"""Email/query in the plainest Python: random mail, random filters and sorts, and the answer."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from pillarbox.ids import MailboxId, Uid
from pillarbox.jmap.ids import email_id, mailbox_id
from pillarbox.message.casefold import collated, fold
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import changes, mailboxes, messages
from support.jmap_bench import JmapBox

WORDS = ("red", "Greenish", "blue", "Äpfel", "straße", "over", "cover", "42", "a<b", "über")
PEOPLE = ("Alice", "Bob", "Ärger", "carol", "")
KEYWORDS = {"$seen": Flag.SEEN, "$flagged": Flag.FLAGGED, "$forwarded": Flag.FORWARDED}
OWN_KEYWORDS = ("todo", "Later")
START = 1_790_000_000


@dataclass
class Mail:
    """What never changes of a message, and the places it has now."""

    number: int
    thread: int
    size: int
    received_at: int
    sent_at: int | None
    texts: dict[str, str]  # by property
    headers: dict[str, str]
    has_attachment: bool
    mailboxes: set[int] = field(default_factory=set)
    keywords: set[str] = field(default_factory=set)

    @property
    def id(self) -> str:
        return email_id(self.number)  # type: ignore[arg-type]


def as_date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Post:
    """A box full of random mail; `mails` is what the oracle knows."""

    def __init__(self, box: JmapBox, seed: int) -> None:
        self.box = box
        self.deleted = 0.2 if seed % 2 else 0.0  # how often something is \\Deleted
        self.random = random.Random(seed)
        self.known: dict[int, Mail] = {}
        self.sent_ids: list[tuple[str, str]] = []
        self.boxes: list[MailboxId] = []

    async def begin(self) -> None:
        self.boxes = [self.box.inbox.id]
        for name in ("Some", "Others"):
            self.boxes.append((await self.box.create(name)).id)

    def some(self, words: tuple[str, ...], most: int) -> str:
        return " ".join(self.random.choices(words, k=self.random.randint(0, most)))

    async def receive(self) -> None:
        """One message, perhaps an answer to an older one."""
        pick = self.random
        message = EmailMessage(policy=SMTP)
        texts = {"subject": self.some(WORDS, 3), "body": self.some(WORDS, 8)}
        for name in ("from", "to", "cc", "bcc"):
            person = pick.choice(PEOPLE)
            address = f"{pick.choice('xyz')}@example.org"
            texts[name] = "" if pick.random() < 0.2 else f"{person} <{address}>".strip()
            if texts[name]:
                message[name] = texts[name]
        if self.sent_ids and pick.random() < 0.5:
            texts["subject"], before = pick.choice(self.sent_ids)
            message["References"] = before
        message["Subject"] = texts["subject"]
        message["Message-ID"] = f"<{len(self.sent_ids)}@example.org>"
        headers = {"x-colour": self.some(WORDS[:4], 2)} if pick.random() < 0.5 else {}
        for name, value in headers.items():
            message[name] = value
        sent_at = START + pick.randint(0, 50) if pick.random() < 0.8 else None
        if sent_at is not None:
            message["Date"] = format_datetime(datetime.fromtimestamp(sent_at, UTC))
        message.set_content(texts["body"])
        has_attachment = pick.random() < 0.3
        if has_attachment:
            message.add_attachment(b"octets", maintype="application", subtype="pdf", filename="f")
        raw = message.as_bytes()
        received_at = START + pick.randint(0, 30)
        flags, keywords = self.some_flags()
        added = await self.box.append(
            raw, pick.choice(self.boxes), received_at=received_at, flags=flags, keywords=keywords
        )
        self.sent_ids.append((texts["subject"], message["Message-ID"]))
        self.known[added.message] = Mail(
            added.message, added.thread, len(raw), received_at, sent_at, texts, headers,
            has_attachment,
        )  # fmt: skip

    def some_flags(self) -> tuple[int, str]:
        flags = sum(flag for flag in KEYWORDS.values() if self.random.random() < 0.4)
        if self.random.random() < self.deleted:
            flags |= Flag.DELETED  # for IMAP it is still there, for JMAP no longer
        keywords = [word for word in OWN_KEYWORDS if self.random.random() < 0.3]
        return flags, " ".join(keywords)

    async def change(self) -> None:
        """Something happens to some places, or to a mailbox."""
        pick, account = self.random, self.box.alice.id
        source, target = pick.sample(self.boxes, 2)
        placed = await self.box.placed(source)
        uids = [place.uid for place in pick.sample(placed, min(len(placed), pick.randint(0, 3)))]
        flags, keywords = self.some_flags()
        how = pick.choice(list(FlagChange))
        store = self.box.store
        match pick.choice(["receive", "flags", "flags", "copy", "move", "expunge", "box"]):
            case "receive":
                await self.receive()
            case "flags":
                await store.write(
                    lambda tx: messages.store_flags(tx, account, source, uids, how, flags, keywords)
                )
            case "copy":
                await store.write(lambda tx: messages.copy(tx, account, source, uids, target))
            case "move":
                await store.write(lambda tx: messages.move(tx, account, source, uids, target))
            case "expunge":
                await self._expunge(source, uids)
            case _ if len(self.boxes) > 3 and pick.random() < 0.5:
                gone = self.boxes.pop()
                path = await store.read(lambda db: mailboxes.get(db, account, gone))
                await store.write(lambda tx: mailboxes.delete(tx, account, path.path))
            case _:
                self.boxes.append(
                    (await self.box.create(f"Box {len(self.boxes)} {flags} {pick.random()}")).id
                )

    async def _expunge(self, mailbox: MailboxId, uids: list[Uid]) -> None:
        account = self.box.alice.id
        await self.box.store.write(
            lambda tx: messages.expunge(tx, account, mailbox, uids, force=True)
        )

    async def mails(self) -> list[Mail]:
        """The messages that have a place, with what their places say."""
        names = {flag: name for name, flag in KEYWORDS.items()}
        for mail in self.known.values():
            mail.mailboxes, mail.keywords = set(), set()
        for mailbox in self.boxes:
            for place in await self.box.store.read(
                lambda db, box=mailbox: changes.placed(db, self.box.alice.id, box)  # type: ignore[misc]
            ):
                if place.flags & Flag.DELETED:
                    continue
                mail = self.known[place.message]
                mail.mailboxes.add(mailbox)
                mail.keywords |= {name for flag, name in names.items() if place.flags & flag}
                mail.keywords |= set(place.keywords.lower().split())
        return [mail for mail in self.known.values() if mail.mailboxes]

    def filter(self, depth: int = 2) -> dict[str, Any]:
        pick = self.random
        if depth and pick.random() < 0.5:
            count = pick.randint(0, 3)
            conditions = [self.filter(depth - 1) for _ in range(count)]
            return {"operator": pick.choice(["AND", "OR", "NOT"]), "conditions": conditions}
        names = pick.sample(list(CONDITIONS), pick.choice([0, 1, 1, 1, 2, 3]))
        return {name: self.value(name) for name in names}

    def value(self, name: str) -> Any:
        pick = self.random
        if name.endswith("Keyword"):
            return pick.choice([*KEYWORDS, "$Seen", *OWN_KEYWORDS, "none"])
        word = pick.choice(WORDS)
        person = pick.choice([*PEOPLE, "y@example", '"bob <x"', "z@ example"])
        text = pick.choice(
            [word, word.upper(), word[:3], f"{word} {pick.choice(WORDS)}", f"'{word} over'", ""]
        )
        values = {
            "inMailbox": mailbox_id(pick.choice(self.boxes)),
            "inMailboxOtherThan": [mailbox_id(one) for one in self.boxes if pick.random() < 0.5],
            "before": as_date(START + pick.randint(0, 30)),
            "after": as_date(START + pick.randint(0, 30)),
            "minSize": pick.choice([0, 300, 400, 500, 600]),
            "maxSize": pick.choice([300, 400, 500, 600, 9999]),
            "hasAttachment": pick.random() < 0.5,
            "header": pick.choice([["X-Colour"], ["x-colour", word], ["Bcc"], ["nothing"]]),
            **dict.fromkeys(("from", "to", "cc", "bcc"), person),
        }
        return values.get(name, text)

    def sort(self) -> list[dict[str, Any]]:
        wished = []
        for name in self.random.sample(list(SORT_KEYS), self.random.choice([0, 1, 1, 2, 3])):
            one: dict[str, Any] = {"property": name}
            if self.random.random() < 0.7:
                one["isAscending"] = self.random.random() < 0.5
            if name.endswith("Keyword"):
                one["keyword"] = self.random.choice([*KEYWORDS, *OWN_KEYWORDS])
            wished.append(one)
        return wished


def _holds(text: str, wanted: str) -> bool:
    """Quoted texts here are whole ones; white space parts words."""
    words = [wanted[1:-1]] if wanted[:1] in ("'", '"') else wanted.split()
    return all(word.casefold() in text.casefold() for word in words)


def _text_holds(mail: Mail, wanted: str) -> bool:
    words = [wanted] if wanted[:1] in ("'", '"') else wanted.split()
    return all(any(_holds(text, word) for text in mail.texts.values()) for word in words)


def _header_holds(mail: Mail, wanted: list[str]) -> bool:
    every = mail.headers | {name: text for name, text in mail.texts.items() if text}
    value = every.get(wanted[0].lower())
    return value is not None and all(_holds(value, word) for word in wanted[1:])


def _in_thread(mail: Mail, every: list[Mail], keyword: str) -> list[bool]:
    return [keyword.lower() in one.keywords for one in every if one.thread == mail.thread]


CONDITIONS: dict[str, Callable[[Mail, Any, list[Mail]], bool]] = {
    "inMailbox": lambda mail, box, _: box in {mailbox_id(MailboxId(m)) for m in mail.mailboxes},
    "inMailboxOtherThan": lambda mail, boxes, _: any(
        mailbox_id(MailboxId(one)) not in boxes for one in mail.mailboxes
    ),
    "before": lambda mail, date, _: as_date(mail.received_at) < date,
    "after": lambda mail, date, _: as_date(mail.received_at) >= date,
    "minSize": lambda mail, size, _: mail.size >= size,
    "maxSize": lambda mail, size, _: mail.size < size,
    "allInThreadHaveKeyword": lambda mail, word, every: all(_in_thread(mail, every, word)),
    "someInThreadHaveKeyword": lambda mail, word, every: any(_in_thread(mail, every, word)),
    "noneInThreadHaveKeyword": lambda mail, word, every: not any(_in_thread(mail, every, word)),
    "hasKeyword": lambda mail, word, _: word.lower() in mail.keywords,
    "notKeyword": lambda mail, word, _: word.lower() not in mail.keywords,
    "hasAttachment": lambda mail, wanted, _: mail.has_attachment == wanted,
    "text": lambda mail, text, _: _text_holds(mail, text),
    "from": lambda mail, text, _: _holds(mail.texts["from"], text),
    "to": lambda mail, text, _: _holds(mail.texts["to"], text),
    "cc": lambda mail, text, _: _holds(mail.texts["cc"], text),
    "bcc": lambda mail, text, _: _holds(mail.texts["bcc"], text),
    "subject": lambda mail, text, _: _holds(mail.texts["subject"], text),
    "body": lambda mail, text, _: _holds(mail.texts["body"], text),
    "header": lambda mail, wanted, _: _header_holds(mail, wanted),
}


def matches(mail: Mail, wanted: dict[str, Any], every: list[Mail]) -> bool:
    if "operator" in wanted:
        results = [matches(mail, one, every) for one in wanted["conditions"]]
        return {"AND": all(results), "OR": any(results), "NOT": not any(results)}[
            wanted["operator"]
        ]
    return all(CONDITIONS[name](mail, value, every) for name, value in wanted.items())


def _person(text: str) -> str:
    name, _, address = text.rpartition("<")
    return (name.strip() or address.rstrip(">")).casefold()


SORT_KEYS: dict[str, Callable[[Mail, str, list[Mail]], Any]] = {
    "receivedAt": lambda mail, *_: mail.received_at,
    "sentAt": lambda mail, *_: mail.received_at if mail.sent_at is None else mail.sent_at,
    "size": lambda mail, *_: mail.size,
    "from": lambda mail, *_: _person(mail.texts["from"]),
    "to": lambda mail, *_: _person(mail.texts["to"]),
    "subject": lambda mail, *_: mail.texts["subject"].casefold(),
    "hasKeyword": lambda mail, word, _: word.lower() in mail.keywords,
    "allInThreadHaveKeyword": lambda mail, word, every: all(_in_thread(mail, every, word)),
    "someInThreadHaveKeyword": lambda mail, word, every: any(_in_thread(mail, every, word)),
}


def rank(mail: Mail, sort: list[dict[str, Any]], every: list[Mail]) -> list[Any]:
    """What the criteria say of a message."""
    return [SORT_KEYS[one["property"]](mail, one.get("keyword", ""), every) for one in sort]


def is_sorted(found: list[Mail], sort: list[dict[str, Any]], every: list[Mail]) -> bool:
    """Whether each stands behind what it must by the criteria; texts collate as IMAP's do."""
    for one, other in itertools.pairwise(found):
        for criterion, a, b in zip(
            sort, rank(one, sort, every), rank(other, sort, every), strict=True
        ):
            if isinstance(a, str):
                a, b = collated(fold(a)), collated(fold(b))
            if a != b:
                if (a < b) != criterion.get("isAscending", True):
                    return False
                break
    return True
