"""Aliases: addresses that lead to one or several others.

An alias may lead to another alias or to an address elsewhere. The alias @example.org (nothing in
front) is the catch-all: it takes mail for every address of the domain that has no other home.
"""

from __future__ import annotations

import argparse

from pillarbox.cli.opened import Opened, run_opened
from pillarbox.cli.options import finish
from pillarbox.cli.output import answer, print_json, print_table
from pillarbox.store.model import AddressRow
from pillarbox.store.sql import addresses


def configure(parser: argparse.ArgumentParser) -> None:
    """Verbs of `pillarbox alias`."""
    verbs = parser.add_subparsers(title="what to do", metavar="VERB", required=True)
    add = verbs.add_parser("add", help="make an alias")
    add.add_argument("address", help="info@example.org, or @example.org for all the rest")
    add.add_argument("target", nargs="+", help="where it leads: one address or several")
    finish(add, run_add)
    finish(verbs.add_parser("list", help="all aliases"), run_list)
    remove = verbs.add_parser("remove", help="remove an alias")
    remove.add_argument("address")
    finish(remove, run_remove)


def run_add(options: argparse.Namespace) -> int:
    """`pillarbox alias add`."""
    alias = run_opened(
        options, lambda opened: opened.admin.add_alias(options.address, options.target)
    )
    value = {"alias": alias, "targets": options.target}
    return answer(options.json, value, f"{alias} leads to {', '.join(options.target)}.")


def run_list(options: argparse.Namespace) -> int:
    """`pillarbox alias list`."""

    async def work(opened: Opened) -> list[AddressRow]:
        return await opened.store.read(addresses.list_aliases)

    found = run_opened(options, work)
    if options.json:
        print_json([{"alias": row.address, "targets": list(row.targets)} for row in found])
    else:
        print_table(("ALIAS", "LEADS TO"), [(row.address, ", ".join(row.targets)) for row in found])
    return 0


def run_remove(options: argparse.Namespace) -> int:
    """`pillarbox alias remove`."""
    run_opened(options, lambda opened: opened.admin.remove_alias(options.address))
    return answer(options.json, {"removed": options.address}, f"Removed {options.address}.")
