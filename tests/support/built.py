"""A front end of two files, in the form that a real build has."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import brotli

SCRIPT = b"export const words = 'many words that are told again and again';\n" * 20
PAGE = b"""<!doctype html>
<html lang="en"><head><title>Mail</title><!--inlined--></head>
<body><noscript><a href="/basic/">without scripts</a></noscript><div id="app"></div>
<script type="module" src="/assets/index-abc.js"></script></body></html>
"""


def write_build(folder: Path) -> Path:
    """The folder of the build, below `folder`."""
    built = folder / "built"
    files = {
        "index.html": PAGE,
        "sw.js": b"self.onfetch = null\n",
        "assets/index-abc.js": SCRIPT,
        "assets/icon-abc.svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    }
    for name, octets in files.items():
        path = built / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
        if name.endswith(".js"):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(octets))
            path.with_name(path.name + ".br").write_bytes(brotli.compress(octets))
    manifest = {"build": "b1b2b3", "sources": "", "initial": [], "files": dict.fromkeys(files, "")}
    (built / "manifest.json").write_text(json.dumps(manifest))
    return built
