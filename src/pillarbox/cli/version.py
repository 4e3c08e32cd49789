"""Print the version of Pillarbox and of what it stands on."""

from __future__ import annotations

import argparse
import platform

from pillarbox import __version__
from pillarbox.cli.options import add_json
from pillarbox.cli.output import answer


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `pillarbox version`."""
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print it."""
    import ssl

    import apsw

    parts = {
        "pillarbox": __version__,
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "openssl": ssl.OPENSSL_VERSION,
    }
    below = ", ".join(f"{name} {version}" for name, version in list(parts.items())[1:])
    return answer(options.json, parts, f"pillarbox {__version__} ({below})")
