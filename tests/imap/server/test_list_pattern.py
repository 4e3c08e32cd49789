"""Patterns of LIST (RFC 9051 §6.3.9), and what a hostile one may cost."""

from __future__ import annotations

import time

import pytest

from pillarbox.imap.server.commands.list_pattern import matcher
from support.machine import cpu_bound

NAMES = ("INBOX", "a", "a/b", "a/b/c", "ab")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*", ["INBOX", "a", "a/b", "a/b/c", "ab"]),
        ("%", ["INBOX", "a", "ab"]),
        ("%%%", ["INBOX", "a", "ab"]),
        ("%*%", ["INBOX", "a", "a/b", "a/b/c", "ab"]),
        ("a/%", ["a/b"]),
        ("a%%b", ["ab"]),
        ("a%*b", ["a/b", "ab"]),
        ("%/%", ["a/b"]),
        ("inbox", ["INBOX"]),
        ("", []),
    ],
)
def test_patterns(pattern: str, found: list[str]) -> None:
    matches = matcher("", [pattern], 50)
    assert [name for name in NAMES if matches(name)] == found


@pytest.mark.timed
@pytest.mark.parametrize("run", ["%", "*", "%*", "%" * 1000 + "*"])
def test_a_run_of_wildcards_costs_its_length(run: str) -> None:
    """Quadratic work over 100,000 of them takes many seconds."""
    began = time.thread_time()
    assert matcher("", [run * (100_000 // len(run))], 50)("a")
    assert time.thread_time() - began < cpu_bound(1.0)
