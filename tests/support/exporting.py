"""An account with whatever makes exports go wrong, and all that can be said of an account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pillarbox.flow.collect.export.export import Chosen, export
from pillarbox.flow.collect.files.manifest import Form, Manifest
from pillarbox.flow.collect.files.opening import open_files
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.settings import RemoteSettings
from pillarbox.ids import AccountId
from pillarbox.store import Reader
from pillarbox.store.model import Flag
from pillarbox.store.sql import changes, mailboxes, messages
from support.collecting import Collection
from support.store_box import Box, letter

# flags, keywords, instant
STATES: tuple[tuple[int, str, int], ...] = (
    (0, "", 1_000_000_000),
    (Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED, "", 1_700_000_001),
    (Flag.DRAFT | Flag.DELETED, "Zebra work", 86_400),
    (Flag.FORWARDED | Flag.MDN_SENT | Flag.NOT_JUNK, "a.b &AOk-", 2_000_000_003),
)
ODD_OCTETS: tuple[bytes, ...] = (
    letter(
        "From_ lines", "From here\r\n>From there\r\n>>From all\r\n\r\nFrom alice Mon 10:00 2026"
    ),
    letter("Only LF").replace(b"\r\n", b"\n"),
    letter("A CR alone", "one\rtwo\r\r\nthree\n"),
    letter("No end")[:-2],
    b"Subject: only a header\r\n",
    b"\r\nonly a body, From nobody\r\n",
    b"From the first line on\r\nno header\r\n",
    letter("Octets", "\x00").replace(b"\x00", bytes(range(256))),
    letter("A dot", "..\r\n.\r\n", Status="RO", Content_Length="7"),
    letter("Ends in empty lines", "\r\n\r\n\r\n"),
    letter("Long line", "x" * 70_000 + ">From x"),
)
ODD_PATHS = (
    "Work", "work", "Work/Plans.2026", "Größe/Äpfel", "a:b*c?", "CON", "Mail & more",
    "日本語/📮 Post", "~home", "trailing.", "Archive/2001/01", "x" * 200, "a\\b", 'say "hi"', "&-",
)  # fmt: skip


async def fill_oddly(box: Box) -> None:
    """Into alice's account."""
    alice = box.alice.id
    for raw in ODD_OCTETS:
        await box.append(raw, received_at=1_234_567_890)
    for number, path in enumerate(ODD_PATHS):
        made = await box.create(path)
        for offset, (flags, keywords, received_at) in enumerate(STATES):
            raw = letter(f"Number {offset} of {number}")
            await box.append(
                raw, made.id, flags=int(flags), keywords=keywords, received_at=received_at
            )
        if number % 2:
            await box.store.write(lambda tx, path=path: mailboxes.subscribe(tx, alice, path))


async def everything(box: Box, account: AccountId) -> dict[str, Any]:
    """Folders with role, subscription and messages: octets, flags, keywords, date."""

    async def look(db: Reader) -> dict[str, Any]:
        subscribed = await mailboxes.subscriptions(db, account)
        found: dict[str, Any] = {}
        for mailbox in await mailboxes.tree(db, account):
            listed = []
            for one in await changes.placed(db, account, mailbox.id):
                row = await messages.get(db, account, one.message)
                octets = await box.store.content(row).read(0, row.size)
                listed.append((octets, one.flags, one.keywords, row.received_at))
            role = mailbox.role.value if mailbox.role else ""
            found[mailbox.path] = (role, mailbox.path in subscribed, listed)
        return found

    return await box.store.scan(look)


async def export_alice(
    box: Box, target: Path, form: Form, chosen: Chosen | None = None
) -> tuple[Manifest, Progress]:
    """Her whole account, or what is chosen of it."""
    progress = Progress()
    more = {} if chosen is None else {"chosen": chosen}
    manifest = await export(box.store, box.alice, target, form, progress=progress, **more)
    return manifest, progress


async def bring(box: Box, path: Path, **how: Any) -> tuple[Any, Progress]:
    """Everything in a file into `box.alice`, whoever that is now."""
    collection = await Collection.add(box)
    collection.settings = RemoteSettings(
        kind="file", path=str(path), label="files", skip_spam=False, once=True
    )
    source = await open_files(path, clock=box.clock, **how)
    try:
        return await collection.run(source)
    finally:
        await source.close()
