"""What happens in a page while it is watched: scrolling, waiting for mail, clicks of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from playwright.sync_api import Page

from support.reading import ROWS

# Scrolls by so much in each frame; frames, the late ones' share, and the most rows there were.
SCROLL = """(milliseconds) => new Promise((done) => {
    const list = document.querySelector('.list .scroller'), gaps = []
    let last = performance.now(), most = 0
    const began = last
    const step = (now) => {
        const passed = performance.now()
        gaps.push(passed - last)
        last = passed
        list.scrollTop += 25
        most = Math.max(most, list.querySelectorAll('.slot').length)
        if (passed - began < milliseconds) return requestAnimationFrame(step)
        gaps.shift()
        const all = gaps.reduce((sum, one) => sum + one, 0)
        const late = gaps.filter((one) => one > 33.4).length / gaps.length
        done({rate: gaps.length / all * 1000, late, rows: most})
    }
    requestAnimationFrame(step)
})"""
# Through so many rows, a window at a time, each when its rows have come.
THROUGH = """async (rows) => {
    const list = document.querySelector('.list .scroller')
    const came = () => [...list.querySelectorAll('.slot')]
        .every((one) => one.querySelector('[data-id]'))
    for (let top = 0; top < rows * 56; top += 1120) {
        list.scrollTop = top
        const began = performance.now()
        do await new Promise((next) => requestAnimationFrame(next))
        while (!came() && performance.now() - began < 5000)
    }
}"""
# When, by the clock, a row with this subject was painted.
ARRIVED = """(subject) => {
    const there = () => [...document.querySelectorAll('[role=row] .subject')]
        .some((one) => one.textContent.includes(subject))
    const at = performance.now()
    bench.arrived = bench.painted(there, () => at)
        .then(() => performance.timeOrigin + performance.now())
}"""


def use_everything(page: Page) -> int:
    """Clicks and keys as they come in an hour of mail; how many."""
    acts: list[Callable[[], object]] = []
    for place in (1, 3, 5, 7):
        acts.append(page.locator(f"{ROWS}[aria-rowindex='{place}'] .people").click)
    for place in (2, 4, 6):
        acts.append(page.locator(f"{ROWS}[aria-rowindex='{place}'] [data-tick]").click)
        acts.append(page.locator(f"{ROWS}[aria-rowindex='{place}'] [data-act=star]").click)
    keys = ["Escape", "*", "n", *"jjjkk", "s", "x", "x", "u", "?", "Escape", "/", *"roof", "Escape"]
    keys += ["g", "d", "g", "i", "U", "I", "c", "Escape", "j", "r", "Escape", "g", ",", "g", "i"]
    acts += [partial(page.keyboard.press, key) for key in keys]
    for act in acts:
        act()
        page.wait_for_timeout(180)
    return len(acts)
