"""Compiles the leaf modules and runs their tests, and a timing, against the result.

`python tools/compiled.py [pytest's arguments]`; run by `make compiled`. The build lies in
build/compiled, beside the pure one, which stays as it is. `--build` only builds; what is there
already and is of the same sources is taken as it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "compiled"
sys.path.insert(0, str(ROOT))

from hatch_build import LIST, compile_modules, listed_modules  # noqa: E402 - needs the path above

SOURCES = ROOT / "src" / "pillarbox"
# What the listed modules are part of; nothing else differs from the other run of the tests.
TESTS = (
    "tests/message",
    "tests/imap/wire",
    "tests/imap/server",
    "tests/imap/test_*.py",
    "tests/smtp/test_*.py",
    "tests/fuzz/test_imap_wire_fuzz.py",
    "tests/fuzz/test_message_fuzz.py",
    "tests/fuzz/test_smtp_fuzz.py",
)


def main() -> int:
    """Build, check that the build is what is imported, test."""
    if not build():
        print("The modules could not be compiled: a C compiler and mypy are needed.")
        return 1
    if sys.argv[1:] == ["--build"]:
        return 0
    environment = {**os.environ, "PYTHONPATH": str(BUILD)}
    modules = [path.removesuffix(".py").replace("/", ".") for path in listed_modules(ROOT)]
    looking = (
        "import importlib, sys; pure = [name for name in sys.argv[1:] if not "
        "importlib.import_module(name).__file__.endswith('.so')]; "
        "sys.exit(f'not compiled: {pure}' if pure else 0)"
    )
    subprocess.run([sys.executable, "-c", looking, *modules], env=environment, check=True)
    print(f"{len(modules)} modules are compiled; testing them.")
    pytest = [sys.executable, "-m", "pytest", "-o", f"pythonpath={BUILD} tests"]
    found = [str(path) for pattern in TESTS for path in sorted(ROOT.glob(pattern))]
    done = subprocess.run([*pytest, *found, *sys.argv[1:]], env=environment, cwd=ROOT, check=False)
    return done.returncode


def build() -> bool:
    """Put the package with its compiled modules into BUILD, unless it is there."""
    built_from = BUILD / "built-from"
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted([*SOURCES.rglob("*.py"), ROOT / "hatch_build.py", ROOT / LIST]):
        digest.update(path.read_bytes())
    if built_from.exists() and built_from.read_text() == digest.hexdigest():
        return True
    shutil.rmtree(BUILD, ignore_errors=True)
    without = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(SOURCES, BUILD / "pillarbox", ignore=without)
    if not compile_modules(ROOT, BUILD):
        return False
    built_from.write_text(digest.hexdigest())
    return True


if __name__ == "__main__":
    sys.exit(main())
