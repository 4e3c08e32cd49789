"""A command of `pillarbox`, run in this process."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from pillarbox.cli.main import main

Run = Callable[..., tuple[int, str, str]]


def command_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *first: str
) -> Run:
    """What runs words behind these, with a standard input: (exit code, output, errors)."""

    def call(*words: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        try:
            code = main((*first, *words))
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call
