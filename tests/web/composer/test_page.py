"""The empty document of the editor."""

from __future__ import annotations

import asyncio
from typing import cast

from pillarbox.config.web import WebSettings
from pillarbox.web.application import make_application
from pillarbox.web.composer import routes
from pillarbox.web.services import WebServices
from support.asgi import ask
from support.fake_clock import FakeClock


def test_the_page_lets_styles_in_and_scripts_out() -> None:
    application = make_application(
        routes(cast("WebServices", None)),
        clock=FakeClock(),
        settings=WebSettings(),
        hosts=("mail.example.org",),
        is_certified=lambda _name: False,
    )
    answered = asyncio.run(ask(application, "/compose-page"))
    assert answered.status == 200
    policy = answered.headers["content-security-policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "script-src" not in rules
    assert rules["style-src"] == "'unsafe-inline'"
    assert rules["frame-ancestors"] == "'self'"
    assert "mail.example.org/m/" in rules["img-src"].split()
    assert "'self'" not in rules["img-src"]
    assert answered.headers["x-frame-options"] == "SAMEORIGIN"
    assert b"<script" not in answered.body
