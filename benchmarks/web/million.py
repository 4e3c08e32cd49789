"""A server where alice's inbox has a million messages, each a conversation of its own."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pillarbox.node.administration import Opened
from pillarbox.store.sql import accounts, mailboxes
from support.large_mailbox import grow
from support.web_site import Site, running_site

_LETTER = (
    b"From: Dave <dave@example.net>\r\nTo: alice@example.org\r\nSubject: one of many\r\n"
    b"Date: Sun, 01 Nov 2026 10:00:00 +0000\r\n\r\nLetter number one of many.\r\n"
)
# The text index of so many would be under way for the whole run; opening does not use it.
_NO_INDEX = {"store": {"index_seconds": 3600.0}}


@contextlib.contextmanager
def running_million(messages: int, workers: int) -> Iterator[Site]:
    """Made by few statements from one letter."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        running_site(Path(folder), settings=_NO_INDEX, workers=workers) as site,
    ):

        async def work(opened: Opened) -> None:
            store, login = opened.store, site.alice.login
            account = await store.read(lambda db: accounts.find(db, login))
            assert account is not None
            inbox = await store.read(lambda db: mailboxes.find(db, account.id, "INBOX"))
            assert inbox is not None
            await grow(store, account.id, inbox.id, messages, _LETTER, is_talk=False)

        site.server.administer(work)
        yield site
