"""The `pillarbox` command: finds the command's module, and only then imports anything of weight."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from pillarbox import __version__


class Command(NamedTuple):
    """One word behind `pillarbox`, and the module in which it lives."""

    name: str
    module: str
    what: str


GROUPS: tuple[tuple[str, tuple[Command, ...]], ...] = (
    (
        "Try it",
        (
            Command("run", "run", "a mail server for trying, on this computer alone"),
            Command("localserve", "localserve", "a mail server for testing programs that send"),
        ),
    ),
    (
        "Serve",
        (
            Command("setup", "setup", "write a configuration and make the first account"),
            Command("serve", "serve", "run the server"),
            Command("config", "config", "check the configuration, print its reference"),
            Command("systemd-unit", "systemd_unit", "print the unit files for systemd"),
        ),
    ),
    (
        "Administer",
        (
            Command("account", "account", "add, list, change and remove accounts"),
            Command("app-password", "app_password", "passwords for single programs"),
            Command("domain", "domain", "the domains whose mail ends here"),
            Command("alias", "alias", "addresses that lead to others"),
            Command("dkim", "dkim", "keys that sign outgoing mail"),
            Command("dns", "dns", "the DNS records that a domain needs"),
            Command("mailbox", "mailbox", "the mailboxes of an account"),
            Command("bulk", "bulk", "many messages at once: move, destroy, flag, undo"),
            Command("trace", "trace", "what became of a message"),
            Command("queue", "queue", "mail on its way out: list, retry, hold, release, drop"),
            Command("reports", "reports", "DMARC and TLS reports that came, and those we send"),
            Command("verify", "verify", "read everything that is stored and compare"),
        ),
    ),
    (
        "Mail from elsewhere",
        (
            Command("collect", "collect", "fetch mail from other providers, continuously"),
            Command("import", "import_mail", "move in: from a server or from files; compare, undo"),
            Command("export", "export", "move out: to an archive or to another server"),
        ),
    ),
    ("Else", (Command("version", "version", "print the version"),)),
)
COMMANDS = {command.name: command for _, group in GROUPS for command in group}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 1 not done, 2 not understood."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0 if words else 2
    if words[0] == "--version":
        words[0] = "version"
    command = COMMANDS.get(words[0])
    if command is None:
        return _unknown(words[0])
    return _run(command, words[1:])


def _run(command: Command, words: list[str]) -> int:
    import argparse

    from pillarbox.errors import PillarboxError

    module = import_module(f"pillarbox.cli.{command.module}")
    parser = argparse.ArgumentParser(
        prog=f"pillarbox {command.name}",
        description=(module.__doc__ or "").strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.configure(parser)
    parsed = parser.parse_args(words)
    try:
        code: int = parsed.run(parsed)
    except PillarboxError as error:
        print(f"pillarbox: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("pillarbox: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `pillarbox account list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _unknown(word: str) -> int:
    import difflib

    near = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else " 'pillarbox --help' lists the commands."
    print(f"pillarbox: there is no command {word!r}.{hint}", file=sys.stderr)
    return 2


def _help() -> str:
    lines = [
        "usage: pillarbox COMMAND …",
        "",
        f"Pillarbox {__version__}, a complete mail system: SMTP, IMAP, POP3 and a store.",
    ]
    for title, group in GROUPS:
        lines += ["", f"{title}:"]
        lines += [f"  {command.name:<14} {command.what}" for command in group]
    lines += ["", "'pillarbox COMMAND --help' tells more about each."]
    return "\n".join(lines)
