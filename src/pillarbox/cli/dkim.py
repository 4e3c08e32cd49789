"""DKIM keys, with which mail of our domains is signed.

A new domain gets keys at once, and they sign; publish their records soon. To change
keys: 'rotate' makes new ones, publish their records, 'activate' signs with them. Leave the old
records in the DNS for a week, since mail that was signed with them is still on its way.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from pillarbox.accounts.signing_keys import DkimKeys, record_name, record_value
from pillarbox.cli.opened import Opened, run_opened
from pillarbox.cli.options import confirm, finish
from pillarbox.cli.output import answer, print_json, print_table, zone_text
from pillarbox.clock import SystemClock, from_unix_seconds
from pillarbox.dns.stub import StubResolver
from pillarbox.store.sql.dkim_keys import DkimKeyRow


def configure(parser: argparse.ArgumentParser) -> None:
    """Verbs of `pillarbox dkim`."""
    verbs = parser.add_subparsers(title="what to do", metavar="VERB", required=True)
    add = verbs.add_parser("add", help="make the keys of a domain that has none")
    add.add_argument("domain")
    finish(add, run_add)
    rotate = verbs.add_parser("rotate", help="make a domain's next keys")
    rotate.add_argument("domain")
    finish(rotate, run_rotate)
    listing = verbs.add_parser("list", help="all keys, with their records")
    listing.add_argument("domain", nargs="?", default="")
    finish(listing, run_list)
    activate = verbs.add_parser("activate", help="sign with the new keys from now on")
    activate.add_argument("domain")
    activate.add_argument(
        "--unchecked", action="store_true", help="do not look whether their records are published"
    )
    finish(activate, run_activate)
    remove = verbs.add_parser("remove", help="forget a key")
    remove.add_argument("domain")
    remove.add_argument("selector")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    finish(remove, run_remove)


def run_add(options: argparse.Namespace) -> int:
    """`pillarbox dkim add`."""
    made = run_opened(options, lambda opened: _keys(opened).make_first(options.domain))
    return _answer(options, made)


def run_rotate(options: argparse.Namespace) -> int:
    """`pillarbox dkim rotate`."""
    made = run_opened(options, lambda opened: _keys(opened).make(options.domain))
    return _answer(options, made)


def _answer(options: argparse.Namespace, made: Sequence[DkimKeyRow]) -> int:
    if options.json:
        print_json([_plain(key) for key in made])
        return 0
    print("Publish these records:")
    _print_records(made)
    if made[0].state.value == "waiting":
        print(f"Once they can be seen everywhere: pillarbox dkim activate {made[0].domain}")
    return 0


def run_list(options: argparse.Namespace) -> int:
    """`pillarbox dkim list`."""
    found = run_opened(options, lambda opened: _keys(opened).list_keys(options.domain))
    if options.json:
        print_json([_plain(key) for key in found])
        return 0
    if options.domain and not found:
        print(
            f"{options.domain} has no keys. 'pillarbox dkim add' makes those of a domain of ours."
        )
        return 1
    rows = [
        (key.domain, key.selector, key.algorithm, key.state.value, _day(key.created_at))
        for key in found
    ]
    print_table(("DOMAIN", "SELECTOR", "ALGORITHM", "STATE", "MADE"), rows)
    if options.domain:
        print()
        _print_records(found)
    return 0


def run_activate(options: argparse.Namespace) -> int:
    """`pillarbox dkim activate`."""

    async def work(opened: Opened) -> list[DkimKeyRow]:
        resolver = StubResolver(opened.settings.dns, SystemClock())
        return await _keys(opened).activate(options.domain, None if options.unchecked else resolver)

    keys = run_opened(options, work)
    selectors = [key.selector for key in keys]
    sentence = f"Mail of {keys[0].domain} is now signed with {' and '.join(selectors)}."
    return answer(options.json, {"domain": keys[0].domain, "signing": selectors}, sentence)


def run_remove(options: argparse.Namespace) -> int:
    """`pillarbox dkim remove`."""
    confirm(options, f"Forget the key {options.selector} of {options.domain} for ever?")
    run_opened(options, lambda opened: _keys(opened).remove(options.domain, options.selector))
    value = {"domain": options.domain, "removed": options.selector}
    return answer(options.json, value, f"Removed {options.selector} of {options.domain}.")


def _keys(opened: Opened) -> DkimKeys:
    return DkimKeys(opened.store, SystemClock())


def _plain(key: DkimKeyRow) -> dict[str, str]:
    """Never the private part."""
    return {
        "domain": key.domain,
        "selector": key.selector,
        "algorithm": key.algorithm,
        "state": key.state.value,
        "name": record_name(key),
        "record": record_value(key),
    }


def _print_records(keys: Sequence[DkimKeyRow]) -> None:
    for key in keys:
        print(f"{record_name(key)}. IN TXT {zone_text(record_value(key))}")


def _day(at: int) -> str:
    return from_unix_seconds(at).strftime("%Y-%m-%d")
