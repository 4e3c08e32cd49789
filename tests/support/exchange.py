"""Pillarbox, Postfix and Exim, who send mail to each other on loopback, and the DNS they ask."""

from __future__ import annotations

import contextlib
import secrets
import smtplib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pillarbox.accounts.signing_keys import DkimKeys, record_name, record_value
from pillarbox.clock import SystemClock
from pillarbox.node.administration import Opened
from pillarbox.store.model import RecipientRow
from pillarbox.store.sql.dkim_keys import DkimKeyRow
from pillarbox.store.sql.queue_steer import Filter, list_recipients
from pillarbox.testing import RunningServer, running_server
from support.certificate import write_certificate
from support.dkim_keys import key_name, rsa_key, zone
from support.mailing import contents, header_of
from support.name_server import NameServer, in_a_thread
from support.pillarbox_server import as_mail_server
from support.programs import kill_group, program
from support.reference_exim import EximSettings, missing_exim, running_exim
from support.reference_postfix import (
    PostfixSettings,
    exchange,
    missing_postfix,
    prepare_queue,
    running_postfix,
)
from support.server import HOST, PASSWORD, Account, free_ports, wait_for_port, wait_until

ALICE = Account("alice@example.org", PASSWORD)
TLS_ALICE = Account("alice@tls.example.org", PASSWORD)
ACCENTED = "josé@example.org"  # leads to alice
OURS = ("example.org", "tls.example.org")  # the far servers come over TLS for the second one
PATIENCE = 60.0  # seconds until mail has arrived
SPF = "v=spf1 ip4:127.0.0.0/8 -all"


@dataclass(frozen=True, slots=True)
class FarServer:
    """A mail server that we did not write; users of it begin with "user"."""

    name: str  # and the domain's
    host: str
    port: int
    folder: Path  # its Maildir
    log: Path

    def address(self, way: str, user: str) -> str:
        """Reached by "mx" (and TLS if offered), or by a route: "plain", "tls", "verified"."""
        front = "" if way == "mx" else f"{way}."
        return f"{user}@{front}{self.name}.example"

    def send(
        self,
        recipients: Sequence[str],
        message: bytes,
        *,
        sender: str = "",
        mail: Sequence[str] = (),
        rcpt: Sequence[str] = (),
    ) -> None:
        """Have it send to us."""
        with smtplib.SMTP(self.host, self.port, timeout=30) as client:
            client.ehlo("localhost")
            sender = sender or f"user@{self.name}.example"
            _send(client, sender, recipients, message, mail, rcpt)

    def mail_for(self, address: str) -> list[bytes]:
        """What arrived for it, with CRLF."""
        found = []
        for file in sorted((self.folder / "new").glob("*")):
            octets = file.read_bytes()
            if b"\r\n" not in octets:
                octets = octets.replace(b"\n", b"\r\n")
            head = octets.partition(b"\r\n\r\n")[0].lower()
            if f"\nenvelope-to: {address}\r".lower().encode() in head + b"\r" or (
                f"\nx-original-to: {address}\r".lower().encode() in head + b"\r"
            ):
                found.append(octets)
        return found

    def wait_for(self, address: str, wanted: int = 1) -> list[bytes]:
        """The same as soon as it is there."""
        wait_until(
            lambda: len(self.mail_for(address)) >= wanted,
            seconds=PATIENCE,
            what=f"{wanted} messages for {address}",
        )
        found = self.mail_for(address)
        assert len(found) == wanted, address
        return found


@dataclass(frozen=True, slots=True)
class Exchange:
    """All of them."""

    server: RunningServer
    names: NameServer
    far: dict[str, FarServer]

    def drained(self, domain: str) -> list[bytes]:
        """What smtp-sink took for "sink.example" or "old.example", as it writes it down."""
        return [file.read_bytes() for file in (self.server.folder.parent / domain).iterdir()]

    def submit(
        self,
        recipients: Sequence[str],
        message: bytes,
        *,
        sender: str = ALICE.address,
        mail: Sequence[str] = (),
        rcpt: Sequence[str] = (),
    ) -> None:
        """As one of our users."""
        with self.signed_in() as client:
            _send(client, sender, recipients, message, mail, rcpt)

    def rows(self, domain: str) -> list[RecipientRow]:
        """What the queue says of a domain's recipients."""

        async def work(opened: Opened) -> list[RecipientRow]:
            chosen = Filter(domain=domain, open_only=False)
            found = await opened.store.read(lambda db: list_recipients(db, chosen, 1000))
            return [one.recipient for one in found]

        return self.server.administer(work)

    @contextlib.contextmanager
    def signed_in(self) -> Iterator[smtplib.SMTP]:
        """A session of alice's."""
        with smtplib.SMTP(HOST, self.server.submission, timeout=30) as client:
            client.starttls()
            client.login(ALICE.login, PASSWORD)
            yield client

    def inbox(self, account: Account = ALICE) -> list[bytes]:
        """What that user has."""
        return contents(as_mail_server(self.server), account)

    def wait_for(self, subject: str, account: Account = ALICE, *, wanted: int = 1) -> list[bytes]:
        """The messages in which the words stand (reports are of others' subjects)."""

        def found() -> list[bytes]:
            return [one for one in self.inbox(account) if subject.encode() in one]

        wait_until(
            lambda: len(found()) >= wanted, seconds=PATIENCE, what=f"{wanted} of {subject!r}"
        )
        return found()


def _send(
    client: smtplib.SMTP,
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    mail: Sequence[str],
    rcpt: Sequence[str],
) -> None:
    """`sendmail` takes no addresses beyond ASCII from octets."""
    client.ehlo_or_helo_if_needed()
    if "SMTPUTF8" in mail:
        client.command_encoding = "utf-8"
    assert client.mail(sender, mail)[0] == 250
    for one in recipients:
        code, reply = client.rcpt(one, rcpt)
        assert code == 250, (one, reply)
    code, reply = client.data(message)
    assert code == 250, reply


def missing_far(name: str) -> str | None:
    """Why that server can't run here, or None."""
    return {"postfix": missing_postfix, "exim": missing_exim}[name]()


@contextlib.contextmanager
def running_exchange(folder: Path, names_of_far: Sequence[str]) -> Iterator[Exchange]:
    """Run them below `folder`, whose parents others may enter."""
    with contextlib.ExitStack() as stack:
        certificate = write_certificate(folder)
        name_host = f"127.{secrets.randbelow(200) + 20}.0.53"
        names = NameServer(_records(), host=name_host, port=53)
        stack.enter_context(in_a_thread(names))
        port, ours = free_ports(2)
        hosts = {"postfix": "127.0.0.2", "exim": "127.0.0.3"}
        far = {}
        for name in names_of_far:
            start = {"postfix": _postfix, "exim": _exim}[name]
            place = folder / name
            running = start(place, (hosts[name], port), ours, name_host, certificate)
            stack.enter_context(running)
            log = place / ("mail.log" if name == "postfix" else "log/mainlog")
            far[name] = FarServer(name, hosts[name], port, place / "mail", log)
        sinks = {
            "sink.example": stack.enter_context(_sink(folder / "sink.example")),
            "old.example": stack.enter_context(_sink(folder / "old.example", "-e")),  # no ESMTP
        }
        routes = [*_routes(far), *(_route(name, HOST, at, "none") for name, at in sinks.items())]
        routes += [
            _route(f"verified.{one.name}.example", one.host, one.port, "verified")
            for one in far.values()
        ]
        server = stack.enter_context(_pillarbox(folder / "pillarbox", routes, port, ours, names))
        yield Exchange(server, names, far)


def _records() -> dict[str, dict[str, Any]]:
    records: dict[str, dict[str, Any]] = dict(zone(rsa_key(domain="exim.example")))
    for name, host in (("postfix", "127.0.0.2"), ("exim", "127.0.0.3")):
        mail = f"mail.{name}.example"
        records[f"{name}.example"] = {"MX": [(10, mail)], "TXT": [SPF]}
        records[mail] = {"A": [host], "TXT": [SPF]}
    records["example.org"] = {"MX": [(10, "mail.example.org")], "TXT": [SPF]}
    records["mail.example.org"] = {"A": [HOST], "TXT": [SPF]}
    return records


def _domains(name: str) -> tuple[str, ...]:
    return tuple(f"{front}{name}.example" for front in ("", "plain.", "tls."))


def _postfix(
    folder: Path,
    at: tuple[str, int],
    ours: int,
    name_host: str,
    certificate: tuple[Path, Path],
) -> contextlib.AbstractContextManager[object]:
    prepare_queue(folder)
    more = exchange(folder, _domains("postfix"), (HOST, ours), OURS)
    submission, submissions = free_ports(2)
    settings = PostfixSettings(at[1], submission, submissions, at[0], more)
    return running_postfix(folder, settings, certificate)


def _exim(
    folder: Path,
    at: tuple[str, int],
    ours: int,
    name_host: str,
    certificate: tuple[Path, Path],
) -> contextlib.AbstractContextManager[object]:
    key = rsa_key(domain="exim.example")
    file = certificate[1].with_name("dkim.pem")
    file.write_bytes(key.secret.reveal())
    settings = EximSettings(
        host=at[0],
        port=at[1],
        far=(HOST, ours),
        far_domains=OURS,
        local_domains=_domains("exim"),
        name_server=name_host,
        signing={"domain": key.domain, "selector": key.selector, "key": str(file)},
    )
    assert key_name(key).startswith(key.selector)
    return running_exim(folder, settings, certificate)


@contextlib.contextmanager
def _sink(folder: Path, *options: str) -> Iterator[int]:
    """Postfix's smtp-sink, which keeps what it takes; its port."""
    folder.mkdir()
    folder.chmod(0o777)
    [port] = free_ports(1)
    where = ["-R", str(folder), "-d", "message."]
    process = subprocess.Popen(
        [program("smtp-sink"), "-u", "nobody", *where, *options, f"{HOST}:{port}", "50"],
        start_new_session=True,
    )
    try:
        wait_for_port(port)
        yield port
    finally:
        kill_group(process)
        process.wait()


def _routes(far: dict[str, FarServer]) -> list[dict[str, object]]:
    ways = {"plain": "none", "tls": "encrypted"}
    return [
        _route(f"{way}.{one.name}.example", one.host, one.port, tls)
        for one in far.values()
        for way, tls in ways.items()
    ]


def _route(domain: str, host: str, port: int, tls: str) -> dict[str, object]:
    name = domain.replace(".", "-")
    return {"name": name, "recipients": [domain], "hosts": [f"{host}:{port}"], "tls": tls}


@contextlib.contextmanager
def _pillarbox(
    folder: Path,
    routes: Sequence[dict[str, object]],
    port: int,
    ours: int,
    names: NameServer,
) -> Iterator[RunningServer]:
    settings: dict[str, dict[str, object]] = {
        "server": {"hostname": "mail.example.org"},
        "dns": {"servers": [names.address]},
        "outbound": {
            "transport": "smtp",
            "port": port,
            "private_addresses": True,
            "idle_seconds": 0.5,
            "route": list(routes),
        },
        "trust": {"trusted_networks": []},  # those on loopback are judged too
        "submission": {"max_messages_a_day": 0, "max_new_recipients_a_day": 0},
        "queue": {"report_wait_seconds": 0},
    }
    accounts = {one.login: PASSWORD for one in (ALICE, TLS_ALICE)}
    with running_server(
        folder, accounts=accounts, settings=settings, ports={"smtp": ours}
    ) as server:
        for key in server.administer(_prepare):
            names.records[record_name(key)] = {"TXT": [record_value(key)]}
        yield server


async def _prepare(opened: Opened) -> list[DkimKeyRow]:
    await opened.admin.add_alias(ACCENTED, [ALICE.address])
    for far in ("postfix", "exim"):
        await opened.admin.add_alias(f"to-{far}@example.org", [f"user-forwarded@{far}.example"])
    keys = DkimKeys(opened.store, SystemClock())
    await keys.ensure("example.org")
    return await keys.list_keys("example.org")


def passed(message: bytes, name: str, words: str) -> bool:
    """Whether the server of that name wrote this result."""
    results = header_of(message, "Authentication-Results")
    return results.startswith(name) and words in " ".join(results.split())
