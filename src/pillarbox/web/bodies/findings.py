"""What this server found out about a sender at delivery (RFC 8601), and nothing that a message says
of itself: mail that was not judged here, or was brought from elsewhere, may say anything.
"""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.errors import NotFound
from pillarbox.jmap.blobs import MESSAGE_TYPE, find_blob
from pillarbox.jmap.ids import account_id
from pillarbox.message.header import pick
from pillarbox.trust.authres import parse
from pillarbox.web.services import WebServices
from pillarbox.web.session import signed_in

_FIELD = b"authentication-results"
_MISSING = "There is no such message. It may have been deleted."
_KEPT = {"Cache-Control": "private, max-age=31536000, immutable"}  # it is found out once


class Findings:
    """One for a worker."""

    def __init__(self, services: WebServices) -> None:
        self._services = services
        self._authserv_id = (services.settings.trust.authserv_id or services.hostname).lower()

    async def get(self, request: Request) -> Response:
        """The values of our own fields."""
        session = await signed_in(request, self._services)
        if request.path_params["accountId"] != account_id(session.account):
            raise NotFound(_MISSING)
        blob = await find_blob(self._services.store, session.account, request.path_params["blobId"])
        if blob is None or blob.type != MESSAGE_TYPE or blob.part is not None:
            raise NotFound(_MISSING)
        trace = await blob.source.octets.read(0, blob.source.trace)
        values = pick(trace, frozenset((_FIELD,))).get(_FIELD, [])
        ours = [value.decode(errors="replace") for value in values if self._is_ours(value)]
        told = msgspec.json.encode({"fields": ours})
        return Response(told, media_type="application/json", headers=_KEPT)

    def _is_ours(self, value: bytes) -> bool:
        told = parse(value)
        return told is not None and told.authserv_id == self._authserv_id


def routes(services: WebServices) -> list[BaseRoute]:
    """For the area of bodies."""
    found = Findings(services)
    return [Route("/m/{accountId}/{blobId}/findings", found.get, methods=["GET"])]
