"""Tests here may be coroutines; a `box` among their arguments is opened around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.coroutine_tests import pytest_pyfunc_call
from support.web_bench import WebBox

__all__ = ["box", "pytest_pyfunc_call"]


@pytest.fixture
def box(tmp_path: Path) -> WebBox:
    """Alice is signed in."""
    return WebBox(tmp_path)
