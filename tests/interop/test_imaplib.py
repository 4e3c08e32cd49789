"""Python's imaplib: a full round, the oldest client in the library and a strict one."""

from __future__ import annotations

import imaplib
import re
import ssl
import statistics
import time

import pytest

from support.mailing import attached, body_of, deliver, imap, sample
from support.server import Account, MailServer

pytestmark = pytest.mark.interop


def _fill(client: imaplib.IMAP4, numbers: range, mailbox: str = "INBOX") -> None:
    for number in numbers:
        assert client.append(mailbox, "", "", sample(number))[0] == "OK"


def test_login_over_implicit_tls(mail_server: MailServer, account: Account) -> None:
    context = ssl.create_default_context(cafile=str(mail_server.certificate))
    client = imaplib.IMAP4_SSL(
        mail_server.tls_host, mail_server.ports.imaps, ssl_context=context, timeout=30
    )
    assert client.login(account.login, account.password)[0] == "OK"
    assert client.select()[0] == "OK"
    assert client.logout()[0] == "BYE"


def test_starttls(mail_server: MailServer, account: Account) -> None:
    context = ssl.create_default_context(cafile=str(mail_server.certificate))
    client = imaplib.IMAP4(mail_server.tls_host, mail_server.ports.imap, timeout=30)
    assert "STARTTLS" in client.capabilities
    assert client.starttls(context)[0] == "OK"
    assert "STARTTLS" not in client.capabilities
    assert client.authenticate("PLAIN", lambda _: _plain(account))[0] == "OK"
    client.logout()


def test_wrong_password(mail_server: MailServer, account: Account) -> None:
    client = imaplib.IMAP4(mail_server.host, mail_server.ports.imap, timeout=30)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login(account.login, "wrong")
    client.shutdown()


def test_fetch_by_part(mail_server: MailServer, account: Account) -> None:
    message = attached()
    deliver(mail_server, account, message)
    with imap(mail_server, account) as client:
        client.select()
        _, rows = client.fetch("1", "(RFC822.SIZE ENVELOPE BODYSTRUCTURE)")
        line = b"".join(row if isinstance(row, bytes) else b"".join(row) for row in rows)
        assert b'"with parts"' in line
        assert b'"all.bin"' in line
        assert b'"alternative"' in line.lower()
        assert _part(client, "1.1").strip() == b"plain words"
        assert _part(client, "1.2").strip() == b"<p>marked-up words</p>"
        assert b"application/octet-stream" in _part(client, "2.MIME")
        whole = _part(client, "")
        assert body_of(whole) == body_of(message)
        assert _part(client, "TEXT") == body_of(message)
        assert b"Subject: with parts" in _part(client, "HEADER.FIELDS (SUBJECT DATE)")
        assert b"From:" not in _part(client, "HEADER.FIELDS (SUBJECT DATE)")
        size = re.search(rb"RFC822.SIZE (\d+)", line)
        assert size is not None
        assert int(size[1]) == len(whole)
        _, rows = client.fetch("1", "(BODY.PEEK[]<10.25>)")
        assert rows[0][1] == whole[10:35]


def test_seen_is_set_by_body_and_not_by_peek(mail_server: MailServer, account: Account) -> None:
    with imap(mail_server, account) as client:
        _fill(client, range(2))
        client.select()
        client.fetch("1", "(BODY.PEEK[TEXT])")
        assert client.search(None, "SEEN")[1] == [b""]
        client.fetch("1", "(BODY[TEXT])")
        assert client.search(None, "SEEN")[1] == [b"1"]


def test_flags_search_sort_and_thread(mail_server: MailServer, account: Account) -> None:
    with imap(mail_server, account) as client:
        for number, subject in enumerate(["pear", "Apple", "re: fig", "fig"]):
            client.append("INBOX", "", "", sample(number, subject, f"text {subject} wörd"))
        client.select()
        assert client.store("2,4", "+FLAGS", r"(\Flagged $Forwarded)")[0] == "OK"
        assert client.search(None, "FLAGGED")[1] == [b"2 4"]
        assert client.search(None, "KEYWORD", "$Forwarded", "SUBJECT", "apple")[1] == [b"2"]
        assert client.search(None, "OR", "SUBJECT", "pear", "SUBJECT", '"fig"')[1] == [b"1 3 4"]
        client.literal = "wörd".encode()
        assert client.search("UTF-8", "TEXT")[1] == [b"1 2 3 4"]
        assert client.search(None, "NOT", "FROM", "carol1@example.net")[1] == [b"1 3 4"]
        assert client.search(None, "SINCE", "1-Nov-2026", "SMALLER", "100000")[1] == [b"1 2 3 4"]
        assert client.sort("(SUBJECT)", "UTF-8", "ALL")[1] == [b"2 3 4 1"]
        assert client.sort("(REVERSE DATE)", "UTF-8", "ALL")[1] == [b"4 3 2 1"]
        _, (threads,) = client.thread("REFERENCES", "UTF-8", "ALL")
        assert sorted(re.findall(rb"\d", threads)) == [b"1", b"2", b"3", b"4"]
        assert re.search(rb"\(\(?3\)?[( ]*4\)|\(3\)\(4\)|\(4 3\)", threads)


def test_mailboxes(mail_server: MailServer, account: Account) -> None:
    with imap(mail_server, account) as client:
        assert client.create('"Projects/Blue sky"')[0] == "OK"
        assert client.create('"Entw&APw-rfe"')[0] == "OK"
        assert client.subscribe('"Projects/Blue sky"')[0] == "OK"
        _, rows = client.list('""', "*")
        names = b"\n".join(rows)
        assert b"Projects/Blue sky" in names
        assert b"Entw&APw-rfe" in names
        assert b"Projects/Blue sky" in b"\n".join(client.lsub()[1])
        assert client.rename('"Projects/Blue sky"', "Projects/Red")[0] == "OK"
        assert client.status("Projects/Red", "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN)")[0] == "OK"
        assert client.unsubscribe('"Projects/Blue sky"')[0] == "OK"
        assert client.delete("Projects/Red")[0] == "OK"
        assert client.delete("no-such-mailbox")[0] == "NO"
        assert client.select("no-such-mailbox")[0] == "NO"


def test_copy_move_expunge(mail_server: MailServer, account: Account) -> None:
    with imap(mail_server, account) as client:
        _fill(client, range(6))
        client.create("Kept")
        client.select()
        assert client.copy("1:2", "Kept")[0] == "OK"
        assert client.uid("MOVE", "3", "Kept")[0] == "OK"
        client.store("1", "+FLAGS", r"(\Deleted)")
        # imaplib still holds the EXPUNGE of the MOVE, which a server sends untagged too.
        assert client.expunge()[1] == [b"3", b"1"]
        assert client.search(None, "ALL")[1] == [b"1 2 3 4"]
        assert client.uid("SEARCH", "ALL")[1] == [b"2 4 5 6"]
        assert client.select("Kept")[1] == [b"3"]
        client.store("1:*", "+FLAGS.SILENT", r"(\Deleted)")
        assert client.close()[0] == "OK"
        assert client.select("Kept")[1] == [b"0"]


def test_append_with_flags_and_date(mail_server: MailServer, account: Account) -> None:
    with imap(mail_server, account) as client:
        when = '"17-Jul-1996 02:44:25 -0700"'
        typ, data = client.append("Drafts", r"(\Draft \Seen)", when, sample(1))
        assert typ == "OK"
        assert re.search(rb"APPENDUID \d+ 1\b", data[0])
        client.select("Drafts")
        _, rows = client.fetch("1", "(FLAGS INTERNALDATE)")
        assert rb"\Draft" in rows[0]
        assert rb"\Seen" in rows[0]
        moment = imaplib.Internaldate2tuple(rows[0])
        assert moment == imaplib.Internaldate2tuple(b'INTERNALDATE "17-Jul-1996 09:44:25 +0000"')


@pytest.mark.timed
def test_append_waits_for_no_delayed_acknowledgement(
    mail_server: MailServer, account: Account
) -> None:
    """imaplib writes a literal and its CRLF apart: 40 ms each, if the first is not acknowledged."""
    taken: list[float] = []
    with imap(mail_server, account) as client:
        for number in range(30):
            began = time.monotonic()
            client.append("INBOX", "", "", sample(number))
            taken.append(time.monotonic() - began)
    assert statistics.median(taken) < 0.03


def test_quota(mail_server: MailServer, account: Account) -> None:
    with imap(mail_server, account) as client:
        typ, (roots, quotas) = client.getquotaroot("INBOX")
        assert typ == "OK"
        assert roots[0].replace(b'"', b"").startswith(b"INBOX")
        kinds = (b"STORAGE", b"MESSAGE", b"MAILBOX")
        assert quotas[0] is None or quotas[0].endswith(b"()") or any(k in quotas[0] for k in kinds)


def test_another_session_is_seen_at_noop(mail_server: MailServer, account: Account) -> None:
    with imap(mail_server, account) as first, imap(mail_server, account) as second:
        first.select()
        second.select()
        _fill(second, range(3))
        first.noop()
        assert first.response("EXISTS")[1][-1] == b"3"
        second.store("2", "+FLAGS", r"(\Deleted)")
        second.expunge()
        first.noop()
        assert first.response("EXPUNGE")[1] == [b"2"]


def test_readonly_select(mail_server: MailServer, account: Account) -> None:
    with imap(mail_server, account) as client:
        _fill(client, range(1))
        client.select("INBOX", readonly=True)
        typ, _ = client.store("1", "+FLAGS", r"(\Seen)")
        assert typ == "NO" or not mail_server.is_pillarbox  # Dovecot says OK and does nothing
        client.fetch("1", "(BODY[])")
        assert client.search(None, "SEEN")[1] == [b""]


def _part(client: imaplib.IMAP4, section: str) -> bytes:
    typ, rows = client.fetch("1", f"(BODY.PEEK[{section}])")
    assert typ == "OK", rows
    part: bytes = rows[0][1]
    return part


def _plain(account: Account) -> bytes:
    return f"\0{account.login}\0{account.password}".encode()
