"""/account/approvals: the browser that is signed in says whether it is its owner who waits."""

from __future__ import annotations

from typing import Literal

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute

from pillarbox.accounts.history import Attempt
from pillarbox.accounts.recovery_approval import WAY, Answer, Approving
from pillarbox.telemetry.log import get_logger
from pillarbox.web.account.asked import Asked, route, told
from pillarbox.web.recovery.desk import Desk
from pillarbox.web.session import check_fresh

log = get_logger("web")


class _Chosen(msgspec.Struct, forbid_unknown_fields=True):
    number: int | None  # None: it is somebody else


async def decide(asked: Asked, approving: Approving, number: int, chosen: int | None) -> Answer:
    """What was chosen counts, is kept in the history, and a yes is told to the owner.

    Raises NotFound.
    """
    answer, ask = await approving.answer(asked.session, number, chosen)
    log.event(f"web.approval_{answer}", account=asked.account, peer=ask.peer)
    outcome: Literal["approved", "failed"] = "approved" if answer == "approved" else "failed"
    asked.services.history.note(Attempt(asked.account, "web", ask.peer, ask.agent, outcome, WAY))
    if answer == "approved":
        await asked.tell_owner("approval", ask.peer)
    return answer


def routes(desk: Desk) -> list[BaseRoute]:
    """Below /account/approvals; what is asked comes by the event source (`jmap.approval_news`)."""

    async def answer(asked: Asked) -> Response:
        """The number that was chosen. No is said without more ado; yes is only for who has shown
        lately who it is. Raises ConfirmNeeded, NotFound."""
        chosen = (await asked.body(_Chosen)).number
        if chosen is not None:
            check_fresh(asked.session, asked.services)
        answer = await decide(asked, desk.approving, asked.number(), chosen)
        return told({"answer": answer})

    async def look(asked: Asked) -> Response:
        """The owner has just asked in another browser: what waits quietly comes up here."""
        return told({"waiting": await desk.approving.look(asked.session)})

    if not desk.settings.by_device:
        return []
    return [
        route(desk.services, "approvals/look", "POST", look),
        route(desk.services, "approvals/{id}", "POST", answer),
    ]
