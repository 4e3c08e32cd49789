"""Files of mail that a person gives: mbox, or archives of Maildir, .eml files, Google Takeout.

What is wished for is said first, so that nobody sends gigabytes to hear no; the answer is a path
that takes the file, once and from this session only. Then it is brought as from any other place.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from pillarbox.accounts.signer import Signer
from pillarbox.clock import unix_seconds
from pillarbox.errors import (
    AlreadyExists,
    LimitReached,
    NotAllowed,
    NotFound,
    Throttled,
    TooLarge,
    Unavailable,
)
from pillarbox.flow.collect.files.opening import open_files
from pillarbox.flow.collect.remotes import Remotes
from pillarbox.flow.collect.settings import MAX_LABEL, BadRemote, RemoteSettings
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.flow.collect.uploaded import Uploaded, find_same, plain_name
from pillarbox.ids import RemoteId
from pillarbox.pop3.server.locks import MaildropLocks
from pillarbox.store.sql.spent import spend
from pillarbox.telemetry.log import get_logger
from pillarbox.web.account.asked import Asked, told
from pillarbox.web.account.remote_labels import labels
from pillarbox.web.services import WebServices

log = get_logger("collect")
_LINK_SECONDS = 600  # from the wish to the first octet
_PIECE = 1 << 20  # octets that are written at once
# A large archive takes a thread for minutes; all threads of a worker would be few for many of them.
_RECOGNISED_AT_ONCE = 1
_WAIT_SECONDS = 45.0  # for those before; browsers and proxies give up after a silent minute
_Path = Annotated[str, Meta(max_length=200)]


class FileWish(Struct, rename="camel", kw_only=True):
    """What is to be done with a file that will come."""

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    octets: Annotated[int, Meta(gt=0)]
    into: _Path = ""  # the one mailbox for everything
    keyword: _Path = ""
    skip_spam: bool = True

    def settings(self, path: str) -> RemoteSettings:
        """Raises BadRemote."""
        return RemoteSettings(
            kind="file",
            path=path,
            uploaded=True,
            label=plain_name(self.name)[:MAX_LABEL],
            into=self.into.strip(),
            keyword=self.keyword.strip(),
            skip_spam=self.skip_spam,
            once=True,
        )


class _Link(Struct, array_like=True):
    account: int
    session: int
    wish: FileWish
    salt: str  # two links of one second are two


class Files:
    """Takes them."""

    def __init__(self, services: WebServices, remotes: Remotes) -> None:
        self._services = services
        self._remotes = remotes
        self._settings = services.settings.collect.files
        self._data_dir = Path(services.settings.store.data_dir)
        self._uploaded = Uploaded(self._data_dir)
        self._signer = Signer(services.server_key, services.clock, "upload")
        self._locks: MaildropLocks | None = None
        self._recognising = asyncio.Semaphore(_RECOGNISED_AT_ONCE)

    async def begin(self, asked: Asked) -> Response:
        """Where the file may be sent. Raises BadRemote, TooLarge, LimitReached, NotAllowed."""
        wish = await asked.body(FileWish)
        wish.settings("checked")
        async with self._turn(asked):  # who would have to wait hears it before
            await asyncio.to_thread(self._check_room, asked, wish.octets)
        link = _Link(asked.account, asked.session.id, wish, secrets.token_hex(8))
        word = self._signer.sign(msgspec.json.encode(link), _LINK_SECONDS)
        return told({"path": f"/account/remotes/files/{word}"})

    async def take(self, asked: Asked) -> Response:
        """The file itself; its mail comes at once.

        Raises NotFound, SourceFailure, BadRemote, Throttled.
        """
        link = await self._link(asked)
        async with self._turn(asked):
            await asyncio.to_thread(self._check_room, asked, link.wish.octets)
            coming = await asyncio.to_thread(self._uploaded.new, asked.account, link.salt)
            try:
                digest = await self._write(asked, coming, link.wish.octets)
                async with self._thread_for_it():
                    settings = await self._recognised(asked, coming, digest, link.wish)
            finally:
                await asyncio.to_thread(coming.unlink, missing_ok=True)
            number = await self._bring(asked, settings)
        log.event("collect.file_taken", account=asked.account, octets=link.wish.octets)
        return told({"id": str(number)})

    async def _link(self, asked: Asked) -> _Link:
        octets = self._signer.read(asked.request.path_params["word"])
        if octets is not None:
            link = msgspec.json.decode(octets, type=_Link)
            until = unix_seconds(asked.services.clock.now()) + _LINK_SECONDS
            digest = hashlib.sha256(b"upload\0" + octets).digest()
            mine = (link.account, link.session) == (asked.account, asked.session.id)
            if mine and await asked.services.store.write(lambda tx: spend(tx, digest, until)):
                return link
        raise NotFound("This upload has ended. Choose the file once more.")

    def _check_room(self, asked: Asked, octets: int) -> None:
        most = self._settings.max_upload_octets
        if octets > most:
            raise TooLarge(f"A file may have {most} octets here. Give it in parts.")
        if self._uploaded.octets_of(asked.account) + octets > most:
            raise LimitReached("The mail of files given before comes first. Wait for its end.")
        disk = os.statvfs(self._data_dir)
        # Its mail lies there twice until it is here: in the file and in the mailboxes.
        if 2 * octets > disk.f_bavail * disk.f_frsize:
            raise NotAllowed("The server's disk has no room for that. Ask whoever runs it.")

    @asynccontextmanager
    async def _turn(self, asked: Asked) -> AsyncIterator[None]:
        """One file of an account at a time, at all workers together. Raises LimitReached."""
        if self._locks is None:
            path = self._data_dir / "run" / "upload.lock"
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._locks = MaildropLocks(path)
        if not self._locks.acquire(asked.account):
            raise LimitReached("A file is being sent just now. Wait for its end, or cancel it.")
        try:
            yield
        finally:
            self._locks.release(asked.account)

    @asynccontextmanager
    async def _thread_for_it(self) -> AsyncIterator[None]:
        """Other requests need threads, too. Raises Throttled."""
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._recognising.acquire()
        except TimeoutError:
            raise Throttled(
                "The server looks through files of others just now. Send it again in a few minutes."
            ) from None
        try:
            yield
        finally:
            self._recognising.release()

    async def _write(self, asked: Asked, path: Path, octets: int) -> str:
        """Exactly so many; their digest. Raises BadRemote for less or more."""
        summed, held, size = hashlib.sha256(), bytearray(), 0
        descriptor = await asyncio.to_thread(
            os.open, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )

        def write(piece: bytes, *, last: bool = False) -> None:
            summed.update(piece)
            view = memoryview(piece)
            while view:
                view = view[os.write(descriptor, view) :]
            if last:
                os.fsync(descriptor)

        try:
            async for piece in asked.request.stream():
                size += len(piece)
                if size > octets:
                    raise BadRemote("The file is longer than was said. Choose it once more.")
                held += piece
                if len(held) >= _PIECE:
                    await asyncio.to_thread(write, bytes(held))
                    held.clear()
            await asyncio.to_thread(write, bytes(held), last=True)
        except ClientDisconnect:
            raise BadRemote("The file did not come whole.") from None
        except OSError as error:
            raise Unavailable(
                "The server's disk does not take the file. Try again later."
            ) from error
        finally:
            os.close(descriptor)
        if size != octets:
            raise BadRemote("The file did not come whole. Choose it once more.")
        return summed.hexdigest()

    async def _recognised(
        self, asked: Asked, coming: Path, digest: str, wish: FileWish
    ) -> RemoteSettings:
        """At its place, if there is mail in it. Raises SourceFailure."""
        path = await asyncio.to_thread(
            self._uploaded.settle, coming, asked.account, digest, wish.name
        )
        settings = wish.settings(path)
        try:
            source = await open_files(
                self._data_dir / path, settings=self._settings, temporary=self._data_dir
            )
        except SourceFailure:
            await asyncio.to_thread(self._uploaded.discard, settings)
            raise
        await source.close()
        return settings

    async def _bring(self, asked: Asked, settings: RemoteSettings) -> RemoteId:
        """What was brought from the very same file does not come again."""
        known = find_same(await self._remotes.list_remotes(asked.account), settings.path)
        if known is not None:
            await self._remotes.change(known.id, replace(settings, label=known.label))
            await self._remotes.resume(known.id)
            return known.id
        for label in labels(settings.label):
            try:
                return await self._remotes.add(asked.account, replace(settings, label=label), None)
            except AlreadyExists:
                continue
        raise AlreadyExists("There are many of that name. Give the file another one.")
