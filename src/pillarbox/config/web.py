"""[web]: HTTP for people and programs (role `web`): names, proxies, patience."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from pillarbox.config.accent import complaint
from pillarbox.config.bodies import BodySettings, PictureSettings, UnsubscribeSettings
from pillarbox.config.links import LinkSettings

_COLOR = r"^(#[0-9A-Fa-f]{6})?\Z"


class WebSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of every request, whatever is asked for."""

    hosts: Annotated[
        tuple[str, ...],
        Meta(
            description="Further names under which this server is asked for. Known without: "
            "`server.hostname`, every name of the certificates, and `localhost` from this "
            "computer. A request for any other name is refused, since links are made of it."
        ),
    ] = ()
    proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="IP addresses of proxies in front whose `X-Forwarded-For` and "
            "`X-Forwarded-Proto` are believed. From anyone else they are ignored."
        ),
    ] = ()
    accent: Annotated[
        str,
        Meta(
            pattern=_COLOR,
            description="Colour `#rrggbb` of links, buttons and marks on light pages, in place of "
            "our blue #0b5cc8. Words of it must have a contrast of 4.5 to 1 on the page, the side "
            "bar and a selected row; what is written on it becomes white or black by itself.",
        ),
    ] = ""
    accent_dark: Annotated[
        str,
        Meta(
            pattern=_COLOR,
            description="The same on dark pages, in place of #7ab0ff.",
        ),
    ] = ""
    head_octets: Annotated[
        int,
        Meta(
            ge=4096,
            le=1_048_576,
            description="Octets of a request's head. Browsers send one to four thousand.",
        ),
    ] = 32_768
    request_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=600,
            description="Seconds in which a request is to be sent. A long body has more time: see "
            "`least_octets_per_second`.",
        ),
    ] = 30
    answer_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=600,
            description="Seconds in which a peer takes the part of the answer that waits for it, "
            "and as long more as `least_octets_per_second` gives; then it is cut off.",
        ),
    ] = 30
    least_octets_per_second: Annotated[
        int,
        Meta(
            ge=1,
            le=1 << 30,
            description="How slow a peer may be with long bodies. 4 KiB a second are a bad mobile "
            "link; who sends an octet now and then only holds a place.",
        ),
    ] = 4096
    idle_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=3600,
            description="Seconds that a connection may be silent between two requests. A new one "
            "costs a TLS handshake, a silent one some 50 KiB.",
        ),
    ] = 75
    bodies: BodySettings = field(default_factory=BodySettings)
    pictures: PictureSettings = field(default_factory=PictureSettings)
    unsubscribe: UnsubscribeSettings = field(default_factory=UnsubscribeSettings)
    links: LinkSettings = field(default_factory=LinkSettings)

    def __post_init__(self) -> None:
        for name, color in (("accent", self.accent), ("accent_dark", self.accent_dark)):
            if color and (why := complaint(name, color)):
                raise ValueError(why)
