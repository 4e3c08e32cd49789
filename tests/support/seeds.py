"""Seeds of random tests that failed once, kept in tests/scenarios/seeds.txt and run each time."""

from __future__ import annotations

from pathlib import Path

FILE = Path(__file__).parent.parent / "scenarios" / "seeds.txt"


def seeds(test: str) -> list[int]:
    """Those of one test: "model" or "concurrency"."""
    lines = [line.partition("#")[0].split() for line in FILE.read_text().splitlines()]
    return [int(line[1]) for line in lines if line and line[0] == test]
