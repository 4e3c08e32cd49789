"""What a person asks for about mail at another provider, as settings of a remote account."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from pillarbox.flow.collect.settings import (
    MAX_LABEL,
    MAX_TEXT,
    FolderChoice,
    RemoteSettings,
    SendAs,
    ServerSpec,
    ServerTls,
    SignIn,
)
from pillarbox.flow.collect.source import AtSource
from pillarbox.net.secret import Secret

_MINUTE = 60
_Text = Annotated[str, Meta(max_length=MAX_TEXT)]
_Password = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
_Label = Annotated[str, Meta(max_length=MAX_LABEL)]


class Password(Struct):
    """Another one for a remote account."""

    password: _Password

    def sign_in(self, login: str) -> SignIn:
        """As it is sealed."""
        return SignIn(login, Secret(self.password.encode(errors="replace")))


class SendingWish(Struct):
    """An address of the other provider's to write from, and its server for that."""

    address: _Text
    host: _Text
    port: int
    tls: ServerTls = "implicit"

    def send_as(self) -> SendAs:
        """Raises BadRemote."""
        server = ServerSpec(self.host.strip(), self.port, self.tls)
        return SendAs(addresses=(self.address.strip().lower(),), server=server)


class Choices(Struct, rename="camel", kw_only=True):
    """What becomes of the mail. Not among it: a private address, which only an administrator
    allows."""

    label: _Label = ""
    once: bool = True
    every_minutes: Annotated[int, Meta(ge=1, le=43_200)] = 15
    at_once: bool = False  # IMAP: told of new mail by the server, where it does that
    at_source: Literal["leave", "delete"] = "leave"
    after_days: int = 0
    two_way: bool = False
    leave_out: tuple[_Text, ...] = ()  # folders there, with everything below them
    mapped: dict[str, str] = {}  # a folder there → a mailbox here, by their paths
    into: _Text = ""  # the one mailbox for everything
    skip_spam: bool = True
    keyword: _Text = ""
    send_as: SendingWish | None = None

    def made_of(self, settings: RemoteSettings) -> RemoteSettings:
        """The same place with these choices. Raises BadRemote."""
        deletes = self.at_source == "delete"
        label = self.label.strip() or settings.label
        return replace(
            settings,
            label=label[:MAX_LABEL],
            once=self.once,
            schedule_seconds=self.every_minutes * _MINUTE,
            idle=self.at_once and not self.once,
            at_source=AtSource("delete", self.after_days) if deletes else AtSource(),
            two_way=self.two_way,
            folders=FolderChoice(exclude=self.leave_out, mapped=self.mapped),
            into=self.into.strip(),
            skip_spam=self.skip_spam,
            keyword=self.keyword.strip(),
            send_as=None if self.send_as is None else self.send_as.send_as(),
        )


class Wish(Choices, rename="camel", kw_only=True):
    """A new one."""

    kind: Literal["imap", "pop3"]
    host: _Text
    port: int
    tls: ServerTls = "implicit"
    login: _Text
    password: _Password

    def sign_in(self) -> SignIn:
        """As it is sealed."""
        return Password(self.password).sign_in(self.login.strip())

    def settings(self) -> RemoteSettings:
        """Raises BadRemote."""
        host, login = self.host.strip(), self.login.strip()
        place = RemoteSettings(
            kind=self.kind,
            server=ServerSpec(host, self.port, self.tls),
            login=login,
            label=(login or host)[:MAX_LABEL],
        )
        return self.made_of(place)
