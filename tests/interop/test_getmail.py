"""getmail6: collecting into a Maildir over POP3 and IMAP."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.maildir import files, make_maildir, messages
from support.mailing import append, body_of, count, sample
from support.programs import Finished, program, run
from support.server import Account, MailServer

pytestmark = pytest.mark.interop

_CONFIG = """
[retriever]
type = {retriever}
server = {host}
port = {port}
username = {login}
password = {password}
{more}

[destination]
type = MDA_external
path = /bin/sh
# It begins to listen for the end of this child after starting it, and waits for ever for one that
# was quicker.
arguments = ("-c", "cat > {maildir}/new/$$; sleep 0.3")
# getmail's own Maildir writer refuses to run as root, which a test environment may be.
allow_root_commands = true

[options]
delete = {delete}
read_all = {read_all}
delivered_to = false
received = false
verbose = 2
"""


def _getmail(
    server: MailServer,
    account: Account,
    folder: Path,
    retriever: str,
    *,
    delete: bool = False,
    read_all: bool = False,
) -> Finished:
    implicit = retriever.endswith("SSLRetriever")
    pop = "POP3" in retriever
    ports = server.ports
    config = folder / "getmailrc"
    more = [] if pop else ['mailboxes = ("INBOX",)']
    config.write_text(
        _CONFIG.format(
            retriever=retriever,
            host=server.tls_host if implicit else server.host,
            port={
                (True, True): ports.pop3s,
                (True, False): ports.pop3,
                (False, True): ports.imaps,
                (False, False): ports.imap,
            }[pop, implicit],
            login=account.login,
            password=account.password,
            maildir=make_maildir(folder / "inbox"),
            more="\n".join([*more, f"ca_certs = {server.certificate}" if implicit else ""]),
            delete=str(delete).lower(),
            read_all=str(read_all).lower(),
        )
    )
    return run(
        [program("getmail"), f"--getmaildir={folder}", f"--rcfile={config}"],
        env={"HOME": str(folder)},
    )


@pytest.mark.parametrize(
    "retriever",
    [
        "SimplePOP3Retriever",
        "SimplePOP3SSLRetriever",
        "SimpleIMAPRetriever",
        "SimpleIMAPSSLRetriever",
    ],
)
def test_only_new_mail_the_second_time(
    mail_server: MailServer, account: Account, tmp_path: Path, retriever: str
) -> None:
    sent = [sample(number) for number in range(4)]
    append(mail_server, account, "INBOX", *sent)
    _getmail(mail_server, account, tmp_path, retriever)
    got = sorted(body_of(message) for message in messages(tmp_path / "inbox"))
    assert got == sorted(body_of(message) for message in sent)
    append(mail_server, account, "INBOX", sample(10))
    _getmail(mail_server, account, tmp_path, retriever)
    assert len(files(tmp_path / "inbox")) == 5
    assert count(mail_server, account) == 5


@pytest.mark.parametrize("retriever", ["SimplePOP3SSLRetriever", "SimpleIMAPSSLRetriever"])
def test_delete_after_retrieval(
    mail_server: MailServer, account: Account, tmp_path: Path, retriever: str
) -> None:
    append(mail_server, account, "INBOX", sample(1), sample(2))
    _getmail(mail_server, account, tmp_path, retriever, delete=True, read_all=True)
    assert len(files(tmp_path / "inbox")) == 2
    assert count(mail_server, account) == 0
