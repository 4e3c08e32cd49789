"""What a person asks for about mail at another provider, as settings of a remote account."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from pillarbox.flow.collect.settings import (
    MAX_LABEL,
    MAX_TEXT,
    RemoteSettings,
    ServerSpec,
    ServerTls,
    SignIn,
)
from pillarbox.flow.collect.source import AtSource
from pillarbox.net.secret import Secret

_MINUTE = 60
_Text = Annotated[str, Meta(max_length=MAX_TEXT)]


class Password(Struct):
    """Another one for a remote account."""

    password: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]

    def sign_in(self, login: str) -> SignIn:
        """As it is sealed."""
        return SignIn(login, Secret(self.password.encode(errors="replace")))


class Wish(Password, rename="camel", kw_only=True):
    """A new one. What it may not be: at a private address, which only an administrator allows."""

    kind: Literal["imap", "pop3"]
    host: _Text
    port: int
    tls: ServerTls = "implicit"
    login: _Text
    label: Annotated[str, Meta(max_length=MAX_LABEL)] = ""
    once: bool = True
    every_minutes: Annotated[int, Meta(ge=1, le=43_200)] = 15
    at_source: Literal["leave", "delete"] = "leave"
    after_days: int = 0
    skip_spam: bool = True
    keyword: _Text = ""

    def settings(self) -> RemoteSettings:
        """Raises BadRemote."""
        deletes = self.at_source == "delete"
        label = self.label.strip() or self.login.strip() or self.host.strip()
        return RemoteSettings(
            kind=self.kind,
            server=ServerSpec(self.host.strip(), self.port, self.tls),
            login=self.login.strip(),
            label=label[:MAX_LABEL],
            schedule_seconds=self.every_minutes * _MINUTE,
            at_source=AtSource("delete", self.after_days) if deletes else AtSource(),
            keyword=self.keyword.strip(),
            skip_spam=self.skip_spam,
            once=self.once,
        )
