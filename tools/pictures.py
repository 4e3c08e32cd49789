"""The pictures of the guide made anew: a server with demo mail, a browser, light and dark.

`make pictures` writes docs/guide/pictures/NAME-light.png and NAME-dark.png. What is seen is the
page as it was built; nothing is painted over. ImageMagick's `convert` makes the files small where
it is installed. `--only lists,bulk` makes some, `--into FOLDER` puts them elsewhere,
`--language de` shows another language, `--width 320` a narrower telephone.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import demo_mail
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from pillarbox.accounts.recovery import Recovering
from pillarbox.node.administration import Opened
from pillarbox.store.sql import accounts, recovery
from pillarbox.store.sql.recovery import Recovery
from pillarbox.testing import RunningServer
from support.browsing import running_browser, sign_in
from support.reading import READER, ROWS, SHOWN, row
from support.web_site import ALICE, PASSWORD, Site, running_site
from support.writing import Composer

INTO = Path(__file__).resolve().parent.parent / "docs/guide/pictures"
OLDER = 12_000
QUOTA = 80_000_000
DESK, PHONE = (1280, 800), (390, 844)
COLOURS = 256
LABELS = [
    {"keyword": "receipts", "name": "Receipt", "color": "#7a4d00"},
    {"keyword": "travel", "name": "Journey", "color": "#17703f"},
]
# So that an operation takes long enough to be looked at.
SETTINGS = {
    "server": {"hostname": "mail.example.org"},
    "bulk": {"first_step_messages": 20, "most_step_messages": 20, "rest_percent": 400},
    "recovery": {"contact": "Ring the office, extension 17."},
}


class Studio:
    """One theme: where pages are opened, and where pictures go."""

    def __init__(
        self, site: Site, browser: Browser, theme: str, options: argparse.Namespace
    ) -> None:
        self.site, self.theme, self.into = site, theme, options.into
        self._browser, self._language, self._width = browser, options.language, options.width
        self._contexts: list[BrowserContext] = []

    def page(self, size: tuple[int, int] = DESK, *, signed_in: bool = True) -> Page:
        """A fresh window."""
        width, height = size
        if size == PHONE:
            width = self._width or width
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=self.theme,  # type: ignore[arg-type]
            locale=self._language,
            service_workers="block",
            has_touch=size == PHONE,
        )
        self._contexts.append(context)
        if signed_in:
            sign_in(context, self.site, self.site.alice)
        return context.new_page()

    def list(self, size: tuple[int, int] = DESK, path: str = "inbox") -> Page:
        """The app with its rows."""
        page = self.page(size)
        page.goto(f"{self.site.url}/mail/{path}")
        expect(page.locator(ROWS).first).to_be_visible()
        return page

    def furnish(self) -> None:
        """Labels with names, and no first steps."""
        context = self._browser.new_context()
        url, who = self.site.url, {"email": ALICE, "password": PASSWORD}
        csrf = context.request.post(f"{url}/sign-in", data=who).json()["csrf"]
        headers = {"X-Csrf-Token": csrf}
        for answer in (
            context.request.put(
                f"{url}/account/preferences", data={"labels": LABELS}, headers=headers
            ),
            context.request.post(f"{url}/account/checklist", data={"done": True}, headers=headers),
        ):
            assert answer.ok, answer.text()
        context.close()

    def take(self, page: Page, name: str) -> None:
        """After everything that moves has come to rest."""
        page.wait_for_timeout(350)
        file = self.into / f"{name}-{self.theme}.png"
        page.screenshot(path=file, animations="disabled", caret="initial")
        shrink(file)

    def close(self) -> None:
        """All windows."""
        while self._contexts:
            self._contexts.pop().close()


def shrink(file: Path) -> None:
    """Fewer colours, no other loss."""
    convert = shutil.which("convert")
    if convert:
        words = ["+dither", "-colors", str(COLOURS), "-define", "png:compression-level=9"]
        subprocess.run([convert, file, *words, "-strip", f"png8:{file}"], check=True)


def button(within: Page | Locator, name: str) -> Locator:
    """By the beginning of its name."""
    return within.get_by_role("button", name=re.compile(f"^{name}")).first


def signed_out(studio: Studio) -> None:
    """The sign-in page, and the way back in."""
    link = studio.site.server.administer(reset_link)
    for size, more in ((PHONE, "phone-"), (DESK, "")):
        page = studio.page(size, signed_in=False)
        page.goto(f"{studio.site.url}/sign-in")
        studio.take(page, f"{more}sign-in")
        page.goto(f"{studio.site.url}/reset/{link}")
        studio.take(page, f"{more}reset")
        page.goto(f"{studio.site.url}/forgot")
        page.locator("#email").fill(ALICE)
        studio.take(page, f"{more}forgot")
    page.locator("main form button.full").click()  # from now on the link above is void
    studio.take(page, "forgot-sent")


async def prepare(opened: Opened) -> None:
    """Alice has a way back, so that nothing reminds her of it."""
    store = opened.store
    account = await store.read(lambda db: accounts.find(db, ALICE))
    assert account is not None
    kept = Recovery(address="alice@example.net", since=1)
    await store.write(lambda tx: recovery.put(tx, account.id, kept))


async def reset_link(opened: Opened) -> str:
    """As `pillarbox account reset-link` makes it."""
    store = opened.store
    account = await store.read(lambda db: accounts.find(db, ALICE))
    assert account is not None
    recovering = Recovering(store, opened.admin, store.clock, opened.settings.recovery)
    made = await store.write(lambda tx: recovering.new_link(tx, account.id, "administrator", 3600))
    return made.reveal().decode()


def lists(studio: Studio) -> None:
    """The list with an open conversation, and the list on a telephone."""
    page = studio.list()
    studio.take(page, "list")
    row(page, "Boat trip").click()
    expect(page.locator(SHOWN).first).to_be_visible()
    studio.take(page, "reader")
    studio.close()
    studio.take(studio.list(PHONE), "phone-list")


def newsletter(studio: Studio) -> None:
    """A message with a design of its own: its pictures stay outside."""
    for size, more in ((DESK, ""), (PHONE, "phone-")):
        page = studio.list(size)
        row(page, "Twelve books").click()
        expect(page.locator(SHOWN).first).to_be_visible()
        studio.take(page, f"{more}newsletter")
        studio.close()


def ladder(studio: Studio) -> None:
    """What is there when a message does not come: after one second, and after eight."""
    page = studio.list()
    page.route("**/m/*/*/body?*", held)
    row(page, "Photos of the garden").click()
    expect(page.locator(f"{READER} .slow button").first).to_be_visible()
    studio.take(page, "slow")
    expect(page.locator(f"{READER} .card")).to_be_visible(timeout=12_000)
    studio.take(page, "card")
    page.unroute_all(behavior="ignoreErrors")


def held(_route: Route) -> None:
    """Never answered."""


def writing(studio: Studio) -> None:
    """A letter with a file."""
    for size, more in ((DESK, ""), (PHONE, "phone-")):
        page = studio.list(size)
        button(page, "Write").click()
        composer = Composer(page)
        composer.field("To").wait_for()
        composer.letter.wait_for()
        composer.address("bob@example.net", "Soup for Saturday")
        composer.write("Hello Bob,")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        page.keyboard.type("I will bring the big pot, bread, and the list of stops. ")
        page.keyboard.type("Is there a stove on board?")
        composer.attach(
            {"name": "stops.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 " * 9000}
        )
        page.wait_for_timeout(5000)  # until the file is there, and saved
        composer.wait_saved()
        studio.take(page, f"{more}composer")
        button(composer.window, "Delete this draft").click()
        studio.close()


def searching(studio: Studio) -> None:
    """With operators, as chips."""
    page = studio.list()
    page.get_by_role("search").locator("input").click()
    page.keyboard.type("from:bob boat ")
    page.keyboard.press("Enter")
    page.wait_for_timeout(800)
    studio.take(page, "search")


def settings(studio: Studio) -> None:
    """Pages of one's own account, and the mail without scripts."""
    page = studio.page()
    for name in ("security", "storage"):
        page.goto(f"{studio.site.url}/mail/settings/{name}")
        expect(page.locator(".settings [aria-busy=true]")).to_have_count(0)
        page.wait_for_timeout(600)
        studio.take(page, f"settings-{name}")
    page.goto(f"{studio.site.url}/basic/")
    studio.take(page, "basic")


def bulk(studio: Studio) -> None:
    """Thousands selected, on their way, and the way back; the last, as it empties the list."""
    page = studio.list(PHONE)
    for words in ("Choir practice", "Your ticket", "Your statement"):
        row(page, words).locator("[data-tick]").click()
    studio.take(page, "phone-select")
    studio.close()
    page = studio.list(path="search?q=older:2y")
    page.locator("header .all input").click()
    studio.take(page, "select")
    button(page, "Select all").click()
    studio.take(page, "select-all")
    button(page.locator(".bar"), "Delete").click()
    button(page, "Activity").click()
    expect(page.locator("[data-operation] progress")).to_be_visible()
    page.wait_for_timeout(2500)
    studio.take(page, "activity")
    expect(page.locator("[data-operation][data-phase=done]")).to_be_visible(timeout=120_000)
    studio.take(page, "activity-done")
    page.keyboard.press("Escape")
    page.goto(f"{studio.site.url}/mail/trash")
    expect(page.locator(ROWS).first).to_be_visible()
    studio.take(page, "trash")


SCENES: dict[str, Callable[[Studio], None]] = {
    "signed-out": signed_out,
    "lists": lists,
    "newsletter": newsletter,
    "ladder": ladder,
    "writing": writing,
    "searching": searching,
    "settings": settings,
    "bulk": bulk,
}


@contextmanager
def demo_data() -> Iterator[Path]:
    """A data folder in which alice has her mail."""
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
        server = RunningServer(Path(folder), settings={"store": {"index_seconds": 3600.0}})
        server.add_account(ALICE, PASSWORD, octets=QUOTA)
        server.administer(lambda opened: demo_mail.fill(opened, ALICE, OLDER))
        yield server.data_dir


def main() -> int:
    """Made, and how much they take."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(SCENES))
    parser.add_argument("--themes", default="light,dark")
    parser.add_argument("--language", default="en-GB")
    parser.add_argument("--width", type=int, default=0)
    parser.add_argument("--into", type=Path, default=INTO)
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    wrong = 0
    with demo_data() as data, running_browser() as browser:
        for theme in options.themes.split(","):
            with (
                tempfile.TemporaryDirectory(prefix="pictures-") as folder,
                running_site(Path(folder) / "site", data=data, settings=SETTINGS) as site,
            ):
                site.server.administer(prepare)
                studio = Studio(site, browser, theme, options)
                studio.furnish()
                for name in options.only.split(","):
                    try:
                        SCENES[name](studio)
                    except Exception as error:  # the other scenes are made all the same
                        wrong += 1
                        print(f"{name}, {theme}: {error}", file=sys.stderr)
                    studio.close()
    if shutil.which("convert") is None:
        print("The files are larger than they need be: imagemagick is not installed.")
    octets = sum(file.stat().st_size for file in options.into.glob("*.png"))
    print(f"{len(list(options.into.glob('*.png')))} pictures, {octets / 1e6:.2f} MB")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
