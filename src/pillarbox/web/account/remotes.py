"""Mail at other providers that comes here: tried, added, watched, steered, taken back, removed.

Where it may be gone to `flow.collect.dial` decides. A password is taken, sealed, and never told.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from msgspec.structs import replace
from starlette.responses import Response
from starlette.routing import BaseRoute

from pillarbox.accounts.vault import VaultClosed
from pillarbox.errors import AlreadyExists, NotAllowed, NotFound, Unavailable
from pillarbox.flow.collect.remotes import Remote
from pillarbox.flow.collect.settings import BadRemote, RemoteSettings, SignIn
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.flow.collect.undoing import Undoing
from pillarbox.flow.collect.uploaded import Uploaded
from pillarbox.ids import RemoteId
from pillarbox.net.problem import problem
from pillarbox.store.sql import collected
from pillarbox.telemetry.log import get_logger
from pillarbox.web.account.asked import Asked, Endpoint, done, route, told
from pillarbox.web.account.remote_files import Files
from pillarbox.web.account.remote_labels import labels
from pillarbox.web.account.remote_look import Looking
from pillarbox.web.account.remote_oauth import Permissions
from pillarbox.web.account.remote_shown import shown
from pillarbox.web.account.remote_wish import Choices, Password, Wish
from pillarbox.web.services import Elsewhere, WebServices

log = get_logger("collect")


def routes(services: WebServices) -> list[BaseRoute]:
    """remotes."""
    elsewhere = services.elsewhere
    if elsewhere is None or not services.settings.collect.enabled:
        return []  # the page says that this server fetches nothing
    looking = Looking(services, elsewhere)
    settings = services.settings.collect
    undoing = Undoing(services.store, elsewhere.remotes, settings, services.clock)
    services.ending.append(undoing.close)
    uploaded = Uploaded(Path(services.settings.store.data_dir))
    permissions = Permissions(services, elsewhere.remotes, elsewhere.oauth, looking)
    desk = _Desk(elsewhere, looking, undoing, uploaded, permissions)
    files = Files(services, elsewhere.remotes)
    fresh = partial(route, services, method="POST", fresh=True)
    return [
        route(services, "remotes", "GET", desk.get_all),
        fresh("remotes", endpoint=_telling(desk.add)),
        route(services, "remotes/find", "POST", _telling(looking.find)),
        fresh("remotes/test", endpoint=_telling(looking.test)),
        fresh("remotes/files", endpoint=_telling(files.begin)),
        route(services, "remotes/files/{word}", "POST", _telling(files.take)),
        fresh("remotes/oauth", endpoint=_telling(permissions.begin)),
        route(services, "remotes/oauth", "GET", permissions.back),
        route(services, "remotes/{id}/look", "POST", _telling(desk.look)),
        route(services, "remotes/{id}", "PUT", _telling(desk.choose), fresh=True),
        fresh("remotes/{id}/password", endpoint=_telling(desk.set_password)),
        route(services, "remotes/{id}/run", "POST", _telling(desk.run)),
        route(services, "remotes/{id}/pause", "POST", desk.pause),
        route(services, "remotes/{id}/undo", "POST", desk.undo),
        route(services, "remotes/{id}", "DELETE", desk.remove),
    ]


def _telling(endpoint: Endpoint) -> Endpoint:
    """What another server says, and settings that cannot be, are answers and no faults."""

    async def answered(asked: Asked) -> Response:
        try:
            return await endpoint(asked)
        except SourceFailure as failure:
            return problem(422, str(failure), reason=failure.trouble)
        except BadRemote as error:
            return problem(422, str(error), reason="settings")
        except TimeoutError:
            return problem(422, "Nothing was heard in time. Try again later.", reason="cut")
        except VaultClosed as error:
            raise Unavailable(str(error)) from error

    return answered


class _Desk:
    def __init__(
        self,
        elsewhere: Elsewhere,
        looking: Looking,
        undoing: Undoing,
        uploaded: Uploaded,
        permissions: Permissions,
    ) -> None:
        self._remotes = elsewhere.remotes
        self._looking = looking
        self._undoing = undoing
        self._uploaded = uploaded
        self._permissions = permissions

    async def get_all(self, asked: Asked) -> Response:
        """In the order in which they were added."""
        found = await self._remotes.list_remotes(asked.account)
        return told([await self._shown(asked, one) for one in found])

    async def _shown(self, asked: Asked, remote: Remote) -> dict[str, object]:
        runs = await self._remotes.runs(remote.id, 1)
        brought = None
        if not remote.is_running:
            brought = await asked.services.store.scan(
                lambda db: collected.count_brought(db, remote.id)
            )
        can_run = remote.settings.kind != "file" or await self._has_file(remote)
        return shown(remote, runs[0] if runs else None, brought) | {"canRun": can_run}

    async def _has_file(self, remote: Remote) -> bool:
        return await asyncio.to_thread(self._uploaded.is_here, remote.settings)

    async def add(self, asked: Asked) -> Response:
        """Its first run begins at once. Raises BadRemote, AlreadyExists, LimitReached."""
        wish = await asked.body(Wish)
        settings = wish.settings()
        self._looking.count(asked)
        sign_in = wish.sign_in()
        known = await self._remotes.find_place(asked.account, settings)
        if known is None:
            number = await self._added(asked, settings, sign_in)
        elif known.settings.once:  # what was brought from there does not come again
            number = known.id
            await self._remotes.go_on(number, replace(settings, label=known.label), sign_in)
        else:
            raise AlreadyExists(f"Mail is fetched from there already, as {known.label}.")
        host = settings.server.host if settings.server is not None else ""
        log.event("collect.added", account=asked.account, remote=number, host=host)
        return told({"id": str(number)})

    async def _added(self, asked: Asked, settings: RemoteSettings, sign_in: SignIn) -> RemoteId:
        for label in labels(settings.label):
            try:
                named = replace(settings, label=label)
                return await self._remotes.add(asked.account, named, sign_in)
            except AlreadyExists:
                continue
        raise AlreadyExists("There are many of that name. Choose another one.")

    async def look(self, asked: Asked) -> Response:
        """What would come, with the sign-in that is kept. Raises SourceFailure, VaultClosed."""
        return await self._looking.again(asked, await self._mine(asked))

    async def choose(self, asked: Asked) -> Response:
        """Other settings for the same place, and it begins. Raises BadRemote, AlreadyExists."""
        remote = await self._mine(asked)
        choices = await asked.body(Choices)
        self._looking.count(asked)
        settings = choices.made_of(remote.settings)
        await self._permissions.check_sending(remote.id, settings)
        await self._remotes.change(remote.id, settings)
        await self._remotes.resume(remote.id)
        return done()

    async def set_password(self, asked: Asked) -> Response:
        """What waited for it goes on."""
        remote = await self._mine(asked)
        given = await asked.body(Password)
        self._looking.count(asked)
        await self._remotes.set_sign_in(remote.id, given.sign_in(remote.settings.login))
        return done()

    async def run(self, asked: Asked) -> Response:
        """Now, and by itself from then on unless it is for once."""
        remote = await self._mine(asked)
        self._looking.count(asked)
        if remote.settings.uploaded and not await self._has_file(remote):
            raise NotAllowed("The file is no longer here. Give it once more.")
        await self._remotes.resume(remote.id)
        return done()

    async def pause(self, asked: Asked) -> Response:
        """Until it is run again."""
        await self._remotes.pause((await self._mine(asked)).id)
        return done()

    async def undo(self, asked: Asked) -> Response:
        """It begins; how far it is stands in the list. Raises NotAllowed."""
        remote = await self._mine(asked)
        await self._undoing.begin(remote)
        log.event("collect.undo_begun", account=asked.account, remote=remote.id)
        return done()

    async def remove(self, asked: Asked) -> Response:
        """With its password; what it brought stays."""
        remote = await self._mine(asked)
        await self._remotes.remove(remote.id)
        await asyncio.to_thread(self._uploaded.discard, remote.settings)
        log.event("collect.removed", account=asked.account, remote=remote.id)
        return done()

    async def _mine(self, asked: Asked) -> Remote:
        """Raises NotFound: another's is as one that nobody has."""
        remote = await self._remotes.get(RemoteId(asked.number()))
        if remote.account != asked.account:
            raise NotFound("There is nothing of that name.")
        return remote
