"""Pillarbox itself as a `MailServer`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pillarbox.testing import RunningServer, running_server
from support.server import DOMAIN, PASSWORD, MailServer, Ports

# Made in one go before the start: a password hash and an open store each time cost more.
READY_ACCOUNTS = 150


@contextlib.contextmanager
def running_pillarbox(
    folder: Path,
    *,
    workers: int = 2,
    accounts: int = READY_ACCOUNTS,
    settings: Mapping[str, Mapping[str, object]] | None = None,
) -> Iterator[MailServer]:
    """Run it below `folder` with accounts `user0@example.org` and so on."""
    ready = {f"user{number}@{DOMAIN}": PASSWORD for number in range(accounts)}
    with running_server(folder, workers=workers, accounts=ready, settings=settings or {}) as server:
        yield as_mail_server(server)


def as_mail_server(server: RunningServer) -> MailServer:
    """What the outside tests need to know of it."""

    def add(login: str, password: str) -> None:
        if login not in server.accounts:
            server.add_account(login, password)

    return MailServer(
        name="pillarbox",
        ports=Ports(
            smtp=server.smtp,
            submission=server.submission,
            submissions=server.submissions,
            imap=server.imap,
            imaps=server.imaps,
            pop3=server.pop3,
            pop3s=server.pop3s,
            lmtp=server.lmtp,
            https=server.https,
        ),
        certificate=server.certificate,
        folder=server.folder,
        add_account=add,
    )
