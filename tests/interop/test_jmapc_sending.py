"""jmapc sends: identities, submissions that wait, are taken back, or survive a kill."""

from __future__ import annotations

import imaplib
import time
from collections.abc import Iterator
from typing import Any

import jmapc
import pytest
from jmapc import methods

from pillarbox.store.model import Role
from pillarbox.testing import RunningServer, running_server

pytestmark = pytest.mark.interop
LOGIN, OTHER, PASSWORD = "alice@example.org", "bob@example.org", "correct-horse-9"
SOON = 60.0  # seconds for what takes one


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("jmapc-sending")
    people = {LOGIN: PASSWORD, OTHER: PASSWORD}
    settings = {"outbound": {"transport": "directory"}}  # what waits here is worked off
    with running_server(folder, workers=2, accounts=people, settings=settings) as running:
        yield running


def client_of(server: RunningServer, login: str) -> Any:
    return jmapc.Client.create_with_password(f"localhost:{server.https}", login, PASSWORD)


@pytest.fixture
def client(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.certificate))
    return client_of(server, LOGIN)


def identity(client: Any) -> Any:
    """The one of the login."""
    answer = client.request(methods.IdentityGet(ids=None), raise_errors=True)
    (found,) = [one for one in answer.data if one.email == LOGIN]
    return found


def send(client: Any, subject: str, hold: int = 0) -> Any:
    """A draft made and sent in one request, which then goes to Sent; the submission."""
    boxes = {one.role: one.id for one in client.request(methods.MailboxGet(ids=None)).data}
    draft = jmapc.Email(
        mail_from=[jmapc.EmailAddress(name="Alice", email=LOGIN)],
        to=[jmapc.EmailAddress(email=OTHER)],
        subject=subject,
        keywords={"$draft": True},
        mailbox_ids={boxes[Role.DRAFTS]: True},
        body_values={"body": jmapc.EmailBodyValue(value="A few words.")},
        text_body=[jmapc.EmailBodyPart(part_id="body", type="text/plain")],
    )
    parameters = {"HOLDFOR": str(hold)} if hold else None
    submission = jmapc.EmailSubmission(
        email_id="#draft",
        identity_id=identity(client).id,
        envelope=jmapc.Envelope(
            mail_from=jmapc.Address(email=LOGIN, parameters=parameters),
            rcpt_to=[jmapc.Address(email=OTHER)],
        ),
    )
    patch = {
        "keywords/$draft": None,
        f"mailboxIds/{boxes[Role.DRAFTS]}": None,
        f"mailboxIds/{boxes[Role.SENT]}": True,
    }
    results = client.request(
        [
            methods.EmailSet(create={"draft": draft}),
            methods.EmailSubmissionSet(
                create={"sent": submission}, on_success_update_email={"#sent": patch}
            ),
        ],
        raise_errors=True,
    )
    assert len(results) == 3  # the implicit Email/set is the third
    made = results[1].response.created["sent"]
    (email,) = results[2].response.updated
    (now,) = client.request(methods.EmailGet(ids=[email]), raise_errors=True).data
    assert now.mailbox_ids == {boxes[Role.SENT]: True}
    return made


def subjects(server: RunningServer) -> list[str]:
    """What lies in bob's inbox, by IMAP."""
    with imaplib.IMAP4(server.host, server.imap) as imap:
        imap.login(OTHER, PASSWORD)
        imap.select("INBOX", readonly=True)
        _, found = imap.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        return [one[1].decode().strip()[9:] for one in found if isinstance(one, tuple)]


def status(client: Any, submission: str) -> tuple[str, str]:
    """Whether it can be taken back, and what became of bob's copy."""
    answer = client.request(methods.EmailSubmissionGet(ids=[submission]), raise_errors=True)
    (one,) = answer.data
    return one.undo_status.value, one.delivery_status[OTHER].delivered.value


def until(holds: Any) -> None:
    end = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.1)


def test_identities(client: Any) -> None:
    one = identity(client)
    assert (one.email, one.may_delete) == (LOGIN, False)
    state = client.request(methods.IdentityGet(ids=None)).state
    mine = jmapc.Identity(
        name="Alice elsewhere",
        email="alice+lists@example.org",
        reply_to=None,
        bcc=None,
        text_signature="-- \nA.",
        html_signature="<p>A.</p>",
        may_delete=None,
    )
    made = client.request(methods.IdentitySet(create={"a": mine}), raise_errors=True)
    number = made.created["a"].id
    changed = client.request(methods.IdentityChanges(since_state=state), raise_errors=True)
    assert changed.created == [number]
    gone = client.request(methods.IdentitySet(destroy=[number]), raise_errors=True)
    assert gone.destroyed == [number]


def test_sent_at_once(server: RunningServer, client: Any) -> None:
    made = send(client, "At once")
    assert status(client, made.id) == ("final", "yes")
    assert subjects(server).count("At once") == 1


def test_sent_after_a_while(server: RunningServer, client: Any) -> None:
    made = send(client, "After a while", hold=2)
    assert status(client, made.id) == ("pending", "queued")
    assert "After a while" not in subjects(server)
    until(lambda: status(client, made.id) == ("final", "yes"))
    assert subjects(server).count("After a while") == 1
    listed = client.request(
        methods.EmailSubmissionQuery(
            filter=jmapc.EmailSubmissionQueryFilterCondition(undo_status=jmapc.UndoStatus.FINAL)
        ),
        raise_errors=True,
    )
    assert made.id in listed.ids


def test_taken_back(server: RunningServer, client: Any) -> None:
    made = send(client, "Taken back", hold=2)
    change = {made.id: {"undoStatus": "canceled"}}
    client.request(methods.EmailSubmissionSet(update=change), raise_errors=True)
    last = send(client, "Behind it", hold=3)
    until(lambda: status(client, last.id) == ("final", "yes"))
    assert status(client, made.id) == ("canceled", "no")
    assert "Taken back" not in subjects(server)


def test_kills_lose_and_double_nothing(server: RunningServer, client: Any) -> None:
    kept, back = send(client, "Kept", hold=3), send(client, "Back", hold=3)
    client.request(
        methods.EmailSubmissionSet(update={back.id: {"undoStatus": "canceled"}}),
        raise_errors=True,
    )
    server.kill9()
    server.start()
    again = client_of(server, LOGIN)
    assert status(again, back.id) == ("canceled", "no")
    until(lambda: status(again, kept.id) == ("final", "yes"))
    assert subjects(server).count("Kept") == 1
    assert "Back" not in subjects(server)
