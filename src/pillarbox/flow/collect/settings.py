"""What a remote account is: where it is, how to sign in there, and what is done with its mail.

`RemoteSettings` holds no secret and may be shown to whoever owns the account; `SignIn` is one
secret as a whole and is kept sealed (`accounts.vault`).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from pillarbox.errors import PillarboxError
from pillarbox.flow.collect.source import AtSource
from pillarbox.net.secret import Secret

Kind = Literal["imap", "pop3", "file"]
ServerTls = Literal["implicit", "starttls", "none"]

MAX_LABEL = 100  # characters
MAX_TEXT = 1024  # characters of a login, a folder's path, a file's path
MAX_FOLDERS = 10_000  # that are named one by one
MAX_ADDRESSES = 50  # of send-as
_MAX_HOST = 253
_MAX_SECONDS = 30 * 86_400


class BadRemote(PillarboxError):
    """Settings of a remote account that cannot be used; the sentence says why."""

    sentence = "The settings of that remote account cannot be used."


class ServerSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """A server: its name or address, its port, and how TLS begins there."""

    host: str
    port: int
    tls: ServerTls = "implicit"

    def __post_init__(self) -> None:
        """Raises BadRemote."""
        if not 0 < len(self.host) <= _MAX_HOST or not self.host.isprintable() or " " in self.host:
            raise BadRemote("A server needs a name, such as imap.example.org.")
        if not 0 < self.port < 65_536:
            raise BadRemote("A port is a number from 1 to 65535.")


class OAuthGrant(Struct, frozen=True, kw_only=True):
    """What an authorization server gave (RFC 6749 §5.1); refreshed while the account is used."""

    provider: str  # name of the preset; "" for one that is given by its endpoints
    client_id: str
    client_secret: Secret | None = None  # None: a public client (RFC 6749 §2.1)
    token_endpoint: str = ""  # "": the preset's
    scope: str = ""
    refresh_token: Secret
    access_token: Secret | None = None
    expires_at: int = 0  # Unix seconds: of the access token


class SignIn(Struct, frozen=True):
    """Who we are there. The whole of it is sealed where it is stored."""

    login: str
    secret: Secret | OAuthGrant  # a password, or what stands for one

    @property
    def password(self) -> Secret | None:
        """None: it is signed in by OAuth."""
        return self.secret if isinstance(self.secret, Secret) else None

    @property
    def grant(self) -> OAuthGrant | None:
        """None: it is signed in by a password."""
        return self.secret if isinstance(self.secret, OAuthGrant) else None


class FolderChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of the source's folders come, and whither. Paths are as in `RemoteFolder.path`."""

    include: tuple[str, ...] = ()  # with everything below them; empty: all
    exclude: tuple[str, ...] = ()  # with everything below them
    mapped: dict[str, str] = {}  # its path there → path of the local mailbox

    def __post_init__(self) -> None:
        """Raises BadRemote."""
        paths = (*self.include, *self.exclude, *self.mapped, *self.mapped.values())
        if len(paths) > MAX_FOLDERS:
            raise BadRemote(f"At most {MAX_FOLDERS} folders can be named.")
        if any(not 0 < len(path) <= MAX_TEXT for path in paths):
            raise BadRemote(f"A folder's path has 1 to {MAX_TEXT} characters.")


class SendAs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Addresses of the remote account that mail may be sent from, through its own server."""

    addresses: tuple[str, ...]  # folded
    server: ServerSpec  # for submission (RFC 6409)

    def __post_init__(self) -> None:
        """Raises BadRemote."""
        if not 0 < len(self.addresses) <= MAX_ADDRESSES:
            raise BadRemote(f"Sending as needs 1 to {MAX_ADDRESSES} addresses.")
        if any("@" not in one or len(one) > MAX_TEXT for one in self.addresses):
            raise BadRemote("Sending as needs whole addresses, such as alice@example.org.")


class RemoteSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All about a remote account but how to sign in."""

    kind: Kind
    server: ServerSpec | None = None  # None for files only
    login: str = ""  # also part of the SignIn; here to be shown
    path: str = ""  # of a file or folder; one that was uploaded: from the data folder
    uploaded: bool = False  # the file is ours, and goes when its mail is here
    label: str  # the remote account's name for people, unique within the account
    schedule_seconds: int = 900
    idle: bool = False  # IMAP: the connection stays, and new mail comes at once
    folders: FolderChoice = FolderChoice()
    at_source: AtSource = AtSource()
    into: str = ""  # path of the local mailbox that everything comes to; "": see `target`
    keyword: str = ""  # put on all that is brought; "": none
    skip_spam: bool = True
    filtered: bool = False  # judged and sorted as arriving mail is
    two_way: bool = False  # IMAP: flags and deletions go both ways
    mirror: bool = False  # IMAP: flags and deletions of the source are followed here
    send_as: SendAs | None = None
    allow_private: bool = False  # only an administrator may set it: see net.address_policy
    once: bool = False  # brought over once, not collected for ever

    def __post_init__(self) -> None:
        """Raises BadRemote."""
        self._check_place()
        if not self.label.strip() or len(self.label) > MAX_LABEL or not self.label.isprintable():
            raise BadRemote(f"A remote account needs a name of 1 to {MAX_LABEL} characters.")
        if not 0 <= self.schedule_seconds <= _MAX_SECONDS:
            raise BadRemote("The time between two looks is at most 30 days.")
        if len(self.into) > MAX_TEXT:
            raise BadRemote(f"A mailbox's path has at most {MAX_TEXT} characters.")
        if any(not octet.isprintable() or octet in ' (){}%*"\\]' for octet in self.keyword):
            raise BadRemote("A label to put on messages is one word without special characters.")
        self._check_at_source()

    def _check_place(self) -> None:
        if self.uploaded and self.kind != "file":
            raise BadRemote("Only files can be uploaded.")
        if self.uploaded and not self.once:
            raise BadRemote("A file that was given is brought over once.")
        if self.kind == "file":
            if not self.path or self.server is not None:
                raise BadRemote("Bringing over from files needs the path of a file or folder.")
        elif self.server is None or self.path:
            raise BadRemote("A remote account needs the name of its server.")
        elif not 0 < len(self.login) <= MAX_TEXT or not self.login.isprintable():
            raise BadRemote("A remote account needs the name to sign in with.")

    def _check_at_source(self) -> None:
        what = self.at_source
        follows = self.two_way or self.mirror
        if self.kind != "imap" and (self.idle or follows):
            raise BadRemote("Waiting for new mail, mirroring and both ways need IMAP.")
        if self.kind != "imap" and what.action in ("mark", "move"):
            raise BadRemote("Marking and moving mail at its source needs IMAP.")
        if self.kind == "file" and what.action != "leave":
            raise BadRemote("Files are left as they are.")
        if (what.action == "move") != bool(what.folder):
            raise BadRemote("Moving mail at its source, and only that, needs a folder there.")
        if what.after_days and what.action != "delete":
            raise BadRemote("Days can be given for deleting at the source only.")
        if not 0 <= what.after_days <= 3650:
            raise BadRemote("Mail can be left at its source for 0 to 3650 days.")
        if self.two_way and self.mirror:
            raise BadRemote("A mirror goes one way: choose it or both ways.")
        if follows and what.action != "leave":
            raise BadRemote("What is kept like its source must be left there.")

    @property
    def target(self) -> str:
        """Path of the mailbox that everything comes to; "": each folder has its own."""
        return self.into or ("INBOX" if self.kind == "pop3" else "")
