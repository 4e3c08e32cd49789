"""Reports about mail: what other servers tell of mail in our names, and what ours tells them.

Reports that come to the addresses of reports.addresses are read soon after they are delivered.
Ours go out by themselves, once a day; `send` is for those who do not want to wait.
"""

from __future__ import annotations

import argparse

from pillarbox.cli.options import finish, parse_count

LISTED = 100


def configure(parser: argparse.ArgumentParser) -> None:
    """Verbs of `pillarbox reports`."""
    verbs = parser.add_subparsers(title="what to do", metavar="VERB", required=True)
    listed = verbs.add_parser("list", help="reports that came, the newest first")
    listed.add_argument("domain", nargs="?", default="", help="only those about this domain")
    listed.add_argument("--kind", choices=("dmarc", "tls"), default="", help="only of this kind")
    listed.add_argument("--sent", action="store_true", help="those of ours, instead")
    listed.add_argument(
        "--limit", type=parse_count, default=LISTED, metavar="N", help=f"lines at most ({LISTED})"
    )
    finish(listed, run_list)
    show = verbs.add_parser("show", help="everything that one report says")
    show.add_argument("number", type=int, help="the number that `list` shows")
    finish(show, run_show)
    send = verbs.add_parser("send", help="make and send reports that are due")
    send.add_argument("--now", action="store_true", help="all of past days, before their time, too")
    send.add_argument(
        "--today", action="store_true", help="with --now: of the day that is not over, too"
    )
    finish(send, run_send)


def run_list(options: argparse.Namespace) -> int:
    """`pillarbox reports list`."""
    from pillarbox.cli.opened import run_opened
    from pillarbox.cli.reports_shown import list_received, list_sent

    show = list_sent if options.sent else list_received
    return run_opened(options, lambda opened: show(opened.store, options))


def run_show(options: argparse.Namespace) -> int:
    """`pillarbox reports show`."""
    from pillarbox.cli.opened import run_opened
    from pillarbox.cli.reports_shown import show_report

    return run_opened(options, lambda opened: show_report(opened.store, options))


def run_send(options: argparse.Namespace) -> int:
    """`pillarbox reports send`."""
    from pillarbox.cli.opened import Opened, run_opened
    from pillarbox.cli.output import answer
    from pillarbox.clock import SystemClock
    from pillarbox.dns.stub import StubResolver
    from pillarbox.errors import NotAllowed
    from pillarbox.node.reporting import make_producer

    if options.today and not options.now:
        raise NotAllowed("--today goes together with --now.")

    async def work(opened: Opened) -> int:
        clock = SystemClock()
        resolver = StubResolver(opened.settings.dns, clock)
        try:
            producer = make_producer(opened.settings, opened.store, resolver, clock)
            if producer is None:
                raise NotAllowed(
                    "No reports are sent: reports.dmarc and reports.tls are off, or "
                    "reports.contact and server.hostname have no domain to send from."
                )
            if options.now:
                return await producer.hurry(with_today=options.today)
            return await producer.produce()
        finally:
            await resolver.close()

    sent = run_opened(options, work)
    several = "" if sent == 1 else "s"
    return answer(options.json, {"sent": sent}, f"{sent} report{several} given to the queue.")
