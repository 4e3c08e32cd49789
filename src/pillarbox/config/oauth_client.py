"""[collect.oauth.<provider>]: what other providers' authorization servers know us as."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class OAuthClientSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """This server as an application that is registered with a provider."""

    client_id: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=1024,
            description="The client id that the provider gave when this server was registered as "
            "an application there.",
        ),
    ]
    client_secret: Annotated[
        str,
        Meta(
            description="The secret that came with it; empty for a public client. Better is "
            "`client_secret_file`."
        ),
    ] = ""
    client_secret_file: Annotated[
        str,
        Meta(
            description="File whose first line is the secret. A relative path counts from "
            "`store.data_dir`."
        ),
    ] = ""

    def __repr__(self) -> str:
        """Without the secret."""
        return f"OAuthClientSettings(client_id={self.client_id!r})"


class OAuthLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long signing in through a provider may take, and how much of its answers is kept."""

    request_seconds: Annotated[
        float,
        Meta(ge=1, le=600, description="Seconds for one request to an authorization server."),
    ] = 30.0
    max_answer_octets: Annotated[
        int,
        Meta(
            ge=4096,
            le=1_048_576,
            description="Largest answer of an authorization server. Tokens have up to some 4 KiB.",
        ),
    ] = 65_536
    sign_in_seconds: Annotated[
        float,
        Meta(
            ge=30,
            le=3600,
            description="Seconds that a person has to sign in at the provider, with a browser or "
            "another device.",
        ),
    ] = 600.0
    refresh_early_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=3600,
            description="Seconds before an access token ends at which it is renewed; clocks "
            "differ, and signing in takes a while.",
        ),
    ] = 120
