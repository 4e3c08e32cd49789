"""Compiles the leaf modules and runs their tests, and a timing, against the result.

`python tools/compiled.py [pytest's arguments]`; run by `make compiled`. The build lies in
build/compiled, beside the pure one, which stays as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "compiled"
sys.path.insert(0, str(ROOT))

from hatch_build import compile_modules, listed_modules  # noqa: E402 - needs the path above

TESTS = ("tests/message", "tests/imap", "tests/smtp", "tests/pop3", "tests/fuzz")


def main() -> int:
    """Build, check that the build is what is imported, test."""
    shutil.rmtree(BUILD, ignore_errors=True)
    shutil.copytree(
        ROOT / "src" / "pillarbox",
        BUILD / "pillarbox",
        ignore=shutil.ignore_patterns("__pycache__", "*.so"),
    )
    if not compile_modules(ROOT, BUILD):
        print("The modules could not be compiled: a C compiler and mypy are needed.")
        return 1
    environment = {**os.environ, "PYTHONPATH": str(BUILD), "PYTHONDONTWRITEBYTECODE": "1"}
    modules = [path.removesuffix(".py").replace("/", ".") for path in listed_modules(ROOT)]
    looking = (
        "import importlib, sys; pure = [name for name in sys.argv[1:] if not "
        "importlib.import_module(name).__file__.endswith('.so')]; "
        "sys.exit(f'not compiled: {pure}' if pure else 0)"
    )
    subprocess.run([sys.executable, "-c", looking, *modules], env=environment, check=True)
    print(f"{len(modules)} modules are compiled; testing them.")
    found = [test for test in TESTS if (ROOT / test).exists()]
    pytest = [sys.executable, "-m", "pytest", "-o", f"pythonpath={BUILD} tests"]
    done = subprocess.run([*pytest, *found, *sys.argv[1:]], env=environment, cwd=ROOT, check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
