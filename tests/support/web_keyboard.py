"""Somebody who has a keyboard and no mouse, and wants to see at any time where they are."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page

# Where the focus is: its name, whether it can be seen, and in what.
_FOCUS = """() => {
    const one = document.activeElement
    if (!one || one === document.body || one === document.documentElement) return null
    const box = one.getBoundingClientRect()
    const inside = box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0
        && box.top < innerHeight && box.left < innerWidth
    const ringed = (at) => {
        const style = getComputedStyle(at)
        return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0)
            || style.boxShadow !== 'none'
    }
    const isField = one.matches('input:not([type=checkbox], [type=radio]), textarea, iframe')
    const ground = (at) => getComputedStyle(at).backgroundColor
    const isEntry = one.matches('[role^=menuitem]') // all of the entry has another colour
        && ground(one) !== ground(one.parentElement)
    const label = one.labels?.[0]?.textContent
    const name = one.ariaLabel || label || one.textContent || one.title || one.placeholder || ''
    return {
        tag: one.tagName.toLowerCase(),
        name: name.replace(/\\s+/g, ' ').trim(),
        seen: inside && one.checkVisibility({visibilityProperty: true, opacityProperty: true})
            && (ringed(one) || isField || isEntry),
        row: one.dataset.id ?? '',
    }
}"""
_MICE = """for (const kind of ['pointerdown', 'mousedown', 'mousemove', 'touchstart', 'wheel'])
    addEventListener(kind, (event) => {
        if (event.isTrusted) window.mice = (window.mice ?? 0) + 1
    }, {capture: true})"""
MOST_TABS = 70


class Hands:
    """Presses keys, and after each looks for the focus: seen, and never lost."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pressed: list[str] = []
        page.add_init_script(_MICE)

    def press(self, *keys: str) -> None:
        """One after the other; the page gets no time to think between them but after them."""
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed.append(key)
        self.look()

    def type(self, text: str) -> None:
        """Into what has the focus."""
        self.page.keyboard.type(text)
        self.pressed.append(repr(text))
        self.look()

    def look(self) -> dict[str, Any]:
        """Where the focus is, once it has come to rest; it may be on its way for a moment."""
        for _ in range(20):
            found = self.page.evaluate(_FOCUS)
            if found and found["seen"]:
                return dict(found)
            self.page.wait_for_timeout(50)
        pytest.fail(f"after {' '.join(self.pressed[-6:])}: the focus is at {found}")

    def tab_to(self, name: str, *, back: bool = False) -> None:
        """With Tab, to what is called so (a pattern); the focus is seen on all the way.

        Behind the last thing of a page or dialog is the browser's own frame, for one press.
        """
        way: list[str] = []
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
            self.pressed.append("Tab")
            if self.page.evaluate(_FOCUS) is None and "" not in way[-1:]:
                way.append("")
                continue
            way.append(self.look()["name"])
            if re.search(name, way[-1]):
                return
        pytest.fail(f"Tab does not lead to {name!r} but to {[one[:40] for one in way]}")

    @property
    def row(self) -> str:
        """The message whose row has the focus."""
        return str(self.look()["row"])

    def rests_on_a_row(self) -> None:
        """It may be on its way there."""
        for _ in range(20):
            if self.row:
                return
            self.page.wait_for_timeout(50)
        pytest.fail(f"after {' '.join(self.pressed[-6:])}: the focus is at {self.look()}")

    def used_no_mouse(self) -> None:
        """Nothing of the sort ever reached the page."""
        assert not self.page.evaluate("window.mice ?? 0")
