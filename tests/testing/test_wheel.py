"""What users install: built without Node, it has the pages, their texts and the schema."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src" / "pillarbox"
# Opens a store, renders a page of every area, finds the app: from the unpacked wheel alone.
_USE = """
import asyncio, sys
from pathlib import Path
import pillarbox
assert Path(pillarbox.__file__).is_relative_to(sys.argv[1]), pillarbox.__file__
from pillarbox.clock import SystemClock
from pillarbox.config.store import StoreSettings
from pillarbox.store.open import open_store
from pillarbox.web.pages.languages import LANGUAGES, texts_of

async def main():
    store = await open_store(StoreSettings(data_dir=sys.argv[2]), SystemClock())
    await store.close()
    for area in ("pages", "sign_in", "recovery", "devices", "basic", "account"):
        for language in LANGUAGES:
            assert texts_of(area, language)

asyncio.run(main())
print("used")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    # Neither Node nor anything else is at hand.
    alone = {"PATH": str(folder / "nothing"), "HOME": str(folder)}
    done = subprocess.run(command, cwd=ROOT, env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "missing" not in done.stdout + done.stderr
    [archive] = folder.glob("*.whl")
    assert archive.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_nothing_of_the_sources_is_left_out(wheel: Path) -> None:
    """Whatever its kind: code, schema, templates, texts, styles, the built app."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "."], cwd=SOURCES, capture_output=True, check=False
    )
    if tracked.returncode:
        pytest.skip("no repository around")
    wanted = {name.decode() for name in tracked.stdout.split(b"\0") if name}
    wanted = {name for name in wanted if (SOURCES / name).exists()}
    inside = wheel / "pillarbox"
    there = {str(path.relative_to(inside)) for path in inside.rglob("*")}
    assert wanted - there == set()
    for kind in ("store/sql/schema/*.sql", "web/*/templates/*.html", "web/*/texts/*.json"):
        assert list(inside.glob(kind)), kind


def test_the_app_is_whole(wheel: Path) -> None:
    """Every file that the manifest names, as it was built."""
    built = wheel / "pillarbox" / "web" / "app" / "built"
    files = json.loads((built / "manifest.json").read_text())["files"]
    assert "index.html" in files
    for name, told in files.items():
        digest = hashlib.sha256((built / name).read_bytes()).hexdigest()
        assert digest == (told if isinstance(told, str) else told["sha256"]), name


def test_it_works_where_only_it_is(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _USE, str(wheel), str(tmp_path / "data")]
    environment = {**os.environ, "PYTHONPATH": str(wheel)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "used", done.stderr
