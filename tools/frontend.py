"""The web pages' build: made with Node, checked without it.

`make frontend` installs what frontend/package-lock.json pins, checks types, runs the tests and
builds into src/pillarbox/web/app/built/. `--check` says whether that folder was built from these
sources, holds what its manifest lists, and keeps to the budgets.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
BUILT = ROOT / "src/pillarbox/web/app/built"
# The same lists are in frontend/scripts/finish.ts.
SOURCE_FOLDERS = ("scripts", "src")
SOURCE_FILES = (
    "index.html",
    "package-lock.json",
    "package.json",
    "svelte.config.js",
    "tsconfig.json",
    "vite.config.ts",
)
NOT_SOURCES = {
    "src/ui/icons.svg",
    *(f"src/compose/emoji/{name}.json" for name in ("de", "en", "es", "zh")),
}
KIB = 1024
# Compressed with gzip, in KiB; of web.md §3.4. What the composer needs to open an empty window has
# those 50, the editor and what cleans a letter included; the rest of it, which it fetches at once
# afterwards (answers, files, the way to the server), is weighed by itself, and so is what comes
# when asked for: formats, emoji, a window of its own. Names of emoji are data, of one language.
BUDGETS = {
    "sign-in page": 25,
    "initial script": 90,
    "initial styles": 15,
    "icons": 10,
    "composer and its editor": 50,
    "composer, after its window": 13,
    "composer, asked for": 9,
    "emoji of a language": 40,
    "settings and their texts": 45,
    "moving in and out, its texts": 20,
    "later parts": 25,
    "everything": 350,
}
LOCALE_BUDGET = 12
# What the sign-in page sends; its templates are what the page is before names are filled in.
PAGES = ROOT / "src/pillarbox/web/pages"
SIGN_IN = (
    PAGES / "assets/pages.css",
    PAGES / "assets/pages.js",
    PAGES / "assets/pages.svg",
    PAGES / "templates/base.html",
    ROOT / "src/pillarbox/web/sign_in/templates/sign_in.html",
)


def sources_digest(folder: Path = FRONTEND) -> str:
    """One digest over everything that a build is made of."""
    names = [
        *SOURCE_FILES,
        *(
            path.relative_to(folder).as_posix()
            for part in SOURCE_FOLDERS
            for path in (folder / part).rglob("*")
            if path.is_file()
        ),
    ]
    # As JavaScript sorts: by UTF-16 code units, which for these names is the same.
    kept = sorted(name for name in names if not name.endswith(".test.ts"))
    lines = [f"{name} {_sha256(folder / name)}\n" for name in kept if name not in NOT_SOURCES]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def breaches(built: Path = BUILT, sources: str | None = None) -> Iterator[str]:
    """Every reason why the build is not one of these sources, or is too heavy."""
    if not (built / "manifest.json").exists():
        yield "There is no build of the web pages: make frontend"
        return
    manifest: dict[str, Any] = json.loads((built / "manifest.json").read_text())
    if manifest["sources"] != (sources or sources_digest()):
        yield "The web pages were built from other sources: make frontend"
    for name, digest in manifest["files"].items():
        path = built / name
        if not path.exists() or _sha256(path) != digest:
            yield f"{name} is not as it was built: make frontend"
            return
    for name, octets in weights(built, manifest).items():
        most = LOCALE_BUDGET if name.startswith("locale") else BUDGETS[name]
        if octets > most * KIB:
            yield f"{name}: {octets / KIB:.1f} KiB compressed, {most} are allowed"


def weights(built: Path, manifest: dict[str, Any]) -> dict[str, int]:
    """Octets of each part of the app as they travel."""
    groups: dict[str, list[str]] = manifest["groups"]

    def weigh(names: list[str], *endings: str) -> int:
        chosen = [name for name in names if name.endswith(endings)]
        return sum(_travelling(built / name) for name in chosen)

    code = (".js", ".css")
    every = list(manifest["files"])
    locales = {name: weigh(files, ".js") for name, files in groups.items() if "locale" in name}
    texts = [octets for name, octets in locales.items() if name.endswith(", settings")]
    of_moving = [octets for name, octets in locales.items() if name.endswith(", moving")]
    grouped = {name for files in groups.values() for name in files}
    later = [name for name in every if name.startswith("assets/") and name not in grouped]
    found = {
        "sign-in page": sum(len(gzip.compress(path.read_bytes(), 9)) for path in SIGN_IN),
        "initial script": weigh(groups["initial"], ".js"),
        "initial styles": weigh(groups["initial"], ".css"),
        "icons": weigh(every, ".svg"),
        "composer and its editor": weigh(groups["composer"], *code),
        "composer, after its window": weigh(groups["composer, later"], *code),
        "composer, asked for": weigh(groups["composer, asked for"], *code),
        "emoji of a language": max((weigh([name], ".json") for name in later), default=0),
        "settings and their texts": weigh(groups["settings"], *code) + max(texts, default=0),
        "moving in and out, its texts": weigh(groups["moving in and out"], *code)
        + max(of_moving, default=0),
        "later parts": weigh(later, *code),
        "everything": weigh(every, *code, ".svg", ".html"),
    }
    return found | locales


def _travelling(path: Path) -> int:
    compressed = path.with_name(path.name + ".gz")
    return (compressed if compressed.exists() else path).stat().st_size


def build() -> int:
    """Everything that needs Node; 1 where it failed."""
    npm = shutil.which("npm")
    if npm is None:
        print("There is no npm. Node 20.19 or later builds the web pages; the wheel needs none.")
        return 1
    for step in (["ci"], ["run", "check"], ["test"], ["run", "build"]):
        if subprocess.run([npm, *step], cwd=FRONTEND, check=False).returncode != 0:
            return 1
    return check(shown=True)


def check(*, shown: bool = False) -> int:
    """Print every breach; 1 if there is one."""
    found = list(breaches())
    for line in found:
        print(line)
    if shown and (BUILT / "manifest.json").exists():
        manifest = json.loads((BUILT / "manifest.json").read_text())
        for name, octets in weights(BUILT, manifest).items():
            print(f"{octets / KIB:7.1f} KiB  {name}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(check(shown="--sizes" in sys.argv) if "--check" in sys.argv else build())
