"""The mail of an account for browser tests: letters, conversations, newsletters, attachments.

The same number and seed give the same octets. Written straight into the store, a thousand in a
transaction, each a message of its own: 100,000 take some fifteen seconds.
"""

from __future__ import annotations

import random
from base64 import encodebytes
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import islice

from pillarbox.message.digest import digest
from pillarbox.store import Store, Transaction
from pillarbox.store.model import Flag
from pillarbox.store.sql import accounts, mailboxes, messages

NEWEST = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
AT_ONCE = 1000
FOLDERS = ("Projects", "Projects/Harbour", "Receipts")
_SENDERS = [f"Correspondent {n} <person{n}@example.net>" for n in range(40)]
_TOPICS = (
    "Invoice",
    "Meeting notes",
    "Train tickets",
    "Your order",
    "Question about the roof",
    "Grüße aus dem Urlaub",
    "会议纪要",
    "Presupuesto y calendario",
    "Draft of the contract",
    "Photos of the garden",
)
_WORDS = [
    *("the", "harbour", "plan", "needs", "another", "look", "before", "we", "sign", "it"),
    *("so", "please", "read", "the", "second", "page", "and", "tell", "me", "what", "you"),
    *("would", "change", "about", "the", "lights", "the", "paint", "and", "the", "ropes"),
]
_PIXEL = encodebytes(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
        "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    )
).decode()


def letters(count: int, to: str, seed: int = 7) -> Iterator[tuple[bytes, int, int]]:
    """Octets, flags and time of arrival of so many messages, the oldest first."""
    chance = random.Random(seed)
    thread: list[str] = []
    topic = ""
    step = timedelta(seconds=min(3600, 3 * 365 * 86400 // max(count, 1)))
    for n in range(count):
        when = NEWEST - step * (count - 1 - n)
        if not thread or chance.random() < 0.7:
            thread, topic = [], f"{chance.choice(_TOPICS)} {n}"
        octets = _letter(n, topic, thread, when, to, chance)
        thread.append(_message_id(n, to))
        fresh = n >= count - 40 or chance.random() < 0.03
        flags = 0 if fresh and chance.random() < 0.6 else int(Flag.SEEN)
        if chance.random() < 0.02:
            flags |= int(Flag.FLAGGED)
        yield octets, flags, int(when.timestamp())


def _letter(
    n: int, topic: str, thread: list[str], when: datetime, to: str, chance: random.Random
) -> bytes:
    newsletter, news = not thread and n % 9 == 4, n % 13
    sender = f"News {news} <news{news}@lists.example>" if newsletter else chance.choice(_SENDERS)
    head = [
        f"From: {sender}",
        f"To: {to}",
        f"Subject: {'Re: ' if thread else ''}{topic}",
        f"Date: {format_datetime(when)}",
        f"Message-ID: {_message_id(n, to)}",
        "MIME-Version: 1.0",
    ]
    if thread:
        head += [f"In-Reply-To: {thread[-1]}", f"References: {' '.join(thread[-5:])}"]
    text = _text(n, chance)
    if newsletter:
        head += [
            f"List-Id: <news{news}.lists.example>",
            f"List-Unsubscribe: <https://lists.example/out?n={news}>",
        ]
        return _joined(head, "multipart/alternative", [_plain(text), _html(topic, text)])
    if n % 25 == 7:
        return _joined(head, "multipart/mixed", [_plain(text), _file(n)])
    return "\r\n".join([*head, *_plain(text)]).encode()


def _message_id(n: int, to: str) -> str:
    return f"<letter-{n}.{to.replace('@', '.')}@example.net>"


def _text(n: int, chance: random.Random) -> str:
    lines = [" ".join(chance.choices(_WORDS, k=11)) for _ in range(chance.randrange(2, 9))]
    return f"Letter number {n}.\r\n\r\n" + "\r\n".join(lines) + "\r\n"


def _plain(text: str) -> list[str]:
    return ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", text]


def _html(topic: str, text: str) -> list[str]:
    paragraphs = "".join(f"<p>{line}</p>\r\n" for line in text.split("\r\n") if line)
    page = (
        f"<html><body><table width=600><tr><td><h1>{topic}</h1>\r\n{paragraphs}"
        '<img src="https://lists.example/pixel.gif" width=1 height=1></td></tr></table>'
        "</body></html>\r\n"
    )
    return ["Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", page]


def _file(n: int) -> list[str]:
    return [
        f'Content-Type: image/png; name="picture-{n}.png"',
        f'Content-Disposition: attachment; filename="picture-{n}.png"',
        "Content-Transfer-Encoding: base64",
        "",
        _PIXEL.replace("\n", "\r\n"),
    ]


def _joined(head: list[str], kind: str, parts: list[list[str]]) -> bytes:
    lines = [*head, f'Content-Type: {kind}; boundary="=_b"', ""]
    for part in parts:
        lines += ["--=_b", *part]
    return "\r\n".join([*lines, "--=_b--", ""]).encode()


async def fill(store: Store, login: str, count: int, mailbox: str = "INBOX", seed: int = 7) -> None:
    """Put so many messages into a mailbox of an account that exists."""
    account = await store.read(lambda db: accounts.find(db, login))
    assert account is not None, login
    found = await store.read(lambda db: mailboxes.find(db, account.id, mailbox))
    place = found or await store.write(lambda tx: mailboxes.create(tx, account.id, mailbox))
    coming = letters(count, login, seed)
    while some := list(islice(coming, AT_ONCE)):
        new = []
        for octets, flags, arrived in some:
            with store.spool() as spool:
                spool.write(octets)
                new.append(
                    messages.NewMessage(
                        account=account.id,
                        mailbox=place.id,
                        digest=digest(octets),
                        blob=await spool.seal(),
                        flags=flags,
                        received_at=arrived,
                        check_quota=False,
                    )
                )
        await store.write(_appending(new))


def _appending(new: list[messages.NewMessage]) -> Callable[[Transaction], Awaitable[None]]:
    async def append_all(tx: Transaction) -> None:
        for one in new:
            await messages.append(tx, one)

    return append_all
