"""Every route that a server has, none named here by hand: what each answer forbids, the cookies it
gives, and what it does for another site's page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Route

from pillarbox.jmap.http.door import JmapDoor
from pillarbox.jmap.ids import account_id
from pillarbox.store.sql import accounts
from pillarbox.web.services import WebServices
from pillarbox.web.site import site_routes
from support.asgi import Answered, ask
from support.web_bench import HOST, WebBox

EVIL = {"origin": "https://evil.example", "sec_fetch_site": "cross-site"}
KINDS = ("application/x-www-form-urlencoded", "application/json", "text/plain", "")
# What a stranger may send without a word that only our pages know: it changes nobody's mail, and
# the sign-in by JSON is guarded by where it comes from alone.
FOR_ANYBODY = {
    "/client-error",
    "/policy-report",
    "/autodiscover/autodiscover.xml",
    "/Autodiscover/Autodiscover.xml",
    "/sign-in/passkey/options",
}


def all_routes(services: WebServices) -> list[Route]:
    """In the order in which `node` joins them."""
    door = JmapDoor(services.jmap, services.authenticator, services.sessions)
    routes = [*door.routes, *site_routes(services)]
    assert all(isinstance(one, Route) for one in routes)
    return [one for one in routes if isinstance(one, Route)]


class WholeBox(WebBox):
    """All pages, and alice signed in."""

    async def open(self) -> None:
        await super().open()
        await self.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
        self.serve(all_routes)
        self.routes = all_routes(self.services)

    def requests(self) -> Iterator[tuple[str, str, str]]:
        """Method, path as a template, and path as asked for."""
        mine = account_id(self.alice.id)
        given = {"accountId": mine, "blobId": "B1", "partId": "1", "id": "1", "path:path": "inbox"}
        for route in self.routes:
            path = route.path
            for name in route.param_convertors:
                for word in (name, f"{name}:path"):
                    path = path.replace(f"{{{word}}}", given.get(word, "x" * 24))
            if path == "/jmap/eventsource":
                path += "?types=*&closeafter=state&ping=0"
            for method in sorted(route.methods or ()):
                yield method, route.path, path

    async def look(self, path: str, method: str, signed_in: bool, **fields: str) -> Answered:
        fields = {"accept": "text/html", "last_event_id": "0", **fields}
        if signed_in:
            fields["cookie"] = self.cookie
        async with asyncio.timeout(60):
            return await ask(self.application, path, method=method, host=HOST, **fields)


@pytest.fixture
def box(tmp_path: Path) -> WholeBox:
    return WholeBox(tmp_path)


def directives(answer: Answered) -> dict[str, list[str]]:
    policy = answer.headers["content-security-policy"]
    parts = (part.split() for part in policy.split(";") if part.strip())
    return {name: sources for name, *sources in parts}


def check_shut(answer: Answered, where: str) -> None:
    """No script but ours, no frame around it, no guess at its type, no address told on."""
    policy = directives(answer)
    assert policy["default-src"] in (["'none'"], ["'self'"]), where
    script = policy.get("script-src", policy["default-src"])
    assert set(script) <= {"'none'", "'self'"}, (where, script)
    assert not set(policy.get("object-src", [])) - {"'none'"}, where
    assert policy["base-uri"] == ["'none'"], where
    assert policy["frame-ancestors"] in (["'none'"], ["'self'"]), where
    assert policy["form-action"] in (["'none'"], ["'self'"]), where
    assert answer.headers["x-content-type-options"] == "nosniff", where
    assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin"), where
    assert "access-control-allow-origin" not in answer.headers, where
    assert "max-age=" in answer.headers["strict-transport-security"], where
    assert "server" not in answer.headers, where


async def test_every_answer_is_shut(box: WholeBox) -> None:
    """To strangers and to alice, for each method, right or wrong."""
    seen = set()
    for method, template, path in box.requests():
        for signed_in in (False, True):
            answer = await box.look(path, method, signed_in)
            where = f"{method} {template}: {answer.status}"
            assert answer.status < 500, where
            check_shut(answer, where)
            seen.add(answer.status)
        wrong = await box.look(path, "PATCH", True)
        check_shut(wrong, f"PATCH {template}")
        assert wrong.status in (403, 405), template
    assert {200, 303, 401, 403, 404} <= seen


@pytest.mark.parametrize(
    ("path", "more", "status"),
    [
        ("/nothing/here", {}, 404),
        ("/assets/../../etc/passwd", {}, 404),
        ("/assets/..%2f..%2fetc/passwd", {}, 404),
        ("/", {"host": "evil.example"}, 421),
        ("/", {"host": "a b"}, 400),
        ("/sign-in", {"x": "y" * 40_000}, 431),
        ("/sign-in", {"method": "POST", "body": b"x" * 100_000}, 413),
    ],
)
async def test_errors_are_shut_as_well(
    box: WholeBox, path: str, more: dict[str, str], status: int
) -> None:
    given = {"host": HOST, "accept": "text/html", **more}
    answer = await ask(box.application, path, **given)  # type: ignore[arg-type]
    assert answer.status == status
    if status != 400:  # of no host, so of no origin either
        check_shut(answer, path)


async def test_every_cookie_is_for_this_host_and_out_of_reach(box: WholeBox) -> None:
    """Of whatever page: no script reads it, no other site sends it, no open line carries it."""
    names = set()
    for method, template, path in box.requests():
        answers = [await box.look(path, method, signed_in) for signed_in in (False, True)]
        answers.append(await box.look(f"{path}?lang=de", method, False))
        for cookie in (cookie for answer in answers for cookie in answer.set_cookies):
            name, *marks = cookie.split("; ")
            names.add(name.partition("=")[0])
            flags = {mark.lower() for mark in marks}
            assert {"path=/", "secure", "httponly"} <= flags, (template, cookie)
            assert flags & {"samesite=lax", "samesite=strict"}, (template, cookie)
            assert not any(flag.startswith("domain") for flag in flags), (template, cookie)
    assert names
    assert all(name.startswith("__Host-") for name in names), names


async def test_no_page_of_anothers_changes_anything(box: WholeBox) -> None:
    """With alice's cookie, whatever kind of body a form or a simple fetch can send."""
    tried = 0
    for method, template, path in box.requests():
        if method in ("GET", "HEAD"):
            continue
        for kind in KINDS:
            fields = {"content_type": kind} if kind else {}
            answer = await box.look(path, method, True, **EVIL, **fields)
            assert answer.status == 403, (method, template, kind, answer.status)
            tried += 1
    assert tried > 100


async def test_nothing_changes_without_the_word_that_our_pages_know(box: WholeBox) -> None:
    """For browsers that do not say where a request comes from. A letter is shown again: 409."""
    before = await box.store.read(lambda db: accounts.get(db, box.alice.id))
    for method, template, path in box.requests():
        if method in ("GET", "HEAD") or template in FOR_ANYBODY:
            continue
        for kind in KINDS:
            for word in ("", "x" * 43):
                fields = {"content_type": kind} if kind else {}
                fields |= {"x_csrf_token": word} if word else {}
                answer = await box.look(path, method, True, **fields)
                where = (method, template, kind, answer.status)
                is_led_away = answer.headers.get("location") == "/sign-in"
                assert is_led_away or answer.status in (400, 401, 403, 404, 409, 415), where
    assert await box.services.sessions.find(box.cookie.partition("=")[2]) is not None
    assert await box.store.read(lambda db: accounts.get(db, box.alice.id)) == before


async def test_nothing_of_alices_is_kept_by_a_proxy(box: WholeBox) -> None:
    """Only what is the same for everybody may be."""
    for method, template, path in box.requests():
        if method != "GET" or template.startswith(("/assets/", "/sw.js", "/compose-page")):
            continue
        answer = await box.look(path, method, True)
        kept = answer.headers.get("cache-control", "")
        is_public = "public" in kept or ("max-age" in kept and "private" not in kept)
        personal = template.startswith(("/m/", "/jmap", "/account", "/basic", "/mail/{", "/img"))
        if personal:
            assert not is_public, (template, kept)
            assert kept, template
