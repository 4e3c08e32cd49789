"""What every request passes and every answer carries, without sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pillarbox.config.web import WebSettings
from pillarbox.errors import Unavailable
from pillarbox.web.application import make_application
from pillarbox.web.failures import PAGE_POLICY
from pillarbox.web.headers import SECURITY
from support.asgi import Answered, ask
from support.fake_clock import FakeClock


async def whoami(request: Request) -> Response:
    told = {name: request.scope[f"pillarbox.{name}"] for name in ("peer", "local", "secure")}
    return PlainTextResponse(json.dumps(told | {"scheme": request.scope["scheme"]}))


async def broken(_request: Request) -> Response:
    raise RuntimeError("a bug that names /var/secret")


async def away(_request: Request) -> Response:
    raise Unavailable


async def framed(_request: Request) -> Response:
    return PlainTextResponse("", headers={"X-Frame-Options": "SAMEORIGIN"})


APPLICATION = make_application(
    [
        Route("/", whoami, methods=["GET", "POST"]),
        Route("/broken", broken),
        Route("/away", away),
        Route("/framed", framed),
    ],
    clock=FakeClock(),
    settings=WebSettings(hosts=("Webmail.example.org.",), proxies=("198.51.100.1", "198.51.100.2")),
    hosts=("mail.example.org",),
    is_certified=lambda name: name == "pop.example.org",
)


def answer(path: str = "/", **more: Any) -> Answered:
    return asyncio.run(ask(APPLICATION, path, **more))


@pytest.mark.parametrize(
    ("path", "more", "status"),
    [
        ("/", {}, 200),
        ("/nothing", {}, 404),
        ("/", {"method": "DELETE"}, 405),
        ("/broken", {}, 500),
        ("/away", {}, 503),
        ("/", {"host": "evil.example"}, 421),
        ("/", {"host": None}, 400),
        ("/", {"method": "POST", "origin": "https://evil.example"}, 403),
    ],
)
def test_every_answer_is_shut(path: str, more: dict[str, Any], status: int) -> None:
    for accept in ("*/*", "text/html,application/xhtml+xml"):
        found = answer(path, accept=accept, **more)
        assert found.status == status
        is_page = status != 200 and "html" in accept
        for name, value in SECURITY.items():
            of_a_page = is_page and name == b"content-security-policy"
            expected = PAGE_POLICY if of_a_page else value.decode()
            assert found.headers[name.decode()] == expected
        assert found.headers["date"].endswith("GMT")
        assert "access-control-allow-origin" not in found.headers
        if status != 200:
            page = "html" if "html" in accept else "problem+json"
            assert page in found.headers["content-type"]
            assert b"secret" not in found.body


def test_a_wrong_address_is_told_in_the_languages_of_people() -> None:
    found = answer("/nothing", accept="text/html", accept_language="de-AT,de;q=0.9")
    assert b'lang="de"' in found.body
    assert b"Keine Seite hat diese Adresse" in found.body
    assert "There is nothing here" in answer("/nothing", accept="text/html").body.decode()


def test_problems_say_what_to_do() -> None:
    told = json.loads(answer("/", host="evil.example").body)
    assert (told["status"], told["title"]) == (421, "Misdirected Request")
    assert "web.hosts" in told["detail"]
    assert answer("/away").headers["retry-after"] == "10"
    assert answer("/", method="DELETE").headers["allow"]


def test_an_answers_own_header_is_kept_and_stands_once() -> None:
    assert answer("/framed").headers["x-frame-options"] == "SAMEORIGIN"


def test_strict_transport_is_for_names_that_others_ask_for() -> None:
    assert "strict-transport-security" in answer().headers
    assert "strict-transport-security" not in answer(host="localhost:2443").headers
    assert "strict-transport-security" not in answer(scheme="http").headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("mail.example.org", 200),
        ("MAIL.example.org:8443", 200),
        ("mail.example.org.", 200),
        ("webmail.example.org", 200),
        ("pop.example.org", 200),
        ("localhost", 200),
        ("127.0.0.1:443", 200),
        ("[::1]:443", 200),
        ("mail.example.org.evil.example", 421),
        ("evil.example/mail.example.org", 400),
        ("mail.example.org@evil.example", 400),
        ("mail.example.org:443:1", 400),
        ("mail.example.org:evil", 400),
        ("mail.example.org evil", 400),
        ("mail.example.org\\evil", 400),
        ("", 400),
        ("192.0.2.1", 421),
        ("x" * 300, 400),
    ],
)
def test_hosts(host: str, status: int) -> None:
    assert answer(host=host).status == status


def test_a_forwarded_host_is_nothing() -> None:
    assert answer(host="mail.example.org", x_forwarded_host="evil.example").status == 200
    assert answer(host="evil.example", x_forwarded_host="mail.example.org").status == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # no browser
        ({"origin": "https://mail.example.org"}, 200),
        ({"sec_fetch_site": "same-origin", "origin": "https://mail.example.org"}, 200),
        ({"sec_fetch_site": "none"}, 200),
        ({"sec_fetch_site": "same-origin", "origin": "null"}, 200),
        ({"sec_fetch_site": "cross-site", "origin": "null"}, 403),
        ({"sec_fetch_site": "none", "origin": "null"}, 403),
        ({"sec_fetch_site": "same-origin", "origin": "https://evil.example"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://mail.example.org"}, 403),
        ({"origin": "https://mail.example.org:8443"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "cross-site", "origin": "https://mail.example.org"}, 403),
    ],
)
def test_other_sites_change_nothing(headers: dict[str, str], status: int) -> None:
    assert answer(method="POST", **headers).status == status
    assert answer(method="GET", **headers).status == 200  # it changes nothing and cannot be read


@pytest.mark.parametrize(
    ("peer", "told", "found"),
    [
        ("192.0.2.1", {"x_forwarded_for": "203.0.113.9"}, ("192.0.2.1", "https", True)),
        ("198.51.100.1", {"x_forwarded_for": "203.0.113.9"}, ("203.0.113.9", "http", False)),
        (
            "198.51.100.1",
            {"x_forwarded_for": "127.0.0.1, 203.0.113.9", "x_forwarded_proto": "https"},
            ("203.0.113.9", "https", True),
        ),
        (
            "198.51.100.1",
            {"x_forwarded_for": "203.0.113.9, 198.51.100.2", "x_forwarded_proto": "https"},
            ("203.0.113.9", "https", True),
        ),
        ("198.51.100.1", {"x_forwarded_for": "nonsense"}, ("198.51.100.1", "http", False)),
        ("198.51.100.1", {"x_forwarded_proto": "gopher"}, ("198.51.100.1", "http", False)),
    ],
)
def test_proxies(peer: str, told: dict[str, str], found: tuple[str, str, bool]) -> None:
    seen = json.loads(answer(peer=peer, **told).body)
    assert (seen["peer"], seen["scheme"], seen["secure"]) == found


def test_a_password_may_pass_on_this_computer() -> None:
    assert json.loads(answer(peer="127.0.0.1", scheme="http").body)["secure"]
    assert json.loads(answer(peer="local", scheme="http").body)["secure"]
    assert not json.loads(answer(peer="192.0.2.1", scheme="http").body)["secure"]
