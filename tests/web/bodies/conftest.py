"""Tests here may be coroutines; a `pages` among their arguments is opened around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.body_pages import PagesBox
from support.coroutine_tests import pytest_pyfunc_call

__all__ = ["pages", "pytest_pyfunc_call"]


@pytest.fixture
def pages(tmp_path: Path) -> PagesBox:
    """A store, cleaning processes and the addresses of bodies; alice is signed in."""
    return PagesBox(tmp_path)
