"""Large mail providers as data: their servers, how one signs in there, what slows one down.

From the providers' own help pages, as of 2026. A domain that is not here is looked for by
`autodetect`.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from pillarbox.flow.collect.settings import ServerSpec

# "account": the password of the web pages; "app": one made for a program; "oauth": no password.
Proof = Literal["account", "app", "oauth"]

_MIB = 1024**2


class OAuthEndpoints(Struct, frozen=True, kw_only=True):
    """An authorization server (RFC 6749 §3, RFC 8628 §3.1)."""

    authorization: str
    token: str
    device: str = ""  # "": the device flow is not offered for mail
    scope: str
    more: tuple[tuple[str, str], ...] = ()  # parameters of the authorization request


class Throttling(Struct, frozen=True, kw_only=True):
    """What the provider allows; 0: it does not say."""

    connections: int = 0
    imap_octets_a_day: int = 0
    pop3_octets_a_day: int = 0
    seconds_between: int = 0  # two sessions of POP3


class Servers(Struct, frozen=True, kw_only=True):
    """Where mail is read and sent; None: not that way."""

    imap: ServerSpec | None = None
    pop3: ServerSpec | None = None
    smtp: ServerSpec | None = None


class Preset(Struct, frozen=True, kw_only=True):
    """One provider."""

    name: str  # "gmail": in settings and on the command line
    title: str
    domains: tuple[str, ...]
    exchanges: tuple[str, ...] = ()  # ends of its MX hosts' names, for domains of its customers
    servers: Servers = Servers()
    proof: Proof = "account"
    sign_in: str = ""  # what to do there first, in whole sentences
    guide: str = ""  # the page on which a password for programs is made
    pop3_note: str = ""
    oauth: OAuthEndpoints | None = None
    throttling: Throttling = Throttling()


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _server(host: str, port: int) -> ServerSpec:
    return ServerSpec(host, port, "starttls" if port == 587 else "implicit")


def _servers(imap: str, pop3: str, smtp: str, smtp_port: int = 465) -> Servers:
    return Servers(
        imap=_server(imap, 993),
        pop3=_server(pop3, 995) if pop3 else None,
        smtp=_server(smtp, smtp_port),
    )


_GOOGLE = OAuthEndpoints(
    authorization="https://accounts.google.com/o/oauth2/v2/auth",
    token="https://oauth2.googleapis.com/token",  # noqa: S106 - an address, no secret
    scope="https://mail.google.com/",
    more=(("access_type", "offline"), ("prompt", "consent")),
)
_MICROSOFT = OAuthEndpoints(
    authorization="https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
    token="https://login.microsoftonline.com/common/oauth2/v2.0/token",  # noqa: S106 - an address, no secret
    device="https://login.microsoftonline.com/common/oauth2/v2.0/devicecode",
    scope="offline_access https://outlook.office.com/IMAP.AccessAsUser.All "
    "https://outlook.office.com/POP.AccessAsUser.All https://outlook.office.com/SMTP.Send",
)
_UNITED_INTERNET = (
    "In {0}'s settings on the web, under POP3 and IMAP, access by other programs must be switched "
    "on first; with two-factor sign-in, make a password for this application there, too."
)

PRESETS: tuple[Preset, ...] = (
    Preset(
        name="gmail",
        title="Gmail",
        domains=("gmail.com", "googlemail.com"),
        exchanges=("google.com", "googlemail.com"),
        servers=_servers("imap.gmail.com", "pop.gmail.com", "smtp.gmail.com"),
        proof="app",
        sign_in="Sign in through Google (OAuth), or turn on 2-Step Verification at "
        "myaccount.google.com and make an app password at myaccount.google.com/apppasswords.",
        guide="https://myaccount.google.com/apppasswords",
        pop3_note="POP3 must be switched on in Gmail's settings (Forwarding and POP/IMAP), which "
        "also say whether mail stays there once it was read by POP3. A message is shown to one "
        'program only, unless the user name begins with "recent:", which shows the last 30 days '
        "to all. IMAP has neither of these traps.",
        oauth=_GOOGLE,
        throttling=Throttling(
            connections=15, imap_octets_a_day=2500 * _MIB, pop3_octets_a_day=1250 * _MIB
        ),
    ),
    Preset(
        name="outlook",
        title="Outlook.com and Microsoft 365",
        domains=_words(
            "outlook.com hotmail.com live.com msn.com outlook.de hotmail.de live.de "
            "outlook.fr hotmail.fr live.fr outlook.es hotmail.es outlook.it hotmail.it "
            "live.it hotmail.co.uk live.co.uk live.nl outlook.at outlook.com.br outlook.jp "
            "passport.com windowslive.com"
        ),
        exchanges=("mail.protection.outlook.com", "olc.protection.outlook.com"),
        servers=_servers(
            "outlook.office365.com", "outlook.office365.com", "smtp-mail.outlook.com", 587
        ),
        proof="oauth",
        sign_in="Microsoft takes no passwords from mail programs any more: sign in through "
        "Microsoft (OAuth). In Outlook.com's settings, POP and IMAP must be switched on first.",
        pop3_note="Whether mail stays there once it was read by POP3 is a setting of Outlook.com.",
        oauth=_MICROSOFT,
        throttling=Throttling(connections=8),
    ),
    Preset(
        name="yahoo",
        title="Yahoo Mail",
        domains=_words(
            "yahoo.com yahoo.de yahoo.co.uk yahoo.fr yahoo.es yahoo.it yahoo.ca "
            "yahoo.com.br yahoo.co.in yahoo.in yahoo.com.au ymail.com rocketmail.com "
            "myyahoo.com"
        ),
        exchanges=("yahoodns.net",),
        servers=_servers("imap.mail.yahoo.com", "pop.mail.yahoo.com", "smtp.mail.yahoo.com"),
        proof="app",
        sign_in="Make an app password in Yahoo's account security settings "
        "(login.yahoo.com/account/security); the usual password is not taken.",
        guide="https://login.yahoo.com/account/security",
        throttling=Throttling(connections=5),
    ),
    Preset(
        name="aol",
        title="AOL Mail",
        domains=("aol.com", "aol.de", "aol.co.uk", "aim.com", "verizon.net"),
        servers=_servers("imap.aol.com", "pop.aol.com", "smtp.aol.com"),
        proof="app",
        sign_in="Make an app password in AOL's account security settings "
        "(login.aol.com/account/security); the usual password is not taken.",
        guide="https://login.aol.com/account/security",
        throttling=Throttling(connections=5),
    ),
    Preset(
        name="icloud",
        title="iCloud Mail",
        domains=("icloud.com", "me.com", "mac.com"),
        exchanges=("mail.icloud.com",),
        servers=_servers("imap.mail.me.com", "", "smtp.mail.me.com", 587),
        proof="app",
        sign_in="Make an app-specific password at account.apple.com (Sign-In and Security); the "
        "usual password is not taken. The user name is the part of the address before the @.",
        guide="https://account.apple.com/",
        pop3_note="iCloud has no POP3; use IMAP.",
        throttling=Throttling(connections=10),
    ),
    Preset(
        name="fastmail",
        title="Fastmail",
        domains=("fastmail.com", "fastmail.fm", "fastmail.de", "sent.com", "messagingengine.com"),
        exchanges=("messagingengine.com",),
        servers=_servers("imap.fastmail.com", "pop.fastmail.com", "smtp.fastmail.com"),
        proof="app",
        sign_in="Make an app password in Fastmail's settings (Privacy and Security), with access "
        "to mail; the usual password is not taken, and the Basic plan has no IMAP.",
    ),
    Preset(
        name="gmx",
        title="GMX",
        domains=("gmx.net", "gmx.de", "gmx.at", "gmx.ch", "gmx.eu", "gmx.org", "gmx.info"),
        servers=_servers("imap.gmx.net", "pop.gmx.net", "mail.gmx.net"),
        sign_in=_UNITED_INTERNET.format("GMX"),
        throttling=Throttling(seconds_between=15 * 60),
    ),
    Preset(
        name="gmx.com",
        title="GMX (international)",
        domains=("gmx.com", "gmx.us", "gmx.co.uk", "gmx.fr", "gmx.es"),
        servers=_servers("imap.gmx.com", "pop.gmx.com", "mail.gmx.com"),
        sign_in=_UNITED_INTERNET.format("GMX"),
        throttling=Throttling(seconds_between=15 * 60),
    ),
    Preset(
        name="web.de",
        title="WEB.DE",
        domains=("web.de", "email.de"),
        servers=_servers("imap.web.de", "pop3.web.de", "smtp.web.de"),
        sign_in=_UNITED_INTERNET.format("WEB.DE"),
        throttling=Throttling(seconds_between=15 * 60),
    ),
    Preset(
        name="t-online",
        title="T-Online",
        domains=("t-online.de", "magenta.de"),
        servers=_servers(
            "secureimap.t-online.de", "securepop.t-online.de", "securesmtp.t-online.de"
        ),
        proof="app",
        sign_in="Set a password for e-mail programs in Telekom's customer centre; the one of the "
        "web pages is not taken.",
    ),
    Preset(
        name="freenet",
        title="freenet",
        domains=("freenet.de",),
        servers=_servers("mx.freenet.de", "mx.freenet.de", "mx.freenet.de"),
        sign_in="Access by other programs must be switched on in freenet's settings first.",
    ),
    Preset(
        name="mailbox.org",
        title="mailbox.org",
        domains=("mailbox.org",),
        exchanges=("mailbox.org",),
        servers=_servers("imap.mailbox.org", "pop3.mailbox.org", "smtp.mailbox.org"),
        sign_in="With two-factor sign-in, make an application password in the settings.",
    ),
    Preset(
        name="posteo",
        title="Posteo",
        domains=("posteo.de", "posteo.net", "posteo.org", "posteo.eu"),
        servers=_servers("posteo.de", "posteo.de", "posteo.de"),
        sign_in="With additional mailbox protection, allow access by programs in the settings.",
    ),
    Preset(
        name="zoho",
        title="Zoho Mail",
        domains=("zoho.com", "zohomail.com"),
        exchanges=("zoho.com",),
        servers=_servers("imap.zoho.com", "pop.zoho.com", "smtp.zoho.com"),
        sign_in="Switch on IMAP or POP3 in Zoho Mail's settings; with two-factor sign-in, make an "
        "application-specific password at accounts.zoho.com.",
    ),
    Preset(
        name="zoho.eu",
        title="Zoho Mail (Europe)",
        domains=("zoho.eu", "zohomail.eu"),
        exchanges=("zoho.eu",),
        servers=_servers("imap.zoho.eu", "pop.zoho.eu", "smtp.zoho.eu"),
        sign_in="Switch on IMAP or POP3 in Zoho Mail's settings; with two-factor sign-in, make an "
        "application-specific password at accounts.zoho.eu.",
    ),
    Preset(
        name="yandex",
        title="Yandex Mail",
        domains=("yandex.com", "yandex.ru", "ya.ru"),
        exchanges=("yandex.net", "yandex.ru"),
        servers=_servers("imap.yandex.com", "pop.yandex.com", "smtp.yandex.com"),
        proof="app",
        sign_in="Switch on access by mail programs in Yandex's settings and make an app password "
        "at id.yandex.com; the usual password is not taken.",
    ),
    Preset(
        name="mail.ru",
        title="Mail.ru",
        domains=("mail.ru", "bk.ru", "inbox.ru", "list.ru", "internet.ru"),
        exchanges=("mail.ru",),
        servers=_servers("imap.mail.ru", "pop.mail.ru", "smtp.mail.ru"),
        proof="app",
        sign_in="Make a password for external applications in Mail.ru's security settings; the "
        "usual password is not taken.",
    ),
    Preset(
        name="proton",
        title="Proton Mail",
        domains=("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
        exchanges=("protonmail.ch",),
        proof="oauth",
        sign_in="Proton Mail can be read by its own programs only. Export the mail with Proton's "
        "export tool and bring it over as .eml files, or run Proton Mail Bridge on this "
        "computer and give its address.",
    ),
    Preset(
        name="tuta",
        title="Tuta",
        domains=_words("tuta.com tutanota.com tutanota.de tutamail.com tuta.io keemail.me"),
        proof="oauth",
        sign_in="Tuta has neither IMAP nor POP3. Export the mail in Tuta's program and bring it "
        "over as .eml files.",
    ),
)

_BY_DOMAIN = {domain: preset for preset in PRESETS for domain in preset.domains}
_BY_NAME = {preset.name: preset for preset in PRESETS}
_BY_HOST = {
    spec.host: preset
    for preset in PRESETS
    for spec in (preset.servers.imap, preset.servers.pop3, preset.servers.smtp)
    if spec is not None
}


def find_preset(address: str) -> Preset | None:
    """By an address, or its domain."""
    return _BY_DOMAIN.get(address.rpartition("@")[2].strip().lower().removesuffix("."))


def find_named(name: str) -> Preset | None:
    """By its name."""
    return _BY_NAME.get(name)


def find_by_host(host: str) -> Preset | None:
    """By the name of one of its servers."""
    return _BY_HOST.get(host.lower().removesuffix("."))


def find_by_exchange(exchange: str) -> Preset | None:
    """By the name of an MX host of one of its customers."""
    host = exchange.lower().removesuffix(".")
    for preset in PRESETS:
        if any(host == end or host.endswith(f".{end}") for end in preset.exchanges):
            return preset
    return None
