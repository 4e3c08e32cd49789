"""The DNS records that a domain needs, ready to be copied, and whether the world sees them."""

from __future__ import annotations

import argparse

from pillarbox.accounts.names import fold_domain
from pillarbox.accounts.signing_keys import DkimKeys
from pillarbox.cli.opened import Opened, run_opened
from pillarbox.cli.options import finish
from pillarbox.cli.output import print_json, print_table, zone_text
from pillarbox.clock import SystemClock
from pillarbox.config.loading import hostname_of
from pillarbox.dns.stub import StubResolver
from pillarbox.errors import NoSuchDomain
from pillarbox.node.dns_records import Seen, Wanted, look_up, sts_policy, wanted_records
from pillarbox.store.sql import accounts

_WORDS = {
    Seen.RIGHT: "ok",
    Seen.MISSING: "missing",
    Seen.DIFFERENT: "different",
    Seen.UNKNOWN: "not known",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Verbs of `pillarbox dns`."""
    verbs = parser.add_subparsers(title="what to do", metavar="VERB", required=True)
    show = verbs.add_parser("show", help="the records to publish")
    show.add_argument("domain")
    finish(show, run_show)
    check = verbs.add_parser("check", help="ask the DNS for them; exit code 1 if one is wanting")
    check.add_argument("domain")
    finish(check, run_check)
    policy = verbs.add_parser("policy", help="the MTA-STS policy file of this server")
    finish(policy, run_policy)


def run_show(options: argparse.Namespace) -> int:
    """`pillarbox dns show`."""
    wanted = run_opened(options, lambda opened: _wanted(opened, options.domain))
    if options.json:
        print_json([_plain(one) for one in wanted])
        return 0
    for one in wanted:
        value = zone_text(one.value) if one.type == "TXT" else one.value
        print(f"; {one.what_for}{'' if one.is_needed else ' (optional)'}")
        print(f"{one.name}. IN {one.type} {value}")
    print("; The name of the server itself needs A and AAAA records, and its addresses a PTR")
    print("; record with that name: many servers refuse mail from others.")
    return 0


def run_check(options: argparse.Namespace) -> int:
    """`pillarbox dns check`."""

    async def work(opened: Opened) -> list[tuple[Wanted, Seen]]:
        resolver = StubResolver(opened.settings.dns, SystemClock())
        wanted = await _wanted(opened, options.domain)
        return [(one, await look_up(one, resolver)) for one in wanted]

    found = run_opened(options, work)
    if options.json:
        print_json([_plain(one) | {"seen": seen.value} for one, seen in found])
    else:
        rows = [
            (one.name, one.type, _WORDS[seen], "needed" if one.is_needed else "optional")
            for one, seen in found
        ]
        print_table(("NAME", "TYPE", "SEEN", ""), rows)
        print("\n'pillarbox dns show DOMAIN' prints what should be there.")
    return int(any(one.is_needed and seen is not Seen.RIGHT for one, seen in found))


def run_policy(options: argparse.Namespace) -> int:
    """`pillarbox dns policy`."""

    async def work(opened: Opened) -> bytes:
        return sts_policy(hostname_of(opened.settings))

    policy = run_opened(options, work).decode()
    if options.json:
        print_json({"policy": policy})
    else:
        print(policy, end="")
    return 0


async def _wanted(opened: Opened, domain: str) -> list[Wanted]:
    folded = fold_domain(domain)
    if not await opened.store.read(lambda db: accounts.has_domain(db, folded)):
        raise NoSuchDomain
    keys = await DkimKeys(opened.store, SystemClock()).list_keys(folded)
    return wanted_records(folded, opened.settings, keys)


def _plain(one: Wanted) -> dict[str, object]:
    return {
        "name": one.name,
        "type": one.type,
        "value": one.value,
        "what_for": one.what_for,
        "needed": one.is_needed,
    }
