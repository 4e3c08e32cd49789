"""jmapc: a JMAP client that we did not write, with a password and with a token."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jmapc
import pytest
from jmapc import methods

from pillarbox.accounts.app_passwords import encode_token
from pillarbox.accounts.scope import Scope
from pillarbox.node.administration import Opened
from pillarbox.store.model import Role
from pillarbox.testing import RunningServer, running_server
from support.mailing import SENDER, sample

pytestmark = pytest.mark.interop
LOGIN, PASSWORD = "alice@example.org", "correct-horse-9"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("jmapc")
    with running_server(folder, workers=2, accounts={LOGIN: PASSWORD}) as running:
        yield running


@pytest.fixture
def client(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.certificate))
    return jmapc.Client.create_with_password(f"localhost:{server.https}", LOGIN, PASSWORD)


def deliver(server: RunningServer, subject: str) -> None:
    with smtplib.SMTP(server.host, server.smtp) as smtp:
        smtp.sendmail(SENDER, [LOGIN], sample(subject=subject))


def test_session_and_echo(client: Any) -> None:
    assert client.jmap_session.username == LOGIN
    assert client.jmap_session.capabilities.core.max_calls_in_request >= 16
    assert client.request(methods.CoreEcho(data={"a": [1, None]})).data == {"a": [1, None]}


def test_a_token(server: RunningServer, client: Any) -> None:
    async def make(opened: Opened) -> str:
        account = await opened.admin.find_account(LOGIN)
        scopes = frozenset({Scope.JMAP})
        _, password = await opened.admin.add_app_password(LOGIN, "jmapc", scopes=scopes)
        return encode_token(account.id, password)

    token = server.administer(make)
    other = jmapc.Client.create_with_api_token(f"localhost:{server.https}", token)
    assert other.account_id == client.account_id


def test_reading(server: RunningServer, client: Any) -> None:
    deliver(server, "Read by jmapc")
    mailboxes = client.request(methods.MailboxGet(ids=None)).data
    inbox = next(one for one in mailboxes if one.role == Role.INBOX)
    assert inbox.total_emails >= 1
    condition = jmapc.EmailQueryFilterCondition(in_mailbox=inbox.id)
    found, got = client.request(
        [methods.EmailQuery(filter=condition, limit=50), methods.EmailGet(ids=jmapc.Ref("/ids"))],
        raise_errors=True,
    )
    assert len(found.response.ids) == len(got.response.data)
    newest = next(one for one in got.response.data if one.subject == "Read by jmapc")
    assert newest.mailbox_ids == {inbox.id: True}
    thread = client.request(methods.ThreadGet(ids=[newest.thread_id])).data[0]
    assert newest.id in thread.email_ids


def test_upload(client: Any, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("some notes")
    blob = client.upload_blob(file)
    assert (blob.type, blob.size) == ("text/plain", 10)
    part = jmapc.EmailBodyPart(blob_id=blob.id, name="notes.txt", type="text/plain")
    client.download_attachment(part, tmp_path / "again.txt")
    assert (tmp_path / "again.txt").read_text() == "some notes"


def test_events(server: RunningServer, client: Any) -> None:
    deliver(server, "An event")
    client._last_event_id = "1"  # something was missed since
    event = next(client.events)
    assert event.data.changed[client.account_id].email == event.id
