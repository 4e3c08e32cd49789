"""Answers for programs that set themselves up: Thunderbird and kin, Outlook, Apple's."""

from __future__ import annotations

import plistlib
import uuid
from xml.sax.saxutils import escape, quoteattr

from pillarbox.web.devices.ways import Way, best

_OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_ANSWER = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
_NAMES = {"imap": "IMAP", "pop3": "POP3", "smtp": "SMTP"}
_PROFILE = uuid.UUID("6f5c2a52-6a5e-5d0e-9b8e-0d8b1f1f6b3c")  # what ids of profiles are made from


def autoconfig(domain: str, ways: list[Way]) -> str:
    """The file that Thunderbird asks for; `%EMAILADDRESS%` is filled in by the program."""
    incoming = [_server("incomingServer", way) for way in ways if way.protocol != "smtp"]
    outgoing = [_server("outgoingServer", way) for way in ways if way.protocol == "smtp"]
    name = escape(domain)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<clientConfig version="1.1">\n'
        f"<emailProvider id={quoteattr(domain)}>\n<domain>{name}</domain>\n"
        f"<displayName>{name}</displayName>\n<displayShortName>{name}</displayShortName>\n"
        + "".join(incoming + outgoing)
        + "</emailProvider>\n</clientConfig>\n"
    )


def _server(element: str, way: Way) -> str:
    return (
        f'<{element} type="{way.protocol}">\n<hostname>{escape(way.host)}</hostname>\n'
        f"<port>{way.port}</port>\n<socketType>{'SSL' if way.is_implicit else 'STARTTLS'}"
        "</socketType>\n<username>%EMAILADDRESS%</username>\n"
        f"<authentication>password-cleartext</authentication>\n</{element}>\n"
    )


def autodiscover(address: str, ways: list[Way]) -> str:
    """What Outlook asks for by POST."""
    protocols = "".join(
        f"<Protocol><Type>{_NAMES[kind]}</Type><Server>{escape(way.host)}</Server>"
        f"<Port>{way.port}</Port><LoginName>{escape(address)}</LoginName>"
        f"<SSL>{'on' if way.is_implicit else 'off'}</SSL>"
        f"<Encryption>{'SSL' if way.is_implicit else 'TLS'}</Encryption>"
        "<SPA>off</SPA><AuthRequired>on</AuthRequired></Protocol>\n"
        for kind in ("imap", "pop3", "smtp")
        if (way := best(ways, kind)) is not None
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<Autodiscover xmlns="{_ANSWER}"><Response xmlns="{_OUTLOOK}"><Account>'
        f"<AccountType>email</AccountType><Action>settings</Action>\n{protocols}"
        "</Account></Response></Autodiscover>\n"
    )


def mobileconfig(address: str, name: str, ways: list[Way]) -> bytes | None:
    """A profile for iPhone, iPad and Mac, without a password; None: there is no IMAP or SMTP."""
    imap, smtp = best(ways, "imap"), best(ways, "smtp")
    if imap is None or smtp is None:
        return None
    domain = address.rpartition("@")[2]
    mail = {
        "PayloadType": "com.apple.mail.managed",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{domain}.mail.{uuid.uuid5(_PROFILE, address)}",
        "PayloadUUID": str(uuid.uuid5(_PROFILE, f"mail {address}")),
        "PayloadDisplayName": address,
        "EmailAccountType": "EmailTypeIMAP",
        "EmailAccountDescription": address,
        "EmailAccountName": name or address,
        "EmailAddress": address,
        "IncomingMailServerAuthentication": "EmailAuthPassword",
        "IncomingMailServerHostName": imap.host,
        "IncomingMailServerPortNumber": imap.port,
        "IncomingMailServerUseSSL": imap.is_implicit,
        "IncomingMailServerUsername": address,
        "OutgoingMailServerAuthentication": "EmailAuthPassword",
        "OutgoingMailServerHostName": smtp.host,
        "OutgoingMailServerPortNumber": smtp.port,
        "OutgoingMailServerUseSSL": smtp.is_implicit,
        "OutgoingMailServerUsername": address,
        "OutgoingPasswordSameAsIncomingPassword": True,
    }
    profile = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{domain}.profile.{uuid.uuid5(_PROFILE, address)}",
        "PayloadUUID": str(uuid.uuid5(_PROFILE, f"profile {address}")),
        "PayloadDisplayName": f"{address}",
        "PayloadContent": [mail],
    }
    return plistlib.dumps(profile)
