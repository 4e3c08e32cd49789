"""The first request of the app, answered within its page: the list needs no round trip more."""

from __future__ import annotations

import asyncio
from typing import Any

from pillarbox.accounts.identity import Identity
from pillarbox.ids import MailboxId
from pillarbox.jmap.context import Context, Services
from pillarbox.jmap.dispatch import run_request
from pillarbox.jmap.ids import account_id, mailbox_id
from pillarbox.jmap.references import Response
from pillarbox.jmap.registry import KNOWN
from pillarbox.jmap.request import Call, Request
from pillarbox.jmap.session import session_state
from pillarbox.telemetry.log import get_logger

log = get_logger("web")
ROWS = 50  # a tall window of the densest list
_SECONDS = 1.5  # after which the page goes without; the app asks itself then
_FIRST_PROPERTIES = [
    *("id", "blobId", "threadId", "mailboxIds", "keywords", "size", "receivedAt", "subject"),
    *("from", "to", "hasAttachment", "preview"),
]
Arguments = dict[str, Any]


async def first_batch(
    services: Services,
    identity: Identity,
    origin: str,
    *,
    inbox: MailboxId | None,
    is_collapsed: bool,
) -> dict[str, Any] | None:
    """The query and the answers, as the app would have got them; None where it takes too long.

    `inbox`: None: no list is wanted.
    """
    query = _query(inbox, is_collapsed=is_collapsed) if inbox is not None else None
    request = Request(tuple(sorted(KNOWN)), _calls(account_id(identity.account), query))
    ctx = Context(services, identity, KNOWN)
    try:
        async with asyncio.timeout(_SECONDS):
            responses = await run_request(request, ctx)
    except TimeoutError:
        log.warning_event("web.first_list_late", seconds=_SECONDS)
        return None
    _say_once(responses)
    state = session_state(services, identity, origin)
    return {"query": query, "response": {"methodResponses": responses, "sessionState": state}}


def _say_once(responses: list[Response]) -> None:
    """Of a conversation of one message all was told with its row."""
    told = {tag: answer for name, answer, tag in responses if name == "Email/get"}
    if "members" in told:
        rows = {one["id"] for one in told["emails"]["list"]}
        told["members"]["list"] = [one for one in told["members"]["list"] if one["id"] not in rows]


def _query(inbox: MailboxId, *, is_collapsed: bool) -> Arguments:
    return {
        "filter": {"inMailbox": mailbox_id(inbox)},
        "sort": [{"property": "receivedAt", "isAscending": False}],
        "collapseThreads": is_collapsed,
    }


def _calls(account: str, query: Arguments | None) -> tuple[Call, ...]:
    def call(name: str, tag: str, **arguments: Any) -> Call:
        return Call(name, {"accountId": account, **arguments}, tag)

    calls = [call("Mailbox/get", "mailboxes", ids=None), call("Quota/get", "quotas", ids=None)]
    if query is None:
        return tuple(calls)
    listed = _of("list", "Email/query", "/ids")
    threads = _of("emails", "Email/get", "/list/*/threadId")
    members = _of("threads", "Thread/get", "/list/*/emailIds")
    return (
        *calls,
        call("Email/query", "list", **query, position=0, limit=ROWS, calculateTotal=True),
        call("Email/get", "emails", **{"#ids": listed}, properties=_FIRST_PROPERTIES),
        call("Thread/get", "threads", **{"#ids": threads}),
        call("Email/get", "members", **{"#ids": members}, properties=_FIRST_PROPERTIES),
    )


def _of(tag: str, name: str, path: str) -> Arguments:
    return {"resultOf": tag, "name": name, "path": path}
