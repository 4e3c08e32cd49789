"""An OAuth 2 authorization server on loopback: codes with PKCE, devices, rotation, introspection.

It checks what a real one checks (RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 8628 §3.4) and refuses the
rest, so that a client which forgets something fails here.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from support.authority import Issued

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass
class AuthorizationServer:
    """`answers`: what the token endpoint says next, ahead of all checks: (status, body)."""

    client_id: str = "pillarbox"
    client_secret: str = "client-secret"
    login: str = "alice@example.org"
    life: Any = 3600
    rotates: bool = True
    denies: bool = False  # the person says no
    polls: list[str] = field(default_factory=list)  # errors to a device before it is let in
    answers: list[tuple[int, Any]] = field(default_factory=list)
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)  # challenge, redirect URI
    devices: set[str] = field(default_factory=set)
    refresh_tokens: set[str] = field(default_factory=set)
    access_tokens: set[str] = field(default_factory=set)
    requests: list[dict[str, str]] = field(default_factory=list)

    async def respond(self, request: web.BaseRequest) -> web.StreamResponse:
        fields = {**request.query, **{k: str(v) for k, v in (await request.post()).items()}}
        self.requests.append(fields)
        match request.path:
            case "/authorize":
                raise web.HTTPFound(self.authorize(fields))
            case "/token":
                status, found = self.token(fields)
            case "/device":
                status, found = self.device()
            case "/introspect":
                active = fields.get("token") in self.access_tokens
                status = 200
                found = {"active": active} | ({"username": self.login} if active else {})
            case _:
                raise web.HTTPNotFound
        return web.json_response(found, status=status)

    def authorize(self, fields: dict[str, str]) -> str:
        """What a browser gets, once the person has said yes or no: where it is sent."""
        assert fields["response_type"] == "code"
        assert fields["client_id"] == self.client_id
        assert fields["code_challenge_method"] == "S256"
        if self.denies:
            answer = {"error": "access_denied", "error_description": "The person said no"}
        else:
            code = secrets.token_urlsafe(16)
            self.codes[code] = fields["code_challenge"], fields["redirect_uri"]
            answer = {"code": code}
        return f"{fields['redirect_uri']}?{urlencode({**answer, 'state': fields['state']})}"

    def device(self) -> tuple[int, dict[str, Any]]:
        code = secrets.token_urlsafe(16)
        self.devices.add(code)
        return 200, {
            "device_code": code,
            "user_code": "WDJB-MJHT",
            "verification_uri": "https://example.com/device",
            "verification_uri_complete": "https://example.com/device?user_code=WDJB-MJHT",
            "expires_in": 1800,
            "interval": 5,
        }

    def token(self, fields: dict[str, str]) -> tuple[int, Any]:
        if self.answers:
            return self.answers.pop(0)
        known = (self.client_id, self.client_secret)
        if (fields.get("client_id"), fields.get("client_secret")) != known:
            return 401, {"error": "invalid_client"}
        match fields.get("grant_type"):
            case "authorization_code":
                return self._by_code(fields)
            case "refresh_token" if fields.get("refresh_token") in self.refresh_tokens:
                if not self.rotates:
                    return 200, self._issue(refresh=False)
                self.refresh_tokens.discard(fields["refresh_token"])
                return 200, self._issue()
            case grant if grant == DEVICE_GRANT and fields.get("device_code") in self.devices:
                if self.polls:
                    return 400, {"error": self.polls.pop(0)}
                return 200, self._issue()
        return 400, {"error": "invalid_grant", "error_description": "Token has been revoked."}

    def _by_code(self, fields: dict[str, str]) -> tuple[int, Any]:
        challenge, redirect_uri = self.codes.pop(fields["code"], ("", ""))
        digest = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
            return 400, {"error": "invalid_grant", "error_description": "PKCE"}
        if fields.get("redirect_uri") != redirect_uri:
            return 400, {"error": "invalid_grant", "error_description": "redirect_uri"}
        return 200, self._issue()

    def _issue(self, *, refresh: bool = True) -> dict[str, Any]:
        access = f"access-{secrets.token_urlsafe(300)}"
        self.access_tokens.add(access)
        found = {"access_token": access, "token_type": "bearer", "expires_in": self.life}
        if refresh:
            found["refresh_token"] = f"refresh-{secrets.token_urlsafe(16)}"
            self.refresh_tokens.add(found["refresh_token"])
        return found


@asynccontextmanager
async def serving(
    server: AuthorizationServer, folder: Path, issued: Issued | None, port: int = 0
) -> AsyncIterator[int]:
    """Its port; over TLS where there is a certificate."""
    context = None
    if issued is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*issued.write(folder))
    runner = web.ServerRunner(web.Server(server.respond), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=context)
    await site.start()
    try:
        yield site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    finally:
        await runner.cleanup()
