"""pillarbox.json and the lists of messages in an export: what files of mail cannot say themselves.

Both are written by `flow.collect.export` and read by `exported`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

MANIFEST = "pillarbox.json"
FORMAT = 1

Form = Literal["mbox", "maildir", "pillarbox"]
FORMS: tuple[Form, ...] = ("mbox", "maildir", "pillarbox")


class ManifestMessage(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line of a folder's list, in the order of UIDs."""

    uid: int
    size: int  # octets of the message
    sha256: str  # of these octets
    received_at: int  # Unix seconds: INTERNALDATE
    flags: list[str] = []  # system flags and registered keywords by name
    keywords: list[str] = []  # the others
    modseq: int = 0
    saved_at: int = 0
    file: str = ""  # name of its own file inside the folder; "" in an mbox
    start: int = 0  # where its lines begin in the mbox, the From_ line left out
    length: int = 0  # octets there
    added: int = 0  # octets at the begin of the message, with CR LF, that were added for others
    exact: bool = False  # the file holds its octets as they are, not with the line ends of files


class ManifestFolder(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A folder."""

    path: str  # its true name
    role: str = ""
    subscribed: bool = False
    selectable: bool = True
    uid_validity: int = 0
    modseq: int = 0
    messages: int = 0
    octets: int = 0
    place: str = ""  # in the archive: a folder of files, or the mbox
    list: str = ""  # in the archive: one ManifestMessage a line, in JSON


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """pillarbox.json."""

    format: int = FORMAT
    made_by: str = "Pillarbox"
    version: str = ""
    form: Form
    account: str
    made_at: str  # ISO 8601, UTC
    modseq: int  # of the account: everything is as of then
    since: str = ""  # only messages received from that day on
    folders: list[ManifestFolder]
    subscriptions: list[str] = []  # also of names that no folder has
    failed: int = 0  # messages that could not be read here
