"""The app's page: what is in it, for whom, and that nothing of the mail gets out of its place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import StreamingResponse
from starlette.routing import Route

from pillarbox.errors import Unavailable
from pillarbox.store.sql import web_people
from pillarbox.web.app import first, reports
from pillarbox.web.app.build import find_build
from pillarbox.web.app.reports import Reports
from pillarbox.web.app.shell import POLICY_REPORTS, Shell, data_block
from support.built import write_build
from support.store_box import letter
from support.web_bench import WebBox


class Blocks(HTMLParser):
    """The JSON of a page's data blocks, as a browser finds them."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: dict[str, Any] = {}
        self._name = ""
        self.scripts = 0
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and given.get("type") == "application/json":
            self._name = given["id"] or ""
        elif tag == "script":
            self.scripts += 1

    def handle_endtag(self, tag: str) -> None:
        self._name = ""

    def handle_data(self, data: str) -> None:
        if self._name:
            self.found[self._name] = json.loads(data)


def served(folder: Path, work: Callable[[WebBox], Awaitable[None]], *, built: bool = True) -> None:
    async def main() -> None:
        async with WebBox(folder) as box:
            build = find_build(write_build(folder)) if built else None
            shell, told = Shell(box.services, build), Reports(box.services)
            box.serve(
                lambda _: [
                    Route("/mail/{path:path}", shell.get, methods=["GET"]),
                    Route("/client-error", told.post, methods=["POST"]),
                    Route(POLICY_REPORTS, told.post_refused, methods=["POST"]),
                ]
            )
            await work(box)

    asyncio.run(main())


def test_the_first_list_is_in_the_page(tmp_path: Path) -> None:
    async def work(box: WebBox) -> None:
        await box.fill(60)
        found = await box.ask("/mail/")
        assert found.status == 200
        assert found.headers["cache-control"] == "no-store"
        blocks = Blocks(found.body)
        assert blocks.scripts == 1
        session, list_ = blocks.found["session"], blocks.found["first"]
        assert session["login"] == "alice@example.org"
        assert session["csrf"] == box.session.csrf
        assert session["session"]["apiUrl"] == "https://mail.example.org/jmap/api"
        answers = {tag: (name, told) for name, told, tag in list_["response"]["methodResponses"]}
        assert [name for name, _ in answers.values()] == [
            *("Mailbox/get", "Quota/get", "Email/query", "Email/get", "Thread/get", "Email/get")
        ]
        assert answers["list"][1]["total"] == 60
        assert len(answers["emails"][1]["list"]) == first.ROWS
        assert answers["emails"][1]["list"][0]["subject"] == "Letter 59"
        # What was told with a row is not told again with its conversation.
        assert answers["members"][1]["list"] == []
        assert list_["response"]["sessionState"] == session["session"]["state"]
        # The app takes the list for its own only where it would have asked for the same.
        asked = await box.call("Email/query", **list_["query"], limit=first.ROWS)
        assert asked["ids"] == answers["list"][1]["ids"]

    served(tmp_path, work)


@pytest.mark.parametrize(
    ("path", "is_listed"),
    [("/mail/inbox", True), ("/mail/inbox/M1", True), ("/mail/trash", False), ("/mail/s/x", False)],
)
def test_other_places_have_no_list(tmp_path: Path, path: str, is_listed: bool) -> None:
    async def work(box: WebBox) -> None:
        list_ = Blocks((await box.ask(path)).body).found["first"]
        tags = {tag for _, _, tag in list_["response"]["methodResponses"]}
        assert {"mailboxes", "quotas"} <= tags
        assert (("list" in tags), (list_["query"] is not None)) == (is_listed, is_listed)

    served(tmp_path, work)


def test_conversations_can_be_off(tmp_path: Path) -> None:
    async def work(box: WebBox) -> None:
        kept = b'{"conversations":false,"theme":"dark"}'
        await box.store.write(lambda tx: web_people.set_preferences(tx, box.alice.id, kept))
        found = Blocks((await box.ask("/mail/")).body).found
        assert found["session"]["preferences"]["theme"] == "dark"
        assert found["first"]["query"]["collapseThreads"] is False

    served(tmp_path, work)


def test_mail_stays_inside_its_block(tmp_path: Path) -> None:
    subject = "</script><script src=//evil.example></script><!-- & \u2028 <script"

    async def work(box: WebBox) -> None:
        await box.append(
            letter("=?utf-8?q?" + "".join(f"={o:02X}" for o in subject.encode()) + "?=")
        )
        found = await box.ask("/mail/")
        blocks = Blocks(found.body)
        assert blocks.scripts == 1
        answers = {
            tag: told for _, told, tag in blocks.found["first"]["response"]["methodResponses"]
        }
        assert answers["emails"]["list"][0]["subject"] == subject
        assert b"<script src" not in found.body
        assert found.body.count(b"</script") == 3

    served(tmp_path, work)


def test_a_block_holds_no_markup() -> None:
    block = data_block("x", {"a": "<>&\u2028\u2029"})
    assert block == (
        '<script type="application/json" id="x">'
        '{"a":"\\u003c\\u003e\\u0026\\u2028\\u2029"}</script>'
    )


def test_the_policy_of_the_page(tmp_path: Path) -> None:
    async def work(box: WebBox) -> None:
        policy = (await box.ask("/mail/")).headers["content-security-policy"]
        rules = dict(rule.partition(" ")[::2] for rule in policy.split("; "))
        assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
        assert rules["script-src"] == rules["style-src"] == "'self'"
        assert rules["require-trusted-types-for"] == "'script'"
        assert "unsafe" not in policy

    served(tmp_path, work)


def test_who_is_not_signed_in_is_led_there_and_back(tmp_path: Path) -> None:
    async def work(box: WebBox) -> None:
        found = await box.ask("/mail/inbox/M1", signed_in=False)
        assert found.status == 303
        assert found.headers["location"] == "/sign-in?next=/mail/inbox/M1"
        assert b"alice" not in found.body

    served(tmp_path, work)


def test_without_a_build_there_are_pages_without_scripts(tmp_path: Path) -> None:
    async def work(box: WebBox) -> None:
        found = await box.ask("/mail/")
        assert (found.status, found.headers["location"]) == (303, "/basic/")

    served(tmp_path, work, built=False)


def test_a_slow_store_does_not_keep_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def for_ever(*_: object) -> list[Any]:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(first, "_SECONDS", 0.01)
    monkeypatch.setattr(first, "run_request", for_ever)

    async def work(box: WebBox) -> None:
        assert set(Blocks((await box.ask("/mail/")).body).found) == {"session"}

    served(tmp_path, work)


def test_the_page_begins_before_its_list_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the app is on its way meanwhile; a list that cannot be read is left out."""
    begun: list[str] = []
    pieces_before: list[int] = []

    async def refused(*_: object, **__: object) -> None:
        pieces_before.append(len(begun))
        raise Unavailable

    async def noted(body: Any) -> Any:
        async for piece in body:
            begun.append(piece)
            yield piece

    monkeypatch.setattr("pillarbox.web.app.shell.first_batch", refused)

    async def work(box: WebBox) -> None:
        assert set(Blocks((await box.ask("/mail/")).body).found) == {"session"}

    plain = StreamingResponse

    def response(pieces: Any, **rest: Any) -> Any:
        return plain(noted(pieces), **rest)

    monkeypatch.setattr("pillarbox.web.app.shell.StreamingResponse", response)
    served(tmp_path, work)
    assert pieces_before == [1]


def report(**told: str) -> bytes:
    return json.dumps(told).encode()


def test_errors_of_the_app_are_counted_and_quote_no_mail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(box: WebBox) -> None:
        async def post(body: bytes, csrf: str = box.session.csrf) -> int:
            found = await box.ask(
                "/client-error", method="POST", body=body, accept="*/*", x_csrf_token=csrf
            )
            return found.status

        secret = "TypeError: cannot read 'Dear Bob, the key is under the mat'"
        body = report(kind="watchdog", where="reader/Frame.svelte:12", text=secret, build="b1")
        assert await post(body) == 204
        assert await post(body, csrf="wrong") == 403
        assert await post(b"no json") == 400
        assert await post(report(kind="x" * 9000)) == 413
        for _ in range(reports._PER_HOUR):
            last = await post(body)
        assert last == 429
        await box.clock.advance(reports._HOUR + 1)
        assert await post(body) == 204
        assert (await box.ask("/client-error", method="POST", signed_in=False)).status == 303

    with caplog.at_level("WARNING"):
        served(tmp_path, work)
    logged = [record.__dict__ for record in caplog.records]
    assert "mat" not in str(logged)
    assert "TypeError" in str(logged)


def test_what_the_policy_forbade_is_counted_and_quotes_no_mail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(box: WebBox) -> None:
        async def post(body: bytes, **more: Any) -> int:
            kind = "application/csp-report"
            given = {"method": "POST", "body": body, "content_type": kind, "accept": "*/*"}
            return (await box.ask(POLICY_REPORTS, **given, **more)).status

        told = {
            "effective-directive": "img-src",
            "blocked-uri": "https://secret.example/bob?under-the-mat",
            "source-file": "https://mail.example.org/assets/app-1.js",
            "line-number": 7,
            "script-sample": "Dear Bob",
        }
        body = json.dumps({"csp-report": told}).encode()
        assert await post(body) == 204
        odd = {"source-file": "https://x.example/under-the-mat", "effective-directive": "Dear Bob"}
        assert await post(json.dumps({"csp-report": odd}).encode()) == 204
        odd["source-file"] = "http://[bad"
        assert await post(json.dumps({"csp-report": odd}).encode()) == 204
        assert await post(b'{"csp-report": 1}') == 400
        assert await post(b"{}") == 400
        assert await post(b"x" * 9000) == 413
        assert await post(body, signed_in=False) in (303, 401)
        assert await post(body, sec_fetch_site="cross-site") == 403
        for _ in range(reports._PER_HOUR):
            last = await post(body)
        assert last == 429

    with caplog.at_level("WARNING"):
        served(tmp_path, work)
    logged = str([record.__dict__ for record in caplog.records])
    assert "mat" not in logged.replace("format", "") and "Dear" not in logged
    assert "/assets/app-1.js:7" in logged and "img-src" in logged


def test_what_the_policy_forbids_does_not_hide_errors(tmp_path: Path) -> None:
    async def work(box: WebBox) -> None:
        refused = {"method": "POST", "body": b'{"csp-report": {}}', "accept": "*/*"}
        for _ in range(reports._PER_HOUR):
            assert (await box.ask(POLICY_REPORTS, **refused)).status == 204
        assert (await box.ask(POLICY_REPORTS, **refused)).status == 429
        error = {"method": "POST", "body": report(kind="error"), "accept": "*/*"}
        found = await box.ask("/client-error", x_csrf_token=box.session.csrf, **error)
        assert found.status == 204

    served(tmp_path, work)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"kind": "chunk-load"}, {"kind": "chunk-load", "error": ""}),
        ({"kind": "a\nb", "where": "<b>"}, {"kind": "?", "where": "?"}),
        ({"text": "Uncaught RangeError: x"}, {"error": "RangeError"}),
        ({"build": "0a1b"}, {"build": "0a1b"}),
        ({"kind": "open", "text": "late z39e6rum"}, {"reason": "late", "reference": "z39e6rum"}),
        ({"kind": "open", "text": "Dear Bob, z39e6rum"}, {"reason": "", "reference": ""}),
        ({"kind": "error", "text": "late z39e6rum"}, {"reference": ""}),
    ],
)
def test_what_is_logged_has_a_fixed_form(given: dict[str, str], shown: dict[str, str]) -> None:
    told = reports.told(reports._Report(**given))
    assert {name: told[name] for name in shown} == shown
