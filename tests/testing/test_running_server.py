"""The server for other people's tests."""

from __future__ import annotations

import asyncio
import os
import poplib
import smtplib
import ssl

import pytest

from pillarbox.errors import AlreadyExists
from pillarbox.testing import running_server
from pillarbox.testing.server import CouldNotStart, free_ports

MESSAGE = "Subject: x\r\n\r\ny\r\n"


def test_a_message_goes_in_and_comes_out():
    with running_server() as server:
        login, password = server.account
        with smtplib.SMTP(server.host, server.smtp, timeout=60) as client:
            client.sendmail("bob@example.net", login, MESSAGE)
        assert server.message_count(login) == 1
        context = ssl.create_default_context(cafile=str(server.certificate))
        box = poplib.POP3_SSL("localhost", server.pop3s, context=context, timeout=60)
        box.user(login)
        box.pass_(password)
        assert box.stat()[0] == 1
        box.quit()
    assert not server.is_running
    assert not server.folder.exists()


def test_accounts_may_come_while_it_runs(tmp_path):
    with running_server(tmp_path, accounts={}) as server:
        server.add_account("bob@example.org", "bob-secret", messages=1)
        with pytest.raises(AlreadyExists):
            server.add_account("bob@example.org", "bob-secret")
        with smtplib.SMTP(server.host, server.smtp, timeout=60) as client:
            client.sendmail("a@example.net", "bob@example.org", MESSAGE)
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                client.sendmail("a@example.net", "bob@example.org", MESSAGE)
    assert tmp_path.exists()


def test_inside_a_loop():
    async def main() -> int:
        with running_server() as server:
            return server.message_count(server.account[0])

    assert asyncio.run(main()) == 0


def test_a_crash_and_a_start_on_the_same_ports(tmp_path):
    with running_server(tmp_path, workers=2) as server:
        pids, ports = server.pids, dict(server.ports)
        assert len(pids) == 3
        server.kill9()
        assert not any(os.path.exists(f"/proc/{pid}") for pid in pids[:1])
        server.start()
        assert server.ports == ports
        assert not set(server.pids) & set(pids)


def test_settings_reach_the_server(tmp_path):
    settings = {"smtp": {"max_message_octets": 65_536}}
    with (
        running_server(tmp_path, settings=settings) as server,
        smtplib.SMTP(server.host, server.smtp, timeout=60) as client,
    ):
        client.ehlo()
        assert client.esmtp_features["size"] == "65536"


def test_bad_settings_are_told(tmp_path):
    with (
        pytest.raises(CouldNotStart, match="no setting 'foo'"),
        running_server(tmp_path, accounts={}, settings={"smtp": {"foo": 1}}),
    ):
        pass


def test_ports_differ():
    ports = free_ports()
    assert len(set(ports.values())) == len(ports) == 11
