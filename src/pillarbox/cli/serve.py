"""Run the server that the configuration describes, until SIGTERM.

SIGTERM and Ctrl-C finish what is under way, SIGHUP reads certificates and configuration again.
Under systemd it tells when it is ready and takes over the sockets of socket units.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping

from pillarbox.cli.options import add_config, find_config


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `pillarbox serve`."""
    add_config(parser)
    parser.add_argument(
        "--ready-fd",
        type=int,
        metavar="N",
        help="write a line of JSON with all addresses to this descriptor when ready, then close it",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve."""
    from pillarbox.clock import SystemClock
    from pillarbox.config.loading import load
    from pillarbox.node.supervisor import Supervisor
    from pillarbox.telemetry import log

    path = find_config(options.config)
    settings = load(path)
    log.configure(level=settings.log.level, style=settings.log.format)

    def tell(addresses: Mapping[str, list[str]]) -> None:
        if options.ready_fd is not None:
            import msgspec

            with os.fdopen(options.ready_fd, "wb") as out:
                out.write(msgspec.json.encode(addresses) + b"\n")

    supervisor = Supervisor(settings, SystemClock(), reread=lambda: load(path), on_ready=tell)
    return supervisor.run()
