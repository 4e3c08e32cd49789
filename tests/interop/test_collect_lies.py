"""Servers that refuse, lie and break off: each has a sentence of its own, and nothing is lost.

After each trouble the server becomes honest, the same command runs again, and everything is here.
"""

from __future__ import annotations

import hashlib
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.certificate import write_certificate
from support.collect_runs import IMPATIENT, Collector, import_imap
from support.lying_servers import LOGIN, Liar, Lies, LyingFolder, lying_imap, lying_pop3
from support.mailbox_compare import contents, signed_in, snapshot
from support.mailing import sample
from support.pillarbox_server import running_pillarbox
from support.programs import Finished
from support.server import HOST, PASSWORD, Account, MailServer

pytestmark = [pytest.mark.interop, pytest.mark.slow]

SETTINGS: dict[str, dict[str, object]] = {
    "collect": {"enabled": False, **IMPATIENT},
}
COUNT = 12
_TRY_AGAIN = "still at the source, where you can look at it; the same command again goes on"
Lie = Callable[[Liar], None]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """The Pillarbox that mail comes to."""
    folder = tmp_path_factory.mktemp("target")
    with running_pillarbox(folder, workers=1, accounts=60, settings=SETTINGS) as server:
        yield server


@pytest.fixture
def account(target: MailServer) -> Account:
    """An empty account there."""
    return target.new_account()


@pytest.fixture
def collector(target: MailServer) -> Collector:
    """The command line."""
    return Collector(target)


def _said(answer: bytes) -> Lie:
    def lie(liar: Liar) -> None:
        liar.lies.sign_in = answer

    return lie


def _greets(line: bytes) -> Lie:
    def lie(liar: Liar) -> None:
        liar.lies.greeting = line

    return lie


# What the server does; what the sentence says happened; what it says to do.
REFUSALS: dict[str, tuple[Lie, str, str]] = {
    "wrong password": (
        _said(b"NO [AUTHENTICATIONFAILED] Invalid credentials"),
        "does not take the user name or the password",
        "Check both",
    ),
    "wrong password, without a code": (
        _said(b"NO Login failed."),
        "does not take the user name or the password",
        "Check both",
    ),
    "second factor": (
        _said(b"NO [ALERT] Application-specific password required (Failure)"),
        "wants more than the usual password",
        "app password",
    ),
    "web login": (
        _said(b"NO [WEBALERT https://example.org/x] Please log in via your web browser (Failure)"),
        "wants more than the usual password",
        "OAuth",
    ),
    "switched off": (
        _said(b"NO [ALERT] Your account is not enabled for IMAP use."),
        "does not let mail programs read this account",
        "Switch on IMAP",
    ),
    "throttled": (
        _said(b"NO [UNAVAILABLE] Server busy, try again in 300 seconds"),
        "asks to come back later",
        "tried again",
    ),
    "too many connections": (
        _said(b"NO [ALERT] Too many simultaneous connections. (Failure)"),
        "too many connections",
        "close other programs",
    ),
    "bandwidth": (
        _said(b"NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)"),
        "read too much lately",
        "an hour",
    ),
    "turned away": (
        _greets(b"* BYE Too many connections from your address"),
        "too many connections",
        "close other programs",
    ),
    "no IMAP at all": (
        _greets(b"220 mail.example.org ESMTP"),
        "cannot be understood",
        "Check the port",
    ),
    "POP3 instead": (_greets(b"+OK POP3 ready"), "cannot be understood", "Check the port"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_says_what_it_is_and_what_to_do(
    name: str, collector: Collector, account: Account
) -> None:
    lie, what, next_step = REFUSALS[name]
    with lying_imap() as liar:
        liar.fill(_mail())
        lie(liar)
        told = _import(collector, account, liar, codes=(1,))
        assert what in told.text, told.text
        assert next_step in told.text, told.text
        assert "Traceback" not in told.text
        assert liar.sign_ins <= 1, "a refused password is not tried again"
        liar.lies = Lies()
        _import(collector, account, liar)
        assert _here(collector, account) == _digests(_mail())


# Troubles while messages are read: the first run may fail or note a few; the next ends well.
def _size_too_small(liar: Liar) -> None:
    for message in liar.folders["INBOX"].messages:
        message.said_size = 1


def _size_too_large(liar: Liar) -> None:
    for message in liar.folders["INBOX"].messages:
        message.said_size = 10**6


def _no_size(liar: Liar) -> None:
    for message in liar.folders["INBOX"].messages:
        message.said_size = 0


@pytest.mark.parametrize("lie", [_size_too_small, _size_too_large, _no_size])
def test_sizes_that_lie_do_no_harm(lie: Lie, collector: Collector, account: Account) -> None:
    with lying_imap() as liar:
        liar.fill(_mail())
        lie(liar)
        told = _import(collector, account, liar)
        assert _here(collector, account) == _digests(_mail())
        octets = sum(map(len, _mail())) / 1024
        assert f"{COUNT} messages brought ({octets:.1f} KiB)" in told.text, "as they came"
        is_told = "another size than the server announced" in told.text
        assert is_told == (lie is not _no_size), told.text


_RAW = [  # no NUL: our own server may not show one in a literal (RFC 9051 §9, CHAR8)
    b"Subject: bare LF\n\nand here\n",
    b"Subject: bare CR\r\rand here\r",
    b"Subject: no end of line",
    b"\r\n",
    b"\xff\xfe\x01",
    b"Subject: " + b"x" * 70_000 + b"\r\n\r\n" + b"y" * 70_000,
    b"A1 OK done\r\n* BYE\r\n) {5}\r\n",
]


def test_octets_come_as_they_are(collector: Collector, account: Account) -> None:
    with lying_imap() as liar:
        liar.fill(_RAW)
        _import(collector, account, liar)
        assert _here(collector, account) == _digests(_RAW)


_NAMES = [
    "&&&",
    "&ZZ",
    "&AAAA-",
    "Inbox.inbox",
    "..",
    "../../../etc/passwd",
    "a..b",
    ".",
    "trailing.",
    "/",
    "x" * 2000,
    ".".join("deep" for _ in range(60)),
    "%00%0a",
    "Twin",
    "twin",
    "Twin ",
    "$(touch /tmp/x)",
    "'; DROP TABLE message; --",
]


def test_folders_with_hostile_names(collector: Collector, account: Account) -> None:
    target = collector.server
    with lying_imap() as liar:
        for number, name in enumerate(_NAMES):
            liar.fill([sample(number)], name)
        _import(collector, account, liar)
        with signed_in(target.host, target.ports.imap, account.login, account.password) as client:
            found = [kept.digest for held in snapshot(client).folders.values() for kept in held]
        assert Counter(found) == _digests([sample(number) for number in range(len(_NAMES))])
        _import(collector, account, liar)
        with signed_in(target.host, target.ports.imap, account.login, account.password) as client:
            assert snapshot(client).messages == len(_NAMES)


def test_uidvalidity_changes_half_way(collector: Collector, account: Account) -> None:
    with lying_imap() as liar:
        messages = liar.fill(_mail(60, 30_000))

        def renumber() -> None:
            for number, message in enumerate(reversed(messages), 1):
                message.uid = number
            liar.folders["INBOX"] = LyingFolder(list(reversed(messages)), validity=2)
            liar.lies.cut = True

        liar.lies.after_bodies = (25, renumber)
        first = _import(collector, account, liar, codes=(0, 1))
        assert liar.lies.cut, first.text
        assert "the same command again goes on" in first.text
        liar.lies = Lies()
        told = _import(collector, account, liar)
        assert "numbered messages anew (UIDVALIDITY) in INBOX" in told.text, told.text
        assert "you need do nothing" in told.text
        assert _here(collector, account) == _digests(_mail(60, 30_000))
        _import(collector, account, liar)
        assert _here(collector, account) == _digests(_mail(60, 30_000))


def test_a_literal_shorter_than_announced(collector: Collector, account: Account) -> None:
    with lying_imap() as liar:
        liar.fill(_mail())[5].announced = 10**5
        told = _import(collector, account, liar, codes=(1,))
        assert "Traceback" not in told.text
        assert "announces 100000 octets and sends " in told.text, told.text
        assert _TRY_AGAIN in told.text
        assert not _here(collector, account) - _digests(_mail()), "half a message came in"
        liar.fill(_mail())
        _import(collector, account, liar)
        assert _here(collector, account) == _digests(_mail())


@pytest.mark.parametrize("body", ["nil", "none", "no", "bad", "empty"])
def test_one_message_that_cannot_be_had(body: str, collector: Collector, account: Account) -> None:
    with lying_imap() as liar:
        liar.fill(_mail())[5].body = body
        told = _import(collector, account, liar, codes=(1,))
        assert "INBOX, 6: The server " in told.text, told.text
        assert _TRY_AGAIN in told.text
        others = _digests(_mail()) - _digests([_mail()[5]])
        assert not others - _here(collector, account), told.text
        assert "Traceback" not in told.text
        liar.fill(_mail())
        _import(collector, account, liar)
        assert not _digests(_mail()) - _here(collector, account)


def test_the_server_leaves_in_the_middle(collector: Collector, account: Account) -> None:
    with lying_imap() as liar:
        liar.fill(_mail())[5].body = "bye"
        told = _import(collector, account, liar, codes=(1,))
        assert "1 FAILED" in told.text
        assert _here(collector, account) == _digests(_mail()) - _digests([_mail()[5]])
        liar.fill(_mail())
        _import(collector, account, liar)
        assert _here(collector, account) == _digests(_mail())


def test_throttled_in_the_middle(collector: Collector, account: Account) -> None:
    with lying_imap() as liar:
        liar.fill(_mail(40, 30_000))
        liar.lies.throttle_after = 15
        told = _import(collector, account, liar, codes=(1,))
        assert "come back later" in told.text, told.text
        assert "the same command again goes on" in told.text, "nobody tries an import by itself"
        liar.lies = Lies()
        _import(collector, account, liar)
        assert _here(collector, account) == _digests(_mail(40, 30_000))


def test_a_certificate_that_nobody_vouches_for(
    collector: Collector, account: Account, tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write_certificate(tmp_path))
    with lying_imap(context) as liar:
        liar.fill(_mail())
        words = ["import", "imap", account.login, "--host", "localhost", "--port", str(liar.port)]
        words += ["--tls", "implicit", "--login", LOGIN, "--password-stdin", "--allow-private"]
        told = collector(*words, password=PASSWORD, codes=(1,))
        assert "certificate" in told.text
        assert "administrator" in told.text
        assert liar.sign_ins == 0, "the password was not sent"


def test_no_tls_where_it_was_asked_for(collector: Collector, account: Account) -> None:
    with lying_imap() as liar:
        words = ["import", "imap", account.login, "--host", HOST, "--port", str(liar.port)]
        words += ["--tls", "starttls", "--login", LOGIN, "--password-stdin", "--allow-private"]
        told = collector(*words, password=PASSWORD, codes=(1,))
        assert "does not offer TLS" in told.text
        assert liar.sign_ins == 0, "the password was not sent"


def test_a_private_address_is_refused(collector: Collector, account: Account) -> None:
    with lying_imap() as liar:
        words = import_imap(account.login, liar.port, LOGIN)
        words.remove("--allow-private")
        told = collector(*words, password=PASSWORD, codes=(1,))
        assert liar.sign_ins == 0
        assert not liar.said, "nobody connected"
        assert "private" in told.text or "own" in told.text, told.text


def test_the_quota_is_too_small(collector: Collector, account: Account) -> None:
    mail = _mail(40, 60_000)
    with lying_imap() as liar:
        liar.fill(mail)
        collector("account", "quota", account.login, "--octets", "1M")
        dry = collector(
            *import_imap(account.login, liar.port, LOGIN, "--dry-run"),
            password=PASSWORD,
            codes=(0, 1),
        )
        assert "quota" in dry.text.lower() or "room" in dry.text.lower(), dry.text
        told = _import(collector, account, liar, codes=(1,))
        assert "full" in told.text and "more room" in told.text, told.text
        some = _here(collector, account)
        assert 5 < some.total() < 40
        collector("account", "quota", account.login, "--octets", "100M")
        _import(collector, account, liar)
        here = _here(collector, account)
        assert here & _digests(mail) == _digests(mail)
        assert max(here.values()) == 1, "a letter about the quota besides, nothing twice"


# POP3


def test_uidls_that_repeat(collector: Collector, account: Account) -> None:
    with lying_pop3() as liar:
        for message in liar.fill(_mail()):
            message.uidl = "same" if message.uid % 2 else f"u{message.uid % 4}"
        for _ in range(3):
            told = _import_pop3(collector, account, liar)
            assert "(UIDL) that does not tell which message is meant" in told.text, told.text
            assert "IMAP has no such trouble" in told.text
            assert _here(collector, account) == _digests(_mail())


def test_pop3_sizes_that_lie(collector: Collector, account: Account) -> None:
    with lying_pop3() as liar:
        for message in liar.fill(_mail()):
            message.said_size = 1 if message.uid % 2 else 10**6
        told = _import_pop3(collector, account, liar)
        assert f"{COUNT} messages have another size than the server announced" in told.text
        assert _here(collector, account) == _digests(_mail())


def test_pop3_ends_in_the_middle_of_a_message(collector: Collector, account: Account) -> None:
    with lying_pop3() as liar:
        liar.fill(_mail())[4].body = "bye"
        told = _import_pop3(collector, account, liar, codes=(1,))
        assert "1 FAILED" in told.text, told.text
        assert _here(collector, account) == _digests(_mail()) - _digests([_mail()[4]])
        liar.fill(_mail())
        _import_pop3(collector, account, liar)
        assert _here(collector, account) == _digests(_mail())


def test_one_pop3_message_that_cannot_be_had(collector: Collector, account: Account) -> None:
    with lying_pop3() as liar:
        liar.fill(_mail())[4].body = "no"
        told = _import_pop3(collector, account, liar, codes=(0, 1))
        assert "cannot be read" in told.text, told.text
        assert _here(collector, account).total() == COUNT - 1


@pytest.mark.parametrize(
    ("answer", "what", "next_step"),
    [
        (b"-ERR [AUTH] invalid", "does not take the user name or the password", "Check both"),
        (b"-ERR [IN-USE] locked", "another program", "let the other program leave"),
        (b"-ERR [SYS/TEMP] busy", "come back later", "tried again"),
        (b"-ERR [LOGIN-DELAY] slow down", "more time between two visits", "tried again"),
        (b"-ERR Maildrop is locked by another session", "another program", "leave"),
    ],
)
def test_pop3_refusals(
    collector: Collector, account: Account, answer: bytes, what: str, next_step: str
) -> None:
    with lying_pop3() as liar:
        liar.fill(_mail())
        liar.lies.sign_in = answer
        told = _import_pop3(collector, account, liar, codes=(1,))
        assert what in told.text, told.text
        assert next_step in told.text, told.text
        liar.lies = Lies()
        _import_pop3(collector, account, liar)
        assert _here(collector, account) == _digests(_mail())


def _mail(count: int = COUNT, size: int = 200) -> list[bytes]:
    """Some messages; every fourth has a broken structure."""
    broken = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/\r\n\r\n"
    return [
        (broken if number % 4 == 3 else b"") + sample(number, text="text " * (size // 5))
        for number in range(count)
    ]


def _digests(messages: list[bytes]) -> Counter[str]:
    return Counter(hashlib.sha256(octets).hexdigest() for octets in messages)


def _here(collector: Collector, account: Account) -> Counter[str]:
    target = collector.server
    with signed_in(target.host, target.ports.imap, account.login, account.password) as client:
        return Counter(kept.digest for kept in contents(client, "INBOX"))


def _import(
    collector: Collector, account: Account, liar: Liar, codes: tuple[int, ...] = (0,)
) -> Finished:
    return collector(*import_imap(account.login, liar.port, LOGIN), password=PASSWORD, codes=codes)


def _import_pop3(
    collector: Collector, account: Account, liar: Liar, codes: tuple[int, ...] = (0,)
) -> Finished:
    words = ["import", "pop3", *import_imap(account.login, liar.port, LOGIN)[2:]]
    return collector(*words, password=PASSWORD, codes=codes)
