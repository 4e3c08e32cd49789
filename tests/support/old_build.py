"""The app as a server before its update served it: the same files under other names."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page, Route

from pillarbox.web.app.build import HASHED, current_build

_TEXTS = (".js", ".css", ".html")
_PAGES = "**/mail/**"
_ASSETS = "**/assets/*"


class OldBuild:
    """Of windows of one context; `update` puts the real server behind them."""

    def __init__(self, context: BrowserContext) -> None:
        build = current_build()
        assert build is not None
        self._files = {
            name.removeprefix(HASHED): file
            for name, file in build.files.items()
            if name.startswith(HASHED)
        }
        self._context = context
        self.missed: list[str] = []  # files of the old build that the new server does not have
        context.route(_PAGES, self._page)
        context.route(_ASSETS, self._asset)

    def update(self) -> None:
        """From now on the server has the new build alone."""
        self._context.unroute(_PAGES)
        self._context.unroute(_ASSETS)
        self._context.on("response", self._count)

    def lose(self, part: str) -> None:
        """A server whose files are incomplete: what begins so is not there, whatever the build."""
        self._context.route(f"**/assets/{part}-*", lambda route: route.fulfill(status=404))

    def _count(self, response: object) -> None:
        if getattr(response, "status", 0) == 404:
            self.missed.append(str(getattr(response, "url", "")).rpartition("/")[2])

    def _page(self, route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=self._renamed(answer.text()))

    def _asset(self, route: Route) -> None:
        asked = route.request.url.rpartition("/")[2]
        name = asked.replace("-was.", ".")
        file = self._files.get(name)
        if file is None or name == asked:
            route.fulfill(status=404)
            return
        octets = file.forms["identity"]
        if name.endswith(_TEXTS):
            octets = self._renamed(octets.decode()).encode()
        route.fulfill(body=octets, content_type=file.media_type)

    def _renamed(self, text: str) -> str:
        for name in self._files:
            text = text.replace(name, name.replace(".", "-was.", 1))
        return text


def count_starts(page: Page) -> list[str]:
    """Grows by an address each time that the page starts."""
    starts: list[str] = []
    page.on("domcontentloaded", lambda loaded: starts.append(loaded.url))
    return starts
