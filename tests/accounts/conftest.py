"""Tests here may be coroutines; a `box` among their arguments is opened around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.coroutine_tests import pytest_pyfunc_call
from support.store_box import Box

__all__ = ["box", "pytest_pyfunc_call"]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A store with the account alice; `box.clock` is a FakeClock."""
    return Box(tmp_path)
