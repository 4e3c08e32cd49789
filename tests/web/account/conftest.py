"""Tests here may be coroutines; a `box` among their arguments is opened around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.coroutine_tests import pytest_pyfunc_call
from support.web_people import PeopleBox

__all__ = ["box", "pytest_pyfunc_call"]


@pytest.fixture
def box(tmp_path: Path) -> PeopleBox:
    """Alice has the password `PASSWORD`; the sign-in pages and /account/ are served."""
    return PeopleBox(tmp_path)
