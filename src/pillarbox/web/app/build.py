"""What `make frontend` leaves beside this module: files under hashed names, and compressed copies.

All of it is read at the start of a worker; some two megabytes.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pillarbox.telemetry.log import get_logger

log = get_logger("web")
BUILT = Path(__file__).parent / "built"
HASHED = "assets/"  # what is below has its content's hash in its name
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_COMPRESSED = {"br": ".br", "gzip": ".gz"}


class _Manifest(msgspec.Struct, frozen=True):
    build: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """One file of the build in every form that a browser may take it in."""

    name: str
    media_type: str
    etag: str
    forms: dict[str, bytes]  # by content coding; "identity" is always there


@dataclass(frozen=True, slots=True)
class Build:
    """All files by name, and which build they are."""

    number: str
    files: dict[str, BuiltFile]

    @property
    def page(self) -> str:
        """The shell's HTML."""
        return self.files["index.html"].forms["identity"].decode()


@functools.cache
def current_build() -> Build | None:
    """What this installation has."""
    return find_build(BUILT)


def find_build(folder: Path) -> Build | None:
    """None where nothing was built, or not all of it is there."""
    try:
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=_Manifest)
        files = {name: _read(folder, name) for name in manifest.files}
    except FileNotFoundError as error:
        if error.filename != str(folder / "manifest.json"):
            log.error_event("web.build_incomplete", missing=str(error.filename))
        return None
    if "index.html" not in files:
        log.error_event("web.build_incomplete", missing="index.html")
        return None
    return Build(manifest.build, files)


def _read(folder: Path, name: str) -> BuiltFile:
    path = folder / name
    forms = {"identity": path.read_bytes()}
    for coding, suffix in _COMPRESSED.items():
        copy = path.with_name(path.name + suffix)
        if copy.exists():
            forms[coding] = copy.read_bytes()
    etag = hashlib.sha256(forms["identity"]).hexdigest()[:16]
    media_type = _TYPES.get(path.suffix, "application/octet-stream")
    return BuiltFile(name, media_type, etag, forms)
