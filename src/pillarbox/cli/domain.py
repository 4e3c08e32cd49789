"""Domains: what stands behind the @ of addresses whose mail ends on this server."""

from __future__ import annotations

import argparse

from pillarbox.accounts.signing_keys import DkimKeys
from pillarbox.cli.opened import Opened, run_opened
from pillarbox.cli.options import finish
from pillarbox.cli.output import answer, print_json
from pillarbox.clock import SystemClock
from pillarbox.store.sql import accounts


def configure(parser: argparse.ArgumentParser) -> None:
    """Verbs of `pillarbox domain`."""
    verbs = parser.add_subparsers(title="what to do", metavar="VERB", required=True)
    add = verbs.add_parser("add", help="take mail for a domain from now on")
    add.add_argument("name", help="example.org")
    finish(add, run_add)
    finish(verbs.add_parser("list", help="all domains"), run_list)
    remove = verbs.add_parser("remove", help="refuse mail for a domain; accounts stay")
    remove.add_argument("name")
    finish(remove, run_remove)


def run_add(options: argparse.Namespace) -> int:
    """`pillarbox domain add`."""

    async def work(opened: Opened) -> str:
        name = await opened.admin.add_domain(options.name)
        await DkimKeys(opened.store, SystemClock()).ensure(name)
        return name

    name = run_opened(options, work)
    sentence = (
        f"Mail for {name} is taken from now on. 'pillarbox dns show {name}' prints the DNS records "
        "that it needs."
    )
    return answer(options.json, {"domain": name}, sentence)


def run_list(options: argparse.Namespace) -> int:
    """`pillarbox domain list`."""

    async def work(opened: Opened) -> list[str]:
        return await opened.store.read(accounts.all_domains)

    found = run_opened(options, work)
    if options.json:
        print_json(found)
    else:
        print("\n".join(found) if found else "No domain yet: 'pillarbox domain add example.org'.")
    return 0


def run_remove(options: argparse.Namespace) -> int:
    """`pillarbox domain remove`."""
    run_opened(options, lambda opened: opened.admin.remove_domain(options.name))
    return answer(
        options.json, {"removed": options.name}, f"Mail for {options.name} is refused from now on."
    )
