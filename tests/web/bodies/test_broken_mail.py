"""Broken and hostile mail opens as something readable, within two seconds."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from pillarbox.config.bodies import BodySettings
from support.body_pages import PagesBox
from support.broken_mail import Broken, fixtures
from support.machine import wall_bound
from support.store_box import letter

_TAGS = re.compile(r"<[^>]*>")


@pytest.fixture
def pages(tmp_path: Path) -> PagesBox:
    """With the limits that a server has."""
    return PagesBox(tmp_path, bodies=BodySettings())


@pytest.mark.timed
@pytest.mark.parametrize("case", list(fixtures()), ids=lambda case: case.name)
async def test_something_readable(pages: PagesBox, case: Broken) -> None:
    await pages.ask("body", await pages.deliver(letter()))  # a process has started
    blob = await pages.deliver(case.octets)
    begun = time.perf_counter()
    found = await pages.ask("body?v=1", blob)
    seconds = time.perf_counter() - begun
    shown = _TAGS.sub(" ", found.body.decode().partition("<body")[2])
    assert found.status == 200
    assert (case.word or "no text") in shown
    assert "<script" not in found.body.decode()
    text = await pages.ask("text", blob)
    assert text.status == 200
    source = await pages.ask("source", blob)
    assert source.status == 200
    assert json.loads((await pages.ask("facts", blob)).body)["kind"] in ("html", "text")
    assert seconds < wall_bound(2)
