"""Compiles the leaf modules with mypyc when PILLARBOX_COMPILE=1; otherwise does nothing (ADR 0015).

Only modules without I/O are listed: tokenizers and scanners, where it brings most. The same files
run uncompiled, and a wheel built without a compiler is a pure one. Editable installs stay pure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SWITCH = "PILLARBOX_COMPILE"
OPTIMISATION = "3"
LIST = Path("requirements/compiled.txt")  # modules, one a line
PAGES = Path("src/pillarbox/web/app/built/manifest.json")  # `make frontend` built them

_BUILD = """
import sys
from mypyc.build import mypycify
from setuptools import setup

setup(
    name="pillarbox-compiled",
    ext_modules=mypycify(sys.argv[3:], opt_level=sys.argv[1], multi_file=True),
    script_args=["build_ext", "--build-lib", sys.argv[2], "--parallel", "2"],
)
"""


class CompileHook(BuildHookInterface[Any]):
    """The hook that hatchling finds in this file."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What `pip install` brings into its build environment; nothing for a pure wheel."""
        return ["mypy", "setuptools"] if _is_wanted(self.target_name) else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile and add the results to the wheel. Nothing of the web pages is built here."""
        if self.target_name == "wheel" and not (Path(self.root) / PAGES).exists():
            self.app.display_warning("The web pages are missing: make frontend.")
        if version == "editable" or not _is_wanted(self.target_name):
            return
        root = Path(self.root)
        self._built = Path(tempfile.mkdtemp(prefix="pillarbox-compiled-"))
        if not compile_modules(root, self._built):
            self.app.display_warning("Could not compile; the wheel is a pure one.")
            return
        for file in self._built.rglob("*.so"):
            build_data["force_include"][str(file)] = str(file.relative_to(self._built))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was compiled; it is in the wheel now."""
        built = getattr(self, "_built", None)
        if built is not None:
            shutil.rmtree(built, ignore_errors=True)


def _is_wanted(target: str) -> bool:
    return target == "wheel" and os.environ.get(SWITCH) == "1"


def listed_modules(root: Path) -> list[str]:
    """Paths of the modules to compile, below src/."""
    lines = (root / LIST).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def compile_modules(root: Path, target: Path) -> bool:
    """Put the compiled modules below `target`; False where there is no compiler or no mypyc."""
    with tempfile.TemporaryDirectory(prefix="pillarbox-build-") as folder:
        work = Path(folder)
        shutil.copytree(
            root / "src" / "pillarbox",
            work / "pillarbox",
            ignore=shutil.ignore_patterns("__pycache__", "*.so"),
        )
        done = subprocess.run(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-c", _BUILD, OPTIMISATION, str(target), *listed_modules(root)],
            cwd=work,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    if done.returncode != 0:
        sys.stderr.write(done.stdout[-4000:])
    return done.returncode == 0
