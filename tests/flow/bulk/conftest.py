"""Tests here may be coroutines; a `box` among their arguments is opened around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.bulk_box import BulkBox
from support.coroutine_tests import pytest_pyfunc_call

__all__ = ["box", "pytest_pyfunc_call"]


@pytest.fixture
def box(tmp_path: Path) -> BulkBox:
    """A store with the account alice; operations are done by `box.work()`."""
    return BulkBox(tmp_path)
