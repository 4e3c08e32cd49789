"""Tests here may be coroutines; a `box` among their arguments is opened around them."""

from __future__ import annotations

from support.coroutine_tests import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]
