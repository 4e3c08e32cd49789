"""The configuration: check a file as the server would read it, or print what may stand in one."""

from __future__ import annotations

import argparse

from pillarbox.cli.options import add_config, add_json, find_config
from pillarbox.cli.output import answer


def configure(parser: argparse.ArgumentParser) -> None:
    """Verbs of `pillarbox config`."""
    verbs = parser.add_subparsers(title="what to do", metavar="VERB", required=True)
    check = verbs.add_parser("check", help="read the file, its certificates and its user")
    add_config(check)
    add_json(check)
    check.set_defaults(run=run_check)
    reference = verbs.add_parser("reference", help="print every setting, as Markdown")
    reference.set_defaults(run=run_reference)


def run_check(options: argparse.Namespace) -> int:
    """`pillarbox config check`."""
    from pillarbox.config.loading import hostname_of, load
    from pillarbox.node.certificates import load_certificates
    from pillarbox.node.privileges import find_person

    path = find_config(options.config)
    settings = load(path)
    find_person(settings.server.user, settings.server.group)
    load_certificates(settings)
    names = [listener.name for listener in settings.listener]
    value = {"file": str(path), "hostname": hostname_of(settings), "listeners": names}
    sentence = f"{path} is fine: {hostname_of(settings)} with {', '.join(names)}."
    return answer(options.json, value, sentence)


def run_reference(_options: argparse.Namespace) -> int:
    """`pillarbox config reference`."""
    from pillarbox.config.reference import reference

    print(reference(), end="")
    return 0
