"""A template in somebody's language, as an answer."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.web.pages.accent import accent_path
from pillarbox.web.pages.assets import asset_path, octets_of
from pillarbox.web.pages.forms import FIELD, Forms
from pillarbox.web.pages.languages import LANGUAGES, language_of, texts_of
from pillarbox.web.services import WebServices

# In the page itself, so that it is painted without waiting for another answer; of styles in a page
# the policy allows these octets and no others.
_STYLE = octets_of("pages.css")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE).digest()).decode()
POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'self' 'sha256-{_STYLE_HASH}'",
        "script-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_SHARED = ("pages/base.html", "pages/parts.html")  # what most templates are made with
_PERMISSIONS = (
    "camera=(), geolocation=(), microphone=(), payment=(), usb=(), "
    "publickey-credentials-get=(self), publickey-credentials-create=(self)"
)


class _AreaLoader(BaseLoader):
    """`area/file.html` is `file.html` in `templates/` of that folder below `web/`."""

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        area, _, name = template.partition("/")
        path = files(f"pillarbox.web.{area}") / "templates" / name
        if not path.is_file():
            raise TemplateNotFound(template)
        return path.read_text("utf-8"), template, None


@lru_cache
def _environment() -> Environment:
    made = Environment(
        loader=_AreaLoader(),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["asset"] = asset_path
    made.globals["style"] = _STYLE.decode()
    return made


class Pages:
    """Of one area."""

    def __init__(self, services: WebServices, area: str, *, cookies: bool = True) -> None:
        """Without `cookies` no answer sets any, and no page has a form that changes something."""
        self._area = area
        self._cookies = cookies
        self._hostname = services.hostname
        self._accent = accent_path(services.settings.web)
        self.forms = Forms(services.server_key)

    def prepare(self, template: str) -> None:
        """Compile it: otherwise the first who wants it waits for that."""
        _environment().get_template(f"{self._area}/{template}")
        for part in _SHARED:
            _environment().get_template(part)

    def translate(self, request: Request) -> Callable[..., str]:
        """`t(key, **vars)` in the request's language."""
        texts = texts_of(self._area, self._language(request))

        def t(key: str, /, **variables: object) -> str:
            return texts[key].format(**variables) if variables else texts[key]

        return t

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        session: BrowserSession | None = None,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """`template` is a file of the area's `templates/`; `session`: whose page it is, if any.

        Templates have `t(key, **vars)`, `lang`, `csrf` (a hidden field), `asset(name)`, `hostname`,
        `accent` (a style sheet, if any), `session`, `languages` and what is given here.
        """
        language = self._language(request)
        page = _environment().get_template(f"{self._area}/{template}")
        octets = page.render(
            t=self.translate(request),
            lang=language,
            csrf=self.forms.field(request, session) if self._cookies else "",
            csrf_name=FIELD,
            hostname=self._hostname,
            accent=self._accent,
            session=session,
            languages=_language_links(request, language),
            **values,
        )
        fields = {
            "Content-Security-Policy": POLICY,
            "Permissions-Policy": _PERMISSIONS,
            "Content-Language": language,
            "Vary": "Accept-Language, Cookie",
            **(headers or {}),
        }
        return HTMLResponse(octets, status, fields)

    def _language(self, request: Request) -> str:
        return language_of(request, remember=self._cookies)


def _language_links(request: Request, now: str) -> list[tuple[str, str, str, bool]]:
    """Code, name, address and whether it is this one; after a POST they lead to the page itself."""
    kept = [(k, v) for k, v in request.query_params.items() if k != "lang"]
    return [
        (code, name, f"?{urlencode([*kept, ('lang', code)])}", code == now)
        for code, name in LANGUAGES.items()
    ]
