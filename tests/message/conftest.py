"""`pytest tests/message --accept` writes the corpus's golden files anew; review the difference."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """The one option of these tests; known when pytest is started on this folder."""
    parser.addoption(
        "--accept", action="store_true", help="write the golden files of the message corpus anew"
    )


@pytest.fixture
def accept(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written instead of compared."""
    return bool(request.config.getoption("--accept", default=False))
