"""A tab of the webmail in which somebody acts at random, by the page's own clock."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import BrowserContext, Page, Request

from support.browsing import watch_faults
from support.reading import open_mail
from support.web_site import Site

# Acts until it is stopped; the same seed chooses the same way among the same rows. What the page
# complains of is collected: dangerous toasts, alerts and dialogs. Fair are the question before
# messages are destroyed, and that something cannot be done to, or shown of, what others destroyed.
_ACTOR = """([seed, least, most]) => {
    let state = seed
    const chance = () => {
        state = (state + 0x6d2b79f5) | 0
        let t = Math.imul(state ^ (state >>> 15), 1 | state)
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296
    }
    const pick = (list) => list[Math.floor(chance() * list.length)]
    const all = (selector) => [...document.querySelectorAll(selector)]
    const row = () => pick(all('[role=row][data-id]'))
    const press = (key, more = {}) => window.dispatchEvent(
        new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true, ...more}))
    const click = (element, more = {}) => element?.dispatchEvent(
        new MouseEvent('click', {bubbles: true, cancelable: true, ...more}))
    const rest = (ms) => new Promise((done) => setTimeout(done, ms))
    const scroll = (part) => {
        const scroller = document.querySelector('.scroller')
        scroller.scrollTop = scroller.scrollHeight * part
    }
    const quick = (act) => () => row()?.querySelector(`[data-act=${act}]`)?.click()
    const worded = (within, words) =>
        all(`${within} button`).find((one) => words.test(one.textContent))

    const choose = async () => {
        click(row(), {ctrlKey: true})
        await rest(50)
        if (chance() < 0.4) click(row(), {shiftKey: true})
        else for (let n = 0; n < 3; n++) click(row(), {ctrlKey: true})
    }
    const chooseAll = async () => {
        document.querySelector('header .all input')?.click()
        await rest(100)
        worded('p', /^Select all/)?.click()
    }
    const answer = async () => {
        await rest(300)
        const yes = all('dialog[open] button.danger')[0]
        yes?.click()
    }
    const selected = (choosing, keys) => async () => {
        await choosing()
        await rest(100)
        const key = pick(keys)
        if (key === '#') await remove()
        else press(key)
        await rest(100)
        press('Escape')
    }
    const remove = async () => {
        const button = worded('.bar', /^\\s*Delete/)
        button?.click()
        await answer()
    }
    const read = async () => {
        click(row())
        await rest(300 + chance() * 900)
        if (chance() < 0.3) press(pick(['j', 'k', 's', 'e', 'U']))
        press('u')
    }
    const actions = [
        [5, quick('star')], [5, quick('read')], [3, quick('archive')], [3, quick('remove')],
        [4, read],
        [4, selected(choose, ['s', 'I', 'U', 'e', '#'])],
        [1, selected(chooseAll, ['I', 'U', 's', 'e', '#'])],
        [4, () => press('z')],
        [3, () => worded('.toast', /^\\s*Undo/)?.click()],
        [3, () => scroll(chance())], [2, () => scroll(0)],
        [3, () => click(pick(all('nav.sidebar li.entry > a')), {button: 0})],
    ].flatMap(([weight, act]) => Array(weight).fill(act))

    const complaints = []
    const known = new Set()
    const listen = () => {
        for (const one of all('.toast.danger, [role=alert], dialog[open]')) {
            const text = one.textContent.trim().replace(/\\s+/g, ' ')
            const id = `${one.className} ${text}`
            const fair = /^Delete [\\d,]+ messages? |; [\\d,]+ could not be |^This message is not /
            if (!text || known.has(id) || fair.test(text)) continue
            known.add(id)
            complaints.push(id)
        }
    }
    new MutationObserver(listen).observe(document.body,
        {subtree: true, childList: true, attributes: true})
    let going = true, acts = 0
    const done = (async () => {
        while (going) {
            await rest(least + chance() * (most - least))
            if (!going) break
            acts++
            await pick(actions)()
        }
        for (let n = 0; n < 3; n++) { press('Escape'); await rest(100) }
        all('dialog[open] button').forEach((one) => /Cancel/.test(one.textContent) && one.click())
    })()
    window.actor = {
        stop: async () => { going = false; await done; return acts },
        complaints: () => complaints.splice(0),
    }
}"""

# Every row of the list on screen, scrolled through: place -> [id, unread, starred].
_ROWS = """async () => {
    const scroller = document.querySelector('.scroller')
    const count = () =>
        Number(document.querySelector('[role=grid]')?.getAttribute('aria-rowcount') || 0)
    const began = performance.now()
    let total = count(), found = {}
    for (let top = 0; ; top += scroller.clientHeight / 2) {
        if (top > scroller.scrollHeight) top = 0
        scroller.scrollTop = top
        for (let n = 0; n < 3; n++) await new Promise((done) => requestAnimationFrame(done))
        if (count() !== total) [total, found, top] = [count(), {}, -scroller.clientHeight / 2]
        for (const row of document.querySelectorAll('[role=row][data-id]')) {
            found[row.getAttribute('aria-rowindex')] = [
                row.dataset.id,
                row.classList.contains('unread'),
                row.querySelector('[data-act=star]').getAttribute('aria-pressed') === 'true',
            ]
        }
        if (Object.keys(found).length >= total || performance.now() - began > 6000) break
    }
    scroller.scrollTop = 0
    return {total, found: Object.values(found)}
}"""

# What the side bar counts, by the name of the folder.
_COUNTS = """() => Object.fromEntries([...document.querySelectorAll('nav.sidebar li.entry > a')]
    .map((one) => [one.querySelector('.name').textContent, Number(
        (one.querySelector('.count')?.firstChild.textContent ?? '0').replace(/\\D/g, ''))]))"""

Row = tuple[str, bool, bool]  # id, unread, starred


class CrowdTab:
    """One of many."""

    def __init__(self, context: BrowserContext, site: Site, seed: int) -> None:
        self.page: Page = context.new_page()
        self.faults = watch_faults(self.page)
        self.refused: list[str] = []
        self.page.on("response", self._look)
        open_mail(self.page, site)
        self._seed = seed

    def _look(self, response: Any) -> None:
        # What another destroyed cannot be opened.
        if response.status >= 400 and not (response.status == 404 and "/m/" in response.url):
            self.refused.append(f"{response.status} {response.url}")

    def begin(self, least: float = 0.3, most: float = 1.5) -> None:
        """Act, with pauses of so many seconds."""
        self.page.evaluate(_ACTOR, [self._seed, least * 1000, most * 1000])

    def end(self) -> int:
        """How much was done."""
        return int(self.page.evaluate("() => actor.stop()"))

    def complaints(self) -> list[str]:
        """What the page said of faults since the last time."""
        said: list[str] = self.page.evaluate("() => actor.complaints()")
        return [*said, *self.faults, *self.refused]

    @property
    def folder(self) -> str:
        """The name of the list on screen."""
        return self.page.evaluate(
            "() => document.querySelector('nav.sidebar li.current .name')?.textContent ?? ''"
        )

    def go(self, folder: str) -> None:
        """To a list of the side bar."""
        self.page.locator("nav.sidebar li.entry > a", has_text=folder).first.click()

    def rows(self) -> tuple[int, list[Row]]:
        """How many there are as the list says, and all of them, sorted."""
        self.page.bring_to_front()  # a window behind others does not scroll
        told: dict[str, Any] = self.page.evaluate(_ROWS)
        return told["total"], sorted((a, b, c) for a, b, c in told["found"])

    def counts(self) -> dict[str, int]:
        """Beside the names of folders."""
        return self.page.evaluate(_COUNTS)


class Streams:
    """How many event streams the windows of a context hold open."""

    def __init__(self, context: BrowserContext) -> None:
        self._open: set[Request] = set()
        self.most = 0
        self.all = 0
        context.on("request", self._began)
        context.on("requestfailed", self._ended)
        context.on("requestfinished", self._ended)

    def _began(self, request: Request) -> None:
        if request.resource_type != "eventsource":
            return
        self._open = {one for one in self._open if not one.frame.page.is_closed()}
        self._open.add(request)
        self.all += 1
        self.most = max(self.most, len(self._open))

    def _ended(self, request: Request) -> None:
        self._open.discard(request)

    @property
    def now(self) -> int:
        """Open at this moment."""
        return sum(not one.frame.page.is_closed() for one in self._open)
