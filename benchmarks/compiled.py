"""Pillarbox with its leaf modules compiled, beside the tree (see `hatch_build.py`)."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

from hatch_build import compile_modules

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"


@functools.cache
def compiled_build() -> Path:
    """The folder to import from; made once a run, in half a minute."""
    shutil.rmtree(BUILD, ignore_errors=True)
    shutil.copytree(
        ROOT / "src" / "pillarbox",
        BUILD / "pillarbox",
        ignore=shutil.ignore_patterns("__pycache__", "*.so"),
    )
    if not compile_modules(ROOT, BUILD):
        raise SystemExit("The modules could not be compiled: mypy, setuptools and cc are needed.")
    return BUILD
