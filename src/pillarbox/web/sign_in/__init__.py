"""Signing in and out at a browser: pages that work without JavaScript, and JSON for the app."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from pillarbox.web.services import WebServices
from pillarbox.web.sign_in.desk import Desk
from pillarbox.web.sign_in.first import FirstStep
from pillarbox.web.sign_in.leaving import Leaving
from pillarbox.web.sign_in.passkey import PasskeyStep
from pillarbox.web.sign_in.second import SecondStep

__all__ = ["routes"]


def routes(services: WebServices) -> list[BaseRoute]:
    """Public addresses; nobody needs to be signed in."""
    desk = Desk(services)
    desk.pages.prepare("sign_in.html")
    first, second = FirstStep(desk), SecondStep(desk)
    passkey, leaving = PasskeyStep(desk), Leaving(desk)
    return [
        Route("/", leaving.get_root, methods=["GET"]),
        Route("/sign-in", first.get_page, methods=["GET"]),
        Route("/sign-in", first.post, methods=["POST"]),
        Route("/sign-in/second", second.get_page, methods=["GET"]),
        Route("/sign-in/second", second.post, methods=["POST"]),
        Route("/sign-in/passkey/options", passkey.post_options, methods=["POST"]),
        Route("/sign-in/passkey", passkey.post, methods=["POST"]),
        Route("/sign-in/second/passkey/options", passkey.post_second_options, methods=["POST"]),
        Route("/sign-in/second/passkey", passkey.post_second, methods=["POST"]),
        Route("/sign-out", leaving.post_sign_out, methods=["POST"]),
    ]
