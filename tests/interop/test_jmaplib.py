"""jmaplib: a JMAP client that we did not write, which checks every answer against its models."""

from __future__ import annotations

import imaplib
import smtplib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from jmap.auth import BasicAuth
from jmap.capabilities.registry import UnsupportedMethodError
from jmap.client import JMAPClient
from jmap.core.patch import keyword_patch, mailbox_patch
from jmap.push import EventSourceClient, Ping
from jmap.sync import ChangeStream, QuerySpec, QueryView

from jmap import CreationRef, MethodError
from pillarbox.testing import RunningServer, running_server
from support.jmap_client import trusting
from support.mailing import SENDER, sample

pytestmark = pytest.mark.interop
LOGIN, OTHER, PASSWORD = "alice@example.org", "bob@example.org", "correct-horse-9"
METHODS = (
    *(f"Mailbox/{name}" for name in ("get", "changes", "query", "queryChanges", "set")),
    *(f"Thread/{name}" for name in ("get", "changes")),
    *(f"Email/{name}" for name in ("get", "changes", "query", "queryChanges", "set", "copy")),
    *(f"Email/{name}" for name in ("import", "parse")),
    *("SearchSnippet/get", "Quota/get", "VacationResponse/get", "VacationResponse/set"),
    *(f"Identity/{name}" for name in ("get", "changes", "set")),
    *(f"EmailSubmission/{name}" for name in ("get", "changes", "query", "queryChanges", "set")),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    people = {LOGIN: PASSWORD, OTHER: PASSWORD}
    with running_server(tmp_path_factory.mktemp("jmaplib"), workers=2, accounts=people) as running:
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[JMAPClient]:
    url = f"https://localhost:{server.https}/.well-known/jmap"
    with (
        httpx.Client(verify=trusting(server.certificate), follow_redirects=True) as http,
        JMAPClient.connect(url, auth=BasicAuth(LOGIN, PASSWORD), http=http) as connected,
    ):
        yield connected


def deliver(server: RunningServer, subject: str) -> None:
    with smtplib.SMTP(server.host, server.smtp) as smtp:
        smtp.sendmail(SENDER, [LOGIN], sample(subject=subject))


def boxes(client: JMAPClient) -> dict[str | None, Any]:
    """Mailboxes by role."""
    with client.batch() as batch:
        told = batch.mail.mailbox.get(ids=None)
    return {one.role: one for one in told.result.items}


def test_all_methods_of_mail_and_sending_are_there(client: JMAPClient) -> None:
    assert [one for one in METHODS if not client.capabilities.supports(one)] == []
    with pytest.raises(UnsupportedMethodError):
        client.call("SieveScript/get", {"ids": None})


def test_reading(server: RunningServer, client: JMAPClient) -> None:
    deliver(server, "Read by jmaplib")
    there = {"inMailbox": boxes(client)["inbox"].id, "subject": "jmaplib"}
    with client.batch() as batch:
        found = batch.mail.email.query(filter=there, limit=10, calculate_total=True)
        emails = batch.mail.email.get(ids=found.ref_ids(), fetchTextBodyValues=True)
        snippets = batch.mail.search_snippet.get(filter=there, email_ids=found.ref_ids())
    assert found.result.total == 1
    (email,) = emails.result.items
    assert (email.subject, email.from_[0].email) == ("Read by jmaplib", "carol1@example.net")
    assert email.body_values[email.text_body[0].part_id].value.startswith("This is the text")
    assert snippets.result.items[0].subject == "Read by <mark>jmaplib</mark>"
    raw = client.download(email.blob_id, name="a.eml", content_type="message/rfc822")
    assert raw.endswith(sample(subject="Read by jmaplib"))


def test_changing_and_following(server: RunningServer, client: JMAPClient) -> None:
    """Its own list, kept by queryChanges, is what a new question finds."""
    special = boxes(client)
    inbox, archive = special["inbox"].id, special["archive"].id
    spec: dict[str, Any] = {"filter": {"inMailbox": inbox}, "sort": [{"property": "subject"}]}
    with client.batch() as batch:
        state = batch.mail.email.get(ids=[])
        listed = batch.mail.email.query(**spec, calculate_total=True)
    view = QueryView.from_query(
        QuerySpec.build("Email", special["inbox"].id, **spec), listed.result
    )
    stream = ChangeStream(client, "Email")
    stream.seed(state.result.state)
    for subject in ("Berries", "Apples", "Cherries"):
        deliver(server, subject)
    changes = stream.catch_up(max_changes=2)
    assert len(changes.created) == 3
    with client.batch() as batch:
        got = batch.mail.email.get(ids=list(changes.created), properties=["subject"])
    ids = {one.subject: one.id for one in got.result.items}
    patch = keyword_patch(add=["$flagged"]) | mailbox_patch(add=[archive], remove=[inbox])
    with client.batch() as batch:
        done = batch.mail.email.set(update={ids["Apples"]: patch}, destroy=[ids["Cherries"]])
    assert not done.result.has_errors
    with client.batch() as batch:
        delta = batch.mail.email.query_changes(
            since_query_state=view.query_state, **spec, calculate_total=True
        )
        fresh = batch.mail.email.query(**spec, calculate_total=True)
    view.apply(delta.result)
    assert view.ids == fresh.result.ids and ids["Berries"] in view.ids
    changes = stream.catch_up()
    assert (changes.updated, changes.destroyed) == ([ids["Apples"]], [ids["Cherries"]])
    with imaplib.IMAP4(server.host, server.imap) as imap:
        imap.login(LOGIN, PASSWORD)
        assert imap.select("Archive", readonly=True)[1] == [b"1"]
        assert imap.search(None, "FLAGGED SUBJECT Apples")[1] == [b"1"]


def test_mailboxes(client: JMAPClient) -> None:
    with client.batch() as batch:
        made = batch.mail.mailbox.set(
            create={"a": {"name": "Fruit"}, "b": {"name": "Red", "parentId": CreationRef("a")}}
        )
    outer, inner = (made.result.created_id(one) for one in "ab")
    with client.batch() as batch:
        found = batch.mail.mailbox.query(filter={"parentId": outer})
        refused = batch.mail.mailbox.set(destroy=[outer])
    assert found.result.ids == [inner]
    assert refused.result.destroy_errors[outer].type == "mailboxHasChild"
    with client.batch() as batch:
        gone = batch.mail.mailbox.set(destroy=[inner, outer])
    assert set(gone.result.destroyed) == {inner, outer}


def test_sending_a_file(server: RunningServer, client: JMAPClient) -> None:
    special = boxes(client)
    with client.batch() as batch:
        identities = batch.submission.identity.get(ids=None)
    identity = next(one for one in identities.result.items if one.email == LOGIN)
    uploaded = client.upload(b"some notes", content_type="text/plain")
    draft = {
        "mailboxIds": {special["drafts"].id: True},
        "keywords": {"$draft": True},
        "from": [{"email": identity.email, "name": "Alice"}],
        "to": [{"email": OTHER}],
        "subject": "Lunch by jmaplib",
        "textBody": [{"partId": "body", "type": "text/plain"}],
        "bodyValues": {"body": {"value": "One o'clock?"}},
        "attachments": [{"blobId": uploaded.blob_id, "type": "text/plain", "name": "notes.txt"}],
    }
    with client.batch() as batch:
        batch.mail.email.set(create={"draft": draft})
        sent = batch.submission.email_submission.set(
            create={"send": {"identityId": identity.id, "emailId": CreationRef("draft")}},
            onSuccessUpdateEmail={
                "#send": keyword_patch(remove=["$draft"])
                | mailbox_patch(add=[special["sent"].id], remove=[special["drafts"].id])
            },
        )
    assert not sent.result.has_errors, sent.result.creation_errors
    with imaplib.IMAP4(server.host, server.imap) as imap:
        imap.login(OTHER, PASSWORD)
        imap.select("INBOX", readonly=True)
        found = imap.search(None, 'SUBJECT "Lunch by jmaplib"')[1][0].split()[-1].decode()
        assert b"notes.txt" in imap.fetch(found, "(BODY.PEEK[])")[1][0][1]
    sent_now = boxes(client)["sent"]
    assert sent_now.total_emails == 1


def test_events(server: RunningServer, client: JMAPClient) -> None:
    """What is announced while it listens is what /changes tells."""
    with client.batch() as batch:
        before = batch.mail.email.get(ids=[])
    account = client.session.primary_accounts["urn:ietf:params:jmap:mail"]
    known = {account: {"Email": before.result.state}}
    stream = ChangeStream(client, "Email")
    stream.seed(before.result.state)
    heard = threading.Event()

    def keep_sending() -> None:
        while not heard.wait(0.2):  # it connects when it is first asked
            deliver(server, "Announced")

    with ThreadPoolExecutor(1) as others:
        sending = others.submit(keep_sending)
        try:
            events = EventSourceClient(client, types=("Email",), ping=30).listen()
            moved = next(one for one in events if not isinstance(one, Ping))
            events.close()
        finally:
            heard.set()
        sending.result()
    assert list(moved.outdated(known)[account]) == ["Email"]
    assert stream.catch_up().created


def test_what_is_wrong_is_said(client: JMAPClient) -> None:
    with client.batch() as batch:
        wrong = batch.mail.email.query(filter={"nonsense": True})
        right = batch.mail.mailbox.get(ids=None)
    assert right.result.items
    with pytest.raises(MethodError) as caught:
        _ = wrong.result
    assert caught.value.type == "unsupportedFilter"
