"""imapclient: it parses what it gets whole, so it notices any slip in the grammar."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import imapclient
import pytest
from imapclient import IMAPClient

from support.mailing import append, attached, body_of, deliver, sample
from support.server import Account, MailServer

pytestmark = pytest.mark.interop


@contextlib.contextmanager
def _client(server: MailServer, account: Account) -> Iterator[Any]:
    context = ssl.create_default_context(cafile=str(server.certificate))
    with IMAPClient(
        server.tls_host, server.ports.imaps, ssl=True, ssl_context=context, timeout=30
    ) as client:
        client.login(account.login, account.password)
        yield client


def test_envelope_and_structure(mail_server: MailServer, account: Account) -> None:
    deliver(mail_server, account, attached("structured"))
    with _client(mail_server, account) as client:
        client.select_folder("INBOX")
        (row,) = client.fetch([1], ["ENVELOPE", "BODYSTRUCTURE", "INTERNALDATE", "UID"]).values()
        envelope = row[b"ENVELOPE"]
        assert envelope.subject == b"structured"
        assert str(envelope.from_[0]) == "Carol <carol@example.net>"
        assert envelope.date.astimezone(UTC).replace(tzinfo=None) == datetime(2026, 11, 3, 10)
        structure = row[b"BODYSTRUCTURE"]
        assert structure.is_multipart
        (alternative, attachment), *_ = structure
        assert alternative.is_multipart
        assert attachment[0:2] == (b"application", b"octet-stream")
        assert [part[1] for part in alternative[0]] == [b"plain", b"html"]


def test_full_round(mail_server: MailServer, account: Account) -> None:
    messages = [sample(number) for number in range(5)]
    append(mail_server, account, "INBOX", *messages)
    with _client(mail_server, account) as client:
        chosen = client.select_folder("INBOX")
        assert chosen[b"EXISTS"] == 5
        assert chosen[b"UIDNEXT"] == 6
        uids = client.search(["SUBJECT", "sample"])
        assert uids == [1, 2, 3, 4, 5]
        fetched = client.fetch(uids, ["BODY.PEEK[]", "RFC822.SIZE", "FLAGS"])
        for uid, message in zip(uids, messages, strict=True):
            assert body_of(fetched[uid][b"BODY[]"]) == body_of(message)
            assert fetched[uid][b"RFC822.SIZE"] == len(fetched[uid][b"BODY[]"])
        assert set(client.add_flags([2, 3], [imapclient.FLAGGED, b"work"])[2]) >= {
            b"\\Flagged",
            b"work",
        }
        assert client.remove_flags([3], [b"work"])[3][:1] == (b"\\Flagged",)
        assert client.get_flags([2])[2]
        assert client.search(["KEYWORD", "work"]) == [2]
        assert client.sort(["REVERSE", "SUBJECT"]) == [5, 4, 3, 2, 1]
        assert client.search(["SINCE", date(2026, 11, 1)]) == uids
        client.create_folder("Später/Mehr")
        client.copy([1, 2], "Später/Mehr")
        client.move([3], "Später/Mehr")
        assert client.folder_status("Später/Mehr", ["MESSAGES"])[b"MESSAGES"] == 3
        client.delete_messages([1])
        assert client.expunge()[1]
        assert client.search() == [2, 4, 5]


def test_folders(mail_server: MailServer, account: Account) -> None:
    with _client(mail_server, account) as client:
        client.create_folder("日本語")
        client.create_folder('quo"te & back\\slash')
        names = {name for _, _, name in client.list_folders()}
        assert {"INBOX", "日本語", 'quo"te & back\\slash'} <= names
        assert client.find_special_folder(b"\\Sent") == "Sent"
        client.rename_folder("日本語", "にほんご")
        assert client.folder_exists("にほんご")
        client.subscribe_folder("にほんご")
        assert "にほんご" in {name for _, _, name in client.list_sub_folders()}
        client.delete_folder("にほんご")
        assert not client.folder_exists("にほんご")
        assert client.namespace().personal


def test_idle_sees_a_delivery(mail_server: MailServer, account: Account) -> None:
    with _client(mail_server, account) as client:
        client.select_folder("INBOX")
        client.idle()
        sender = threading.Thread(target=deliver, args=(mail_server, account, sample(1)))
        sender.start()
        heard: list[Any] = []
        for _ in range(20):
            heard += client.idle_check(timeout=1)
            if (1, b"EXISTS") in heard:
                break
        sender.join()
        client.idle_done()
        assert (1, b"EXISTS") in heard
        assert client.search() == [1]


def test_multiappend_and_condstore(mail_server: MailServer, account: Account) -> None:
    with _client(mail_server, account) as client:
        client.enable("CONDSTORE")
        client.multiappend("INBOX", [sample(number) for number in range(3)])
        chosen = client.select_folder("INBOX")
        assert chosen[b"EXISTS"] == 3
        highest = chosen[b"HIGHESTMODSEQ"]
        client.set_flags([2], [b"\\Seen"])
        changed = client.fetch([1, 2, 3], ["FLAGS"], [f"CHANGEDSINCE {highest}"])
        assert set(changed) == {2}
        assert changed[2][b"MODSEQ"][0] > highest


def test_enable_and_id(mail_server: MailServer, account: Account) -> None:
    with _client(mail_server, account) as client:
        assert client.has_capability("CONDSTORE")
        client.enable("CONDSTORE")
        client.id_({"name": "interop"})


def test_quota(mail_server: MailServer, account: Account) -> None:
    with _client(mail_server, account) as client:
        roots, quotas = client.get_quota_root("INBOX")
        assert roots.mailbox in ("INBOX", b"INBOX")
        assert isinstance(quotas, list)


def test_thread(mail_server: MailServer, account: Account) -> None:
    append(mail_server, account, "INBOX", sample(1, "plan"), sample(2, "Re: plan"), sample(3, "x"))
    with _client(mail_server, account) as client:
        client.select_folder("INBOX")
        threads = client.thread()
        assert sorted(len(thread) for thread in threads) == [1, 2]
