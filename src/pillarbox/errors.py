"""What can go wrong, in the domain's words. No protocol's codes: each door has one table for these.

`str(error)` is a sentence for the person at the other end: what happened and, where there is
something to do, what. It holds no path, no SQL and no exception text.
"""

from __future__ import annotations


class PillarboxError(Exception):
    """The root of all errors that a caller may expect."""

    sentence = "Something went wrong."

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(sentence or self.sentence)


class NotFound(PillarboxError):
    """A thing that was named does not exist."""


class NoSuchAccount(NotFound):
    sentence = "There is no such account."


class NoSuchDomain(NotFound):
    sentence = "This server does not serve that domain."


class NoSuchMailbox(NotFound):
    sentence = "There is no mailbox of that name."


class NoSuchMessage(NotFound):
    sentence = "That message is no longer here."


class AlreadyExists(PillarboxError):
    """A thing of that name is there already."""

    sentence = "There is something of that name already."


class MailboxHasChildren(PillarboxError):
    sentence = "The mailbox has mailboxes inside it; delete or move those first."


class NotAllowed(PillarboxError):
    """Understood, but this may not be done (to INBOX, say, or by this account)."""

    sentence = "That is not allowed; ask whoever runs this server if it should be."


class BadName(PillarboxError):
    """A mailbox, account or domain name that cannot be used; the sentence says why."""

    sentence = "That name cannot be used."


class OverQuota(PillarboxError):
    """The account has no room; nothing was changed."""

    sentence = "The mailbox is full. Delete some messages or ask for more room."


class TooLarge(PillarboxError):
    """More octets than the limit that applies."""

    sentence = "The message is larger than this server accepts."


class LimitReached(PillarboxError):
    """A cap of the configuration was met (mailboxes an account, keywords, …)."""

    sentence = "A limit of this server was reached. Ask for less at a time, or for a higher limit."


class CannotCalculateChanges(PillarboxError):
    """The tombstones that this state needs are gone."""

    sentence = "The state is too old; start from a fresh copy."


class Unavailable(PillarboxError):
    """A passing failure of ours (disk fails, store shut): nothing changed, try again later."""

    sentence = "The server cannot do this just now. Try again later."


class DiskFull(Unavailable):
    """There is no room on our disk: nothing changed, and it works again once there is."""

    sentence = "The server's disk is full. Try again later."


class Damaged(PillarboxError):
    """Stored octets do not match their checksum."""

    sentence = "The stored message is damaged; the administrator can run 'pillarbox verify'."


class AuthenticationFailed(PillarboxError):
    """Wrong name or password; never says which."""

    sentence = "The user name or the password is wrong."


class AppPasswordNeeded(AuthenticationFailed):
    """The account's own password was right, but it opens only the web pages."""

    sentence = (
        "This account asks for a second step, so mail programs need an app password. "
        "Make one on the account's page."
    )


class AppPasswordGiven(AuthenticationFailed):
    """An app password was right where only the account's own password counts."""

    sentence = "That is an app password, for mail programs. Here the account's own is asked for."


class Throttled(PillarboxError):
    """Too many wrong passwords from this address lately."""

    sentence = "Too many failed attempts. Wait a minute and try again."

    def __init__(self, sentence: str | None = None, *, seconds: float = 0.0) -> None:
        """`seconds`: how long to wait, where it is known."""
        super().__init__(sentence)
        self.seconds = seconds


class ConfigurationError(PillarboxError):
    """The configuration cannot be used; the sentence names the file, the setting and the mend."""
