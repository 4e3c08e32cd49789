"""Tests here may be coroutines; a `box` among their arguments is opened around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.coroutine_tests import pytest_pyfunc_call
from support.link_box import LinkBox

__all__ = ["box", "pytest_pyfunc_call"]


@pytest.fixture
def box(tmp_path: Path) -> LinkBox:
    """Small bounds: a file of 100,000 octets, links of 300,000 together."""
    return LinkBox(tmp_path)
