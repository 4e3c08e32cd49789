"""What went wrong in the app, told by it: what kind of error and where, and nothing of the mail."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from pillarbox.errors import TooLarge
from pillarbox.net.problem import problem
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import CLIENT_ERRORS
from pillarbox.web.pace import Pace
from pillarbox.web.services import WebServices
from pillarbox.web.session import check_csrf, signed_in

log = get_logger("web")
_MOST_OCTETS = 8192  # of a report
_PER_HOUR = 30  # of one account and kind; a broken build would tell the same thing each second
_HOUR = 3600.0
_ENOUGH = "That is enough of reports for an hour."
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
_PLACE = re.compile(r"[A-Za-z0-9_./:-]{1,100}")
_ASSET = re.compile(r"/(?:assets/[A-Za-z0-9_.-]{1,100}|sw\.js)")
_ERROR = re.compile(r"[A-Z][A-Za-z]{2,30}(?:Error|Exception)\b")

# "late z39e6rum": why a message did not open, and what people are told to hand on.
_UNOPENED = re.compile(r"([a-z-]{2,20}) ([a-z0-9]{8})")


class _Report(msgspec.Struct, frozen=True):
    kind: str = ""
    where: str = ""
    text: str = ""
    build: str = ""


class _Forbidden(msgspec.Struct, frozen=True, rename="kebab"):
    effective_directive: str = ""
    blocked_uri: str = ""
    source_file: str = ""
    line_number: int = 0


class _Refused(msgspec.Struct, frozen=True):
    """As `report-uri` has it sent (CSP 3, section 5.3)."""

    report: _Forbidden = msgspec.field(name="csp-report")


class Reports:
    """One for a worker."""

    def __init__(self, services: WebServices) -> None:
        self._services = services
        # Each kind its own: a page that is refused much must not hide the errors of the app.
        self._errors = Pace(_PER_HOUR, _HOUR, _ENOUGH, services.clock)
        self._refused = Pace(_PER_HOUR, _HOUR, _ENOUGH, services.clock)

    async def post(self, request: Request) -> Response:
        """A line in the log, where there were not too many."""
        session = await signed_in(request, self._services)
        check_csrf(request, session)
        self._errors.take(session.account)
        octets = await _body(request)
        try:
            report = msgspec.json.decode(octets, type=_Report)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return problem(400, "A report is a JSON object of texts.")
        CLIENT_ERRORS.inc()
        log.warning_event("web.client_error", account=session.account, **told(report))
        return Response(status_code=204)

    async def post_refused(self, request: Request) -> Response:
        """What the app's policy forbade. The browser sends it by itself, without our word; it
        changes nothing but the log."""
        session = await signed_in(request, self._services)
        self._refused.take(session.account)
        octets = await _body(request)
        try:
            report = msgspec.json.decode(octets, type=_Refused).report
        except (msgspec.DecodeError, UnicodeDecodeError):
            return problem(400, "A report is what a browser sends about a policy.")
        CLIENT_ERRORS.inc()
        log.warning_event("web.policy_refused", account=session.account, **refused(report))
        return Response(status_code=204)


def told(report: _Report) -> dict[str, str]:
    """What is logged: words of a fixed form. The text may quote mail, so only the error's name and
    a number by which equal texts are known are taken from it. A message that did not open has a
    reason and a reference, which are no mail."""
    error = _ERROR.search(report.text)
    unopened = _UNOPENED.fullmatch(report.text) if report.kind == "open" else None
    return {
        "kind": report.kind if _KIND.fullmatch(report.kind) else "?",
        "where": report.where if _PLACE.fullmatch(report.where) else "?",
        "error": error[0] if error else "",
        "text": hashlib.sha256(report.text.encode(errors="replace")).hexdigest()[:12],
        "reason": unopened[1] if unopened else "",
        "reference": unopened[2] if unopened else "",
        "build": report.build if _KIND.fullmatch("b" + report.build) else "?",
    }


def refused(report: _Forbidden) -> dict[str, str]:
    """What is logged: which rule, what kind of thing, and where in our own files. Of an address
    only the scheme: the rest may come from mail."""
    at = _path_of(report.source_file)
    kind = report.blocked_uri.partition(":")[0]
    return {
        "rule": report.effective_directive if _KIND.fullmatch(report.effective_directive) else "?",
        "what": kind if _KIND.fullmatch(kind) else "?",
        "where": f"{at}:{report.line_number}" if _ASSET.fullmatch(at) else "?",
    }


def _path_of(address: str) -> str:
    try:
        return urlsplit(address).path if address.startswith("http") else ""
    except ValueError:  # what looks like an IPv6 address and is none
        return ""


async def _body(request: Request) -> bytes:
    """Raises TooLarge."""
    octets = b""
    async for piece in request.stream():
        octets += piece
        if len(octets) > _MOST_OCTETS:
            raise TooLarge(f"A report has at most {_MOST_OCTETS} octets.")
    return octets
