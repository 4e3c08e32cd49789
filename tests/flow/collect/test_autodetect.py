"""Where an address's mail is: known providers, the DNS, autoconfig files, and usual names."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pillarbox.flow.collect.autodetect import Guess, Surroundings, autodetect, parse_autoconfig
from pillarbox.flow.collect.settings import ServerSpec
from pillarbox.net.https import Fetched, FetchFailed
from support.fake_resolver import FakeResolver

# In the form of Mozilla's description of the format, with servers of our own.
FILE = """<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="example.org">
    <incomingServer type="imap">
      <hostname>mx.example.org</hostname><port>143</port><socketType>plain</socketType>
      <username>%EMAILADDRESS%</username>
    </incomingServer>
    <incomingServer type="imap">
      <hostname>IMAP.example.org</hostname><port>993</port><socketType>SSL</socketType>
      <username>%EMAILLOCALPART%</username>
    </incomingServer>
    <incomingServer type="pop3">
      <hostname>pop.example.org</hostname><port>110</port><socketType>STARTTLS</socketType>
      <username>%EMAILLOCALPART%</username>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>smtp.example.org</hostname><port>587</port><socketType>STARTTLS</socketType>
    </outgoingServer>
  </emailProvider>
</clientConfig>
"""


def detect(address: str, records: dict[str, dict[str, Any]], **fail: Any) -> Guess:
    resolver = FakeResolver(records, **fail)
    return asyncio.run(autodetect(address, Surroundings(resolver=resolver)))


def test_a_provider_by_its_domain() -> None:
    found = detect("alice@gmail.com", {})
    assert found.found_by == "preset"
    assert found.servers.imap == ServerSpec("imap.gmail.com", 993)


def test_a_providers_customer_by_mx() -> None:
    found = detect("alice@example.org", {"example.org": {"MX": [(1, "aspmx.l.google.com")]}})
    assert found.found_by == "mx"
    assert found.preset is not None and found.preset.name == "gmail"


def test_srv_records() -> None:
    """RFC 6186 §3.4: a target of "." says that there is no such service."""
    records = {
        "_imaps._tcp.example.org": {"SRV": [(0, 0, 0, ".")]},
        "_imap._tcp.example.org": {"SRV": [(10, 0, 143, "b.example.org")]},
        "_pop3s._tcp.example.org": {
            "SRV": [(20, 0, 995, "d.example.org"), (10, 0, 9955, "c.example.org")]
        },
        "_submission._tcp.example.org": {"SRV": [(0, 1, 587, "e.example.org")]},
    }
    found = detect("alice@example.org", records)
    assert found.found_by == "srv"
    assert found.servers.imap == ServerSpec("b.example.org", 143, "starttls")
    assert found.servers.pop3 == ServerSpec("c.example.org", 9955, "implicit")
    assert found.servers.smtp == ServerSpec("e.example.org", 587, "starttls")


def test_usual_names() -> None:
    records = {
        "mail.example.org": {"A": ["192.0.2.1"]},
        "pop.example.org": {"AAAA": ["2001:db8::1"]},
    }
    found = detect("alice@example.org", records)
    assert found.found_by == "guess"
    assert found.servers.imap == ServerSpec("mail.example.org", 993)
    assert found.servers.pop3 == ServerSpec("pop.example.org", 995)
    assert found.servers.smtp == ServerSpec("mail.example.org", 465)


@pytest.mark.parametrize("address", ["alice@example.org", "alice@x..y", "alice@", "alice", "@"])
def test_nothing_found(address: str) -> None:
    assert detect(address, {}) == Guess(login=address)


def test_a_dns_that_does_not_answer() -> None:
    assert detect("alice@example.org", {}, fail={"example.org": "timeout"}).found_by == ""


def test_an_autoconfig_file() -> None:
    found = parse_autoconfig(FILE.encode(), "alice@example.org")
    assert found is not None
    assert found.login == "alice"
    assert found.servers.imap == ServerSpec("imap.example.org", 993)
    assert found.servers.pop3 == ServerSpec("pop.example.org", 110, "starttls")
    assert found.servers.smtp == ServerSpec("smtp.example.org", 587, "starttls")


def test_the_file_is_asked_of_the_domain_over_https_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def fetch(url: str, **_: Any) -> Fetched:
        asked.append(url)
        if len(asked) == 1:
            raise FetchFailed("unreachable", "No.")
        return Fetched(200, "text/xml", FILE.encode())

    monkeypatch.setattr("pillarbox.flow.collect.autodetect.fetch", fetch)
    found = detect("alice@example.org", {"mail.example.org": {"A": ["192.0.2.1"]}})
    assert found.found_by == "autoconfig"
    assert asked == [
        "https://autoconfig.example.org/mail/config-v1.1.xml",
        "https://example.org/.well-known/autoconfig/mail/config-v1.1.xml",
    ]


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"<html>",
        b"not xml",
        b"\xff\xfe",
        FILE.replace("SSL", "plain").replace("STARTTLS", "plain").encode(),
        FILE.replace("993", "x").replace("110", "70000").encode(),
        FILE.replace("<clientConfig", "<!DOCTYPE x [<!ENTITY a 'b'>]><clientConfig").encode(),
        FILE.encode("utf-16"),
        b"<a>" * 50_000,
    ],
)
def test_files_that_say_nothing_safe(octets: bytes) -> None:
    assert parse_autoconfig(octets, "alice@example.org") is None


def test_a_file_is_not_fetched_from_a_private_address(tmp_path: Path) -> None:
    records = {"autoconfig.example.org": {"A": ["127.0.0.1"]}}
    assert detect("alice@example.org", records).found_by == ""
