"""The mail in the pictures of the guide: letters between alice and bob, newsletters, bills.

All times are counted back from now, so that the pictures say "yesterday" as a person's would.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from itertools import islice

from pillarbox.message.digest import digest
from pillarbox.node.administration import Opened
from pillarbox.store.database import Transaction
from pillarbox.store.model import Flag
from pillarbox.store.sql import accounts, mailboxes, messages

ALICE = "alice@example.org"
BOB = "Bob <bob@example.net>"
CAROL = "Carol <carol@example.com>"
DAVE = "Dave <dave@example.net>"
ERIN = "Erin <erin@example.com>"
LIBRARY = "Harbour Library <news@library.example>"
SHOP = "Paper Shop <orders@paper.example>"
TRAMS = "City Trams <tickets@trams.example>"
BANK = "Corner Bank <letters@bank.example>"
CLUB = "Rowing Club <office@rowing.example>"
FOLDERS = ("Boat", "Boat/Repairs", "Receipts", "Travel")
AT_ONCE = 1000
SEEN, STARRED, ANSWERED = int(Flag.SEEN), int(Flag.FLAGGED), int(Flag.ANSWERED)

Files = tuple[tuple[str, str, bytes], ...]


@dataclass(frozen=True)
class Letter:
    """One message, so many minutes old."""

    minutes: int
    sender: str
    subject: str
    text: str
    to: str = f"Alice <{ALICE}>"
    html: str = ""
    files: Files = ()
    flags: int = SEEN
    keywords: str = ""
    mailbox: str = "INBOX"
    thread: str = ""
    head: tuple[tuple[str, str], ...] = ()

    def octets(self, now: datetime, number: int) -> bytes:
        """As it lies in the store."""
        made = EmailMessage(policy=SMTP)
        host = self.sender.rpartition("@")[2].rstrip(">")
        if host != "example.org":
            verdict = f"localhost; dmarc=pass header.from={host}; dkim=pass header.d={host}"
            made["Authentication-Results"] = f"{verdict}; spf=pass smtp.mailfrom={host}"
        made["From"], made["To"], made["Subject"] = self.sender, self.to, self.subject
        made["Date"] = now - timedelta(minutes=self.minutes)
        made["Message-ID"] = f"<{number}.{self.minutes}@{host}>"
        if self.thread:
            made["References"] = f"<{self.thread}@example.net>"
        for name, value in self.head:
            made[name] = value
        made.set_content(self.text)
        if self.html:
            made.add_alternative(self.html, subtype="html")
        for name, kind, data in self.files:
            main, _, sub = kind.partition("/")
            made.add_attachment(data, maintype=main, subtype=sub, filename=name)
        return made.as_bytes()


def picture(seed: int, width: int = 640, height: int = 420) -> bytes:
    """A PNG of hills under a sky."""
    chance = random.Random(seed)
    sky, low = [chance.randrange(90, 200) for _ in range(3)], chance.randrange(height // 2, height)
    edges = [(low - 60 * n, chance.uniform(0.2, 0.6), chance.randrange(9)) for n in range(3)]
    rows = []
    for y in range(height):
        row = bytearray()
        for x in range(width):
            hill = sum(
                y > edge + slope * abs((x * 3 + at * 70) % 400 - 200) for edge, slope, at in edges
            )
            row += bytes(
                max(0, min(255, c + y // 6 - 52 * hill * (n != 1))) for n, c in enumerate(sky)
            )
        rows.append(b"\0" + bytes(row))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


_NEWS = """<html><body style="margin:0;background:#efeae0;
font-family:Georgia,serif;color:#2b2b2b">
<table width="600" align="center" cellpadding="0" cellspacing="0" bgcolor="#ffffff">
<tr><td style="background:#1f4e5f;color:#ffffff;padding:28px 32px"><p
style="margin:0;font-size:14px">
Harbour Library · November</p><h1 style="margin:6px 0 0;font-size:30px">Twelve books for dark
evenings</h1></td></tr>
<tr><td style="padding:24px 32px;font-size:17px;line-height:1.5"><p>Dear reader,</p>
<p>the shelves by the window are full again. Here are three of the twelve; the others wait for you
on the ground floor.</p>
<table cellpadding="12" style="border-collapse:collapse;width:100%">
<tr bgcolor="#f6f1e7"><td><b>The Keeper of Lights</b><br>Forty years on one rock</td>
<td align="right">novel</td></tr>
<tr><td><b>Knots and Splices</b><br>With drawings</td><td align="right">handbook</td></tr>
<tr bgcolor="#f6f1e7"><td><b>A History of Rain</b><br>What falls, and why</td>
<td align="right">science</td></tr></table>
<p style="margin:24px 0"><a href="https://library.example/new" style="background:#c8553d;
color:#ffffff;padding:12px 22px;text-decoration:none;border-radius:4px">Keep a copy for me</a></p>
<p>On Thursday at seven we read aloud. Tea is on us.</p>
<img src="https://library.example/shelf.jpg" width="536" height="180" alt="The shelf by the window">
<img src="https://library.example/open.gif?to=alice" width="1" height="1" alt="">
</td></tr><tr><td style="padding:16px 32px;background:#f6f1e7;font-size:13px;color:#666666">
Harbour Library, Quay 3. You get this because you have a card.</td></tr></table></body></html>"""
_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]"
    b"/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)
_DAY = 24 * 60
_LEAVE = (
    ("List-Id", "<news.library.example>"),
    ("List-Unsubscribe", "<https://library.example/leave>"),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
)


_PHOTOS = tuple((f"garden-{n}.png", "image/png", picture(n)) for n in (1, 2, 3))
# Those that are looked at, the youngest first.
LETTERS = (
    Letter(
        6,
        BOB,
        "Re: Boat trip on Saturday",
        "Good. I bring the rope and the lamp, you bring soup?\n\n"
        "The tide turns at 14:20, so we should be off the quay by one at the latest.\n"
        "The weather page says wind from the west, four, dropping towards evening:\n"
        "https://weather.example/harbour\n\nBob\n",
        flags=0,
        thread="boat",
    ),
    Letter(
        31,
        LIBRARY,
        "Twelve books for dark evenings",
        "The shelves by the window are full again.\n",
        html=_NEWS,
        flags=0,
        head=_LEAVE,
    ),
    Letter(
        64,
        CAROL,
        "Minutes of Tuesday's meeting",
        "Hello Alice,\n\nhere are the minutes and the table with the costs. Please look at "
        "point 4 before Friday:\nthe roof can wait until spring, the gutter cannot.\n\n"
        "Best wishes\nCarol\n",
        files=(
            ("minutes-november.pdf", "application/pdf", _PDF + b"%" * 184_000),
            ("costs.ods", "application/vnd.oasis.opendocument.spreadsheet", b"PK" * 11_400),
        ),
        flags=STARRED,
    ),
    Letter(
        118,
        SHOP,
        "Your order 20417 is on its way",
        "It was handed over this morning and should be with you on Wednesday.\n",
        flags=0,
        keywords="receipts",
    ),
    Letter(
        175,
        DAVE,
        "Photos of the garden",
        "The quince has never carried so much. I kept a basket for you.\n\nDave\n",
        files=_PHOTOS,
    ),
    Letter(
        262,
        f"Alice <{ALICE}>",
        "Re: Boat trip on Saturday",
        "Saturday is good. Shall we meet at the quay at half past twelve?\n\nAlice\n\n"
        "> Carol would come along if it does not rain.\n",
        to=BOB,
        mailbox="Sent",
        thread="boat",
    ),
    Letter(
        301,
        BOB,
        "Boat trip on Saturday",
        "Hello Alice,\n\nthe new mast is in. Would you like to come out with us on Saturday?\n"
        "Carol would come along if it does not rain.\n\nBob\n",
        flags=SEEN | ANSWERED,
        thread="boat",
    ),
    Letter(350, TRAMS, "Your ticket for 14 December", "Carriage 4, seat 21.\n", keywords="travel"),
    Letter(402, ERIN, "Choir practice moves to Thursday", "Half past seven, same room.\n", flags=0),
    Letter(_DAY + 80, BANK, "Your statement for October", "It is in your letter box there.\n"),
    Letter(_DAY + 190, CLUB, "Boathouse keys", "New locks from Monday; keys at the office.\n"),
    Letter(
        _DAY + 300,
        "Grete <grete@example.com>",
        "Grüße aus den Bergen",
        "Hier liegt schon Schnee. Die Hütte ist warm, und das Brot ist gut.\n",
        flags=SEEN | STARRED,
    ),
    Letter(2 * _DAY, SHOP, "Invoice 20398", "Paid, with thanks.\n", keywords="receipts"),
    Letter(2 * _DAY + 95, "林 <lin@example.com>", "会议纪要", "附件是昨天的会议纪要。\n"),
    Letter(3 * _DAY, ERIN, "The score of the second piece", "As promised, a scan.\n"),
    Letter(3 * _DAY + 400, DAVE, "Can you lend me the long ladder?", "For the gutter. A day.\n"),
    Letter(4 * _DAY, "Lucía <lucia@example.com>", "Presupuesto y calendario", "Aquí va todo.\n"),
)


_SENDERS = (
    (LIBRARY, ("New on the shelves", "Reading on Thursday", "Your loans end soon")),
    ("Harbour Market <offers@market.example>", ("This week's offers", "Fresh from the boats")),
    ("Trail Magazine <weekly@trail.example>", ("Ten walks for the weekend", "Boots, tested")),
    (CLUB, ("Training this week", "Results of the regatta", "Who helps at the slip?")),
    ("Seed Catalogue <letter@seeds.example>", ("Time to sow", "Bulbs for spring")),
    (SHOP, ("Invoice", "Your order is on its way")),
    (DAVE, ("A question about the roof", "Sunday?", "The long ladder")),
    (ERIN, ("Choir practice", "The concert", "Programme, second draft")),
    (BOB, ("The boat", "Paint for the hull", "When do we sail?")),
    (CAROL, ("Minutes", "The gutter", "Costs until now")),
)
_LINES = (
    "The lights at the pier are on again, and everyone came to see them.",
    "We have set aside what you asked for; come by when it suits you.",
    "It took longer than we thought, but the result can be seen.",
    "Please tell us by Friday whether you will be there.",
)


def years(count: int, seed: int = 11) -> Iterator[Letter]:
    """So many older ones, over five years, the oldest first."""
    chance = random.Random(seed)
    step = 5 * 365 * _DAY // count
    for n in range(count):
        sender, subjects = chance.choice(_SENDERS[:7] if chance.random() < 0.8 else _SENDERS)
        is_news = sender in {one for one, _ in _SENDERS[:5]}
        host = sender.rpartition("@")[2].rstrip(">")
        yield Letter(
            5 * _DAY + step * (count - n) + chance.randrange(step),
            sender,
            chance.choice(subjects),
            "\n".join(chance.choices(_LINES, k=3)),
            head=(("List-Id", f"<{host}>"), ("List-Unsubscribe", f"<https://{host}/leave>"))
            if is_news
            else (),
            files=(("film.mp4", "video/mp4", b"\0" * 7_500_000),) if n % 3000 == 1700 else (),
        )


async def fill(opened: Opened, login: str, older: int) -> None:
    """Give an account its folders and its mail, and index it."""
    store = opened.store
    account = await store.read(lambda db: accounts.find(db, login))
    assert account is not None, login
    for path in FOLDERS:
        await store.write(lambda tx, path=path: mailboxes.create(tx, account.id, path))
    tree = await store.read(lambda db: mailboxes.tree(db, account.id))
    places = {one.path: one.id for one in tree}
    now = datetime.now(UTC)
    coming = enumerate([*years(older), *reversed(LETTERS)])
    while some := list(islice(coming, AT_ONCE)):
        with ExitStack() as spools:
            new = []
            for number, one in some:
                octets = one.octets(now, number)
                spool = spools.enter_context(store.spool())
                spool.write(octets)
                new.append(
                    messages.NewMessage(
                        account=account.id,
                        mailbox=places[one.mailbox],
                        digest=digest(octets),
                        blob=await spool.seal(),
                        flags=one.flags,
                        keywords=one.keywords,
                        received_at=int((now - timedelta(minutes=one.minutes)).timestamp()),
                        check_quota=False,
                    )
                )
            await store.write(_appending(new))
    await store.index_now()


def _appending(new: list[messages.NewMessage]) -> Callable[[Transaction], Awaitable[None]]:
    async def append_all(tx: Transaction) -> None:
        for one in new:
            await messages.append(tx, one)

    return append_all
