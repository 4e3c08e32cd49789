"""Options about mail in other places: where it is, who we are there, what comes and whither."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pillarbox.cli.options import parse_count
from pillarbox.cli.queue_filters import parse_span
from pillarbox.errors import NotAllowed

if TYPE_CHECKING:
    from pillarbox.flow.collect.settings import FolderChoice, SendAs, ServerSpec
    from pillarbox.flow.collect.source import AtSource

TLS = ("implicit", "starttls", "none")
PORTS = {
    "imap": {"implicit": 993, "starttls": 143, "none": 143},
    "pop3": {"implicit": 995, "starttls": 110, "none": 110},
    "smtp": {"implicit": 465, "starttls": 587, "none": 25},
}
_DAY = 86_400


def add_server(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """`--port`, `--tls`, `--login`, `--allow-private`; how the host is named differs."""
    group = parser.add_argument_group("where it is")
    group.add_argument("--port", type=parse_port, metavar="N", help="else the usual one")
    group.add_argument(
        "--tls",
        choices=TLS,
        help="from the first octet (implicit, the default), by STARTTLS, or none at all, which is "
        "for a server on this computer",
    )
    group.add_argument("--login", default="", help="the name to sign in with there")
    group.add_argument(
        "--allow-private",
        action="store_true",
        help="allow an address in a private network, or of this computer",
    )
    return group


def add_authority(parser: argparse._ActionsContainer) -> None:
    """`--authority`."""
    parser.add_argument(
        "--authority",
        default="",
        metavar="FILE",
        help="trust this certificate (PEM), of the server or of who vouches for it",
    )


def add_confirmed(parser: argparse.ArgumentParser) -> None:
    """`--many-deletions`."""
    parser.add_argument(
        "--many-deletions",
        dest="confirmed",
        action="store_true",
        help="both ways and mirror: follow them even if most of a folder is gone on one side",
    )


def add_secret(parser: argparse.ArgumentParser) -> None:
    """`--password-stdin` and `--password-file`; otherwise it is asked for."""
    how = parser.add_argument_group("password (asked for unless one of these is given)")
    one = how.add_mutually_exclusive_group()
    one.add_argument(
        "--password-stdin", action="store_true", help="the first line of standard input"
    )
    one.add_argument("--password-file", metavar="FILE", default="", help="the first line of a file")


def add_oauth(parser: argparse.ArgumentParser) -> None:
    """`--client-id` and its kin: how Pillarbox is known to the provider."""
    group = parser.add_argument_group("signing in by OAuth, in a browser, without a password")
    group.add_argument(
        "--client-id", default="", metavar="ID", help="what the provider gave you for Pillarbox"
    )
    group.add_argument(
        "--client-secret-file",
        default="",
        metavar="FILE",
        help="its first line is the secret that belongs to the client id, where there is one",
    )
    group.add_argument(
        "--device",
        action="store_true",
        help="show a code to type on another device; for computers without a browser",
    )
    for option, what in (
        ("--authorization-url", "where one signs in"),
        ("--device-url", "where a code is asked for (with --device)"),
        ("--token-url", "where tokens are given"),
    ):
        told = f"{what}, at a provider that is not known by name"
        group.add_argument(option, default="", metavar="URL", help=told)
    group.add_argument("--scope", default="", help="what is asked for there")


def add_folders(parser: argparse.ArgumentParser, *, spam: bool | None) -> None:
    """Which folders come, whither, with what label.

    `spam`: whether the spam folder comes unless it is said otherwise; None: as it was.
    """
    group = parser.add_argument_group("what comes, and whither")
    group.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="FOLDER",
        help="with all below it; repeatable",
    )
    group.add_argument(
        "--except",
        dest="excluded",
        action="append",
        default=[],
        metavar="FOLDER",
        help="not it nor what is below it; repeatable",
    )
    group.add_argument(
        "--map",
        dest="mapped",
        action="append",
        default=[],
        type=parse_pair,
        metavar="THERE=HERE",
        help="put a folder into a mailbox of another name; repeatable",
    )
    none = None if spam is None else ""
    group.add_argument(
        "--into", default=none, metavar="MAILBOX", help="put everything into one mailbox"
    )
    group.add_argument(
        "--keyword", default=none, metavar="WORD", help="a label for everything that comes"
    )
    if spam is not True:
        group.add_argument(
            "--spam", dest="skip_spam", action="store_false", help="the spam folder, too"
        )
    if spam is not False:
        group.add_argument(
            "--no-spam", dest="skip_spam", action="store_true", help="leave out the spam folder"
        )
    parser.set_defaults(skip_spam=None if spam is None else not spam)


def add_going_on(parser: argparse.ArgumentParser) -> None:
    """`--every`, `--idle`, `--at-source`, `--two-way`, `--filtered`, `--send-as`.

    What is not given is None, so that `edit` leaves it as it was.
    """
    group = parser.add_argument_group("how it goes on")
    group.add_argument("--every", type=parse_span, metavar="TIME", help="look each 15m, 4h … (15m)")
    group.add_argument(
        "--idle", action="store_true", default=None, help="IMAP: stay connected, mail comes at once"
    )
    group.add_argument(
        "--at-source",
        type=parse_at_source,
        metavar="WHAT",
        help="with what is safe here: leave (the default), delete, delete=14d (that long after it "
        "came), and with IMAP mark (as read) or move=FOLDER",
    )
    group.add_argument(
        "--two-way",
        action="store_true",
        default=None,
        help="IMAP: flags and deletions go both ways",
    )
    group.add_argument(
        "--filtered",
        action="store_true",
        default=None,
        help="judge and sort what comes as arriving mail is",
    )
    group.add_argument(
        "--send-as",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="an address to send from through --smtp; repeatable",
    )
    group.add_argument("--smtp", default="", metavar="HOST[:PORT]", help="its server for sending")
    group.add_argument("--smtp-tls", choices=TLS[:2], help="as --tls")


def parse_port(text: str) -> int:
    """1 to 65535."""
    number = parse_count(text) if text != "none" else 0
    if not 0 < number < 65_536:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return number


def parse_pair(text: str) -> tuple[str, str]:
    """ "Work/2019=Old/Work"."""
    there, equals, here = text.partition("=")
    if not (equals and there and here):
        raise argparse.ArgumentTypeError(f"{text!r} is no pair; write 'Folder there=Mailbox here'")
    return there, here


def parse_at_source(text: str) -> AtSource:
    """ "leave", "mark", "move=FOLDER", "delete", "delete=14d"."""
    from pillarbox.flow.collect.source import AtSource

    action, _, more = text.partition("=")
    match action, bool(more):
        case "leave", False:
            return AtSource("leave")
        case "mark", False:
            return AtSource("mark")
        case "delete", False:
            return AtSource("delete")
        case "delete", True:
            days = parse_span(more) / _DAY
            if days != int(days):
                raise argparse.ArgumentTypeError("mail is left for whole days: delete=14d")
            return AtSource("delete", after_days=int(days))
        case "move", True:
            return AtSource("move", folder=more)
    raise argparse.ArgumentTypeError(
        f"{text!r} is not known; write leave, mark, move=FOLDER, delete or delete=14d"
    )


def server_of(protocol: str, host: str, port: int | None, tls: str | None) -> ServerSpec:
    """A server as it was named; "host:port" is understood, [::1]:143 too."""
    from pillarbox.flow.collect.settings import ServerSpec

    bare, colon, digits = host.rpartition(":")
    if colon and digits.isdigit() and (bare.endswith("]") or ":" not in bare):
        host, port = bare, port or parse_port(digits)
    host = host.removeprefix("[").removesuffix("]")
    if tls is None:
        tls = "starttls" if port in (PORTS[protocol]["starttls"], 25) else "implicit"
    return ServerSpec(host, port or PORTS[protocol][tls], tls)  # type: ignore[arg-type]  # argparse allows only these


def folders_of(options: argparse.Namespace) -> FolderChoice:
    """`--only`, `--except`, `--map`."""
    from pillarbox.flow.collect.settings import FolderChoice

    return FolderChoice(
        include=tuple(options.only),
        exclude=tuple(options.excluded),
        mapped=dict(options.mapped),
    )


def send_as_of(options: argparse.Namespace) -> SendAs | None:
    """`--send-as` and `--smtp`."""
    from pillarbox.flow.collect.settings import SendAs

    if not options.send_as:
        if options.smtp:
            raise NotAllowed("--smtp goes with --send-as: which addresses are sent from there?")
        return None
    if not options.smtp:
        raise NotAllowed("--send-as needs --smtp, the provider's server for sending.")
    return SendAs(
        addresses=tuple(address.lower() for address in options.send_as),
        server=server_of("smtp", options.smtp, None, options.smtp_tls),
    )
