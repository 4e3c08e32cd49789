"""A remote account of alice's, runs for it, and what she then has."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from msgspec.structs import replace

from pillarbox.config.intake import IntakeSettings
from pillarbox.flow.collect.job import Job, Outcome
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.run import run
from pillarbox.flow.collect.settings import RemoteSettings, ServerSpec
from pillarbox.flow.collect.source import Source
from pillarbox.ids import RemoteId, RunId
from pillarbox.store import Reader
from pillarbox.store.model import Mailbox, Placed
from pillarbox.store.sql import changes, mailboxes, messages, remote_runs, remotes
from pillarbox.store.sql.remotes import RemoteState
from support.store_box import Box

Has = tuple[bytes, int, str, int]  # SHA-256, flags, keywords, received at


class Collection:
    """One remote account."""

    def __init__(self, box: Box, remote: RemoteId, settings: RemoteSettings) -> None:
        self.box = box
        self.remote = remote
        self.settings = settings
        self.limits = IntakeSettings()
        self.run_id = RunId(0)
        self.more: dict[str, Any] = {}  # of the job

    @classmethod
    async def add(cls, box: Box, **settings: Any) -> Collection:
        """By default an IMAP account whose mail is left where it is."""
        kind = settings.pop("kind", "imap")
        server = ServerSpec("mail.example.org", 993)
        made = RemoteSettings(kind=kind, server=server, login="bob", label="old", **settings)
        remote = await box.store.write(
            lambda tx: remotes.add(
                tx,
                box.alice.id,
                "old",
                json.dumps({}),
                state=RemoteState.ACTIVE,
                due_at=None,
                host="mail.example.org",
            )
        )
        return cls(box, remote, made)

    def change(self, **settings: Any) -> None:
        """From the next run on."""
        self.settings = replace(self.settings, **settings)

    async def job(self) -> Job:
        """A new run."""
        box = self.box
        self.run_id = await box.store.write(
            lambda tx: remote_runs.begin_run(tx, self.remote, "hand")
        )
        return Job(
            store=box.store,
            account=box.alice.id,
            remote=self.remote,
            run=self.run_id,
            settings=self.settings,
            clock=box.clock,
            limits=self.limits,
            **self.more,
        )

    async def run(self, source: Source) -> tuple[Outcome, Progress]:
        """One run to its end."""
        progress = Progress()
        outcome = await run(await self.job(), source, progress, lambda seen: None)
        return outcome, progress


async def held(box: Box) -> dict[str, list[Has]]:
    """Everything that alice has, by mailbox, in the order of the UIDs."""

    async def look(db: Reader) -> dict[str, list[Has]]:
        found: dict[str, list[Has]] = {}
        for mailbox in await mailboxes.tree(db, box.alice.id):
            found[mailbox.path] = [await _has(db, box, one) for one in await _placed(db, mailbox)]
        return found

    return await box.store.read(look)


async def _placed(db: Reader, mailbox: Mailbox) -> list[Placed]:
    return await changes.placed(db, mailbox.account, mailbox.id)


async def _has(db: Reader, box: Box, placed: Placed) -> Has:
    row = await messages.get(db, box.alice.id, placed.message)
    return bytes(row.blob), placed.flags, placed.keywords, row.received_at


def sha(octets: bytes) -> bytes:
    """As in `Has`."""
    return hashlib.sha256(octets).digest()
