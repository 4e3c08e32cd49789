"""Lists: a folder, or what a search finds; fifty messages on a page."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pillarbox.errors import NotFound
from pillarbox.web.basic.desk import FOLDERS, AskedCall, Desk, list_path, read_frame

ROWS = 50
_MOST_WORDS = 500  # characters of a search
_MOST_PAGE = 1_000_000
SORT = [{"property": "receivedAt", "isAscending": False}]
_SHOWN = ["id", "subject", "from", "to", "receivedAt", "keywords", "hasAttachment", "preview"]


class Listing:
    """One for a worker."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get(self, request: Request) -> Response:
        """A page of a list; the Inbox's where nothing else is asked for."""
        session = await self._desk.enter(request)
        place, words, page = place_of(request.query_params)
        frame = await self._desk.frame(session)
        folder = frame.with_id(place) if place else None
        if folder is None and not words:
            folder = frame.with_role("inbox")
        if folder is None and (place or not words):
            raise NotFound("There is no such folder.")
        inside = folder.id if folder is not None else ""
        answers = await self._desk.call(session, *_calls(filter_of(inside, words), page), *FOLDERS)
        total = answers["list"]["total"]
        pages = max(1, -(-total // ROWS))
        return self._desk.show(
            request,
            "list.html",
            session,
            read_frame(answers),
            folder=folder,
            words=words,
            rows=_in_order(answers),
            total=total,
            state=answers["list"]["queryState"],
            page=page,
            pages=pages,
            path=lambda number: list_path(inside, words, number),
            all_path=list_path(inside, words, page, mark="page"),
            is_marked=request.query_params.get("mark") == "page",
            shows_recipients=folder is not None and folder.role in ("sent", "drafts"),
            operation=await self._operation(request, session),
        )

    async def _operation(self, request: Request, session: Any) -> dict[str, Any] | None:
        """The server's operation that the page before began, as far as it is now."""
        wanted = request.query_params.get("operation", "")[:40]
        if not wanted:
            return None
        call = ("BulkOperation/get", {"ids": [wanted]}, "operation")
        found = (await self._desk.call(session, call))["operation"]["list"]
        return found[0] if found else None


def place_of(given: Any) -> tuple[str, str, int]:
    """Folder, words and page, from an address or a form."""
    number = given.get("page", "")
    page = int(number) if number.isascii() and number.isdecimal() and len(number) < 8 else 1
    words = given.get("q", "").strip()[:_MOST_WORDS]
    return given.get("in", "")[:40], words, min(max(page, 1), _MOST_PAGE)


def filter_of(folder: str, words: str) -> dict[str, Any]:
    """What is in a list (RFC 8621 §4.4.1)."""
    given: dict[str, Any] = {}
    if folder:
        given["inMailbox"] = folder
    if words:
        given["text"] = words
    return given


def _calls(wanted: dict[str, Any], page: int) -> tuple[AskedCall, AskedCall]:
    query = {
        "filter": wanted,
        "sort": SORT,
        "position": (page - 1) * ROWS,
        "limit": ROWS,
        "calculateTotal": True,
    }
    listed = {"resultOf": "list", "name": "Email/query", "path": "/ids"}
    return (
        ("Email/query", query, "list"),
        ("Email/get", {"#ids": listed, "properties": _SHOWN}, "emails"),
    )


def _in_order(answers: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    by_id = {one["id"]: one for one in answers["emails"]["list"]}
    return [by_id[one] for one in answers["list"]["ids"] if one in by_id]
