"""The standard library's email package as an outside opinion, where both should agree."""

from __future__ import annotations

import email
import email.message
import email.policy
import email.utils
from datetime import datetime, timedelta, timezone
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.message import encoded_word
from pillarbox.message.address import mailboxes, parse_address_list
from pillarbox.message.casefold import fold
from pillarbox.message.charset import decode as decode_charset
from pillarbox.message.date import parse_date
from pillarbox.message.digest import digest
from pillarbox.message.part import Part
from pillarbox.message.text import decoded_part, searchable_text

CORPUS = sorted((Path(__file__).parent.parent / "corpus" / "message").glob("*.eml"))
# Where we differ on purpose, or the library is wrong; each with its reason.
DIFFERENT = {
    "boundary-missing.eml": "the library makes a text of it, we a multipart with one text",
    "digest.eml": "the library opens what we open, but under other defaults for the type",
    "header-only.eml": "the library ends a header at the first odd line",
    "empty-multipart.eml": "the library has a multipart without parts",
    "format-tricks.eml": "the library takes two boundary lines together for one",
    "odd-fields.eml": "the library does not know a blank before the colon",
    "report.eml": "the library makes parts of a delivery status",
    "encoded-message.eml": "the library decodes and opens a base64 message, we leave it closed",
}

words = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=12
)
texts = st.lists(words, min_size=1, max_size=8).map(" ".join)


def outline(part: Part) -> list[object]:
    return [f"{part.type}/{part.subtype}", [outline(child) for child in part.children]]


def outline_of_email(message: email.message.Message) -> list[object]:
    children = message.get_payload() if message.is_multipart() else []
    assert isinstance(children, list)
    return [message.get_content_type(), [outline_of_email(child) for child in children]]


def leaves_of_email(message: email.message.Message) -> list[bytes]:
    if message.is_multipart():
        children = message.get_payload()
        assert isinstance(children, list)
        return [octets for child in children for octets in leaves_of_email(child)]
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return [payload]


def leaves(octets: bytes, part: Part) -> list[bytes]:
    if part.children:
        return [found for child in part.children for found in leaves(octets, child)]
    return [decoded_part(octets, part)]


ALIKE = [path for path in CORPUS if path.name not in DIFFERENT]


@pytest.mark.parametrize("path", ALIKE, ids=lambda path: path.stem)
def test_corpus_has_the_same_tree_and_contents(path: Path) -> None:
    octets = path.read_bytes()
    theirs = email.message_from_bytes(octets)
    root = digest(octets).root
    assert outline(root) == outline_of_email(theirs)
    assert [leaf.strip() for leaf in leaves(octets, root)] == [
        leaf.strip() for leaf in leaves_of_email(theirs)
    ]


@settings(max_examples=40, deadline=None)
@given(subject=texts, name=texts, body=texts, filename=words, content=st.binary(max_size=200))
def test_a_message_that_the_library_wrote(
    subject: str, name: str, body: str, filename: str, content: bytes
) -> None:
    message = EmailMessage(policy=email.policy.SMTP)
    message["Subject"] = subject
    message["From"] = Address(name, "alice", "example.org")
    message["Date"] = "Mon, 23 Nov 2026 00:30:00 +0200"
    message.set_content(body)
    message.add_alternative(f"<p>{body}</p>", subtype="html")
    message.add_attachment(content, "application", "octet-stream", filename=filename)
    octets = message.as_bytes()
    found = digest(octets)
    # The library loses blanks between encoded words when it folds.
    assert found.subject.replace(" ", "") == subject.replace(" ", "")
    assert found.sort.display_from.replace(" ", "") == fold(name).replace(" ", "")
    assert outline(found.root) == outline_of_email(email.message_from_bytes(octets))
    file = found.root.children[1]
    assert file.disposition == "attachment"
    assert dict(file.disposition_params)["filename"] == filename
    assert decoded_part(octets, file) == content
    assert body in searchable_text(octets, found.root, max_octets=100_000)
    assert found.has_attachment


@settings(max_examples=60, deadline=None)
@given(texts, st.sampled_from(["utf-8", "iso-8859-1", "iso-2022-jp", "gb2312", "koi8-r", "big5"]))
def test_encoded_words_that_the_library_wrote(text: str, charset: str) -> None:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        charset = "utf-8"
    written = Header(text, charset, maxlinelen=76).encode(linesep="\r\n")
    raw = written.replace("\r\n", "").encode("ascii")
    assert encoded_word.decode(raw) == text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(texts, words), min_size=1, max_size=5))
def test_addresses_that_the_library_wrote(pairs: list[tuple[str, str]]) -> None:
    ascii_words = [(name, f"user{number}@example.org") for number, (name, _) in enumerate(pairs)]
    raw = ", ".join(email.utils.formataddr(pair) for pair in ascii_words).encode()
    found = mailboxes(parse_address_list(raw))
    assert [(one.display_name, one.addr_spec) for one in found] == ascii_words


@settings(max_examples=60, deadline=None)
@given(st.datetimes(min_value=datetime(1950, 1, 2)), st.integers(-14 * 60, 14 * 60))
def test_dates_that_the_library_wrote(local: datetime, minutes: int) -> None:
    instant = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    written = email.utils.format_datetime(instant)
    found = parse_date(written.encode())
    assert found is not None
    assert found.at == int(email.utils.parsedate_to_datetime(written).timestamp())
    assert found.day == instant.toordinal()


@pytest.mark.parametrize(
    "written",
    [
        "Mon, 23 Nov 2026 12:30:05 EST",
        "23 Nov 26 12:30 GMT",
        "Mon Nov 23 12:30:05 2026",
        "Mon, 23 Nov 2026 12:30:05 +0545",
        "Sat, 01 Jan 2000 00:00:00 -1200",
        "23-Nov-2026 12:30:05 +0000",
    ],
)
def test_odd_dates_as_the_library_reads_them(written: str) -> None:
    found = parse_date(written.encode())
    theirs = email.utils.parsedate_tz(written)
    assert found is not None and theirs is not None
    assert found.at == email.utils.mktime_tz((*theirs[:9], theirs[9] or 0))


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(codec="utf-8"), max_size=50),
    st.sampled_from(["utf-8", "utf-16", "utf-7", "gb18030"]),
)
def test_charsets_decode_what_python_encoded(text: str, charset: str) -> None:
    assert decode_charset(text.encode(charset), charset) == text
