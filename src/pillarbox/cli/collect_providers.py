"""`pillarbox collect providers`: the large providers that are known by name."""

from __future__ import annotations

import argparse

import msgspec

from pillarbox.cli.output import print_json, print_table, size
from pillarbox.flow.collect.presets import PRESETS, Preset, Servers, Throttling

_PROOFS = {"account": "password", "app": "app password", "oauth": "OAuth"}


def print_providers(options: argparse.Namespace) -> int:
    """A line each; `--json` has their servers, too."""
    if options.json:
        print_json([msgspec.to_builtins(one) for one in PRESETS])
        return 0
    rows = [
        (
            one.name,
            one.title,
            _protocols(one.servers),
            _proof(one) if one.servers != Servers() else "",
            _limits(one.throttling),
        )
        for one in PRESETS
    ]
    print_table(("NAME", "PROVIDER", "BY", "SIGNS IN WITH", "ALLOWS"), rows)
    return 0


def _protocols(servers: Servers) -> str:
    by = (("IMAP", servers.imap), ("POP3", servers.pop3))
    return ", ".join(name for name, server in by if server is not None) or "none"


def _proof(preset: Preset) -> str:
    if preset.oauth is None or preset.proof == "oauth":
        return _PROOFS[preset.proof]
    return f"{_PROOFS[preset.proof]} or OAuth"


def _limits(throttling: Throttling) -> str:
    told = []
    if throttling.connections:
        told.append(f"{throttling.connections} connections")
    if throttling.imap_octets_a_day:
        told.append(f"{size(throttling.imap_octets_a_day)} a day by IMAP")
    if throttling.pop3_octets_a_day:
        told.append(f"{size(throttling.pop3_octets_a_day)} a day by POP3")
    if throttling.seconds_between:
        told.append(f"POP3 each {throttling.seconds_between // 60} min")
    return ", ".join(told)
