"""TLS as well as can be, MTA-STS, DANE, REQUIRETLS, routes' demands; and what reports will say."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pillarbox.config.outbound import RouteSettings
from pillarbox.flow.outbound.outcome import Kind
from pillarbox.net.secret import Secret
from pillarbox.sasl.client import Credentials
from pillarbox.trust.dane.records import own_record
from support.authority import Issued, new_authority
from support.outbound_rig import ROOT, Rig, TlsScript, server_context
from support.scripted_smtp import Script

PLAIN = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")
STRANGER = new_authority("Stranger")
PAST = datetime(2021, 1, 1, tzinfo=UTC)
HOST = "mx0.x.example"


def certificate(kind: str) -> Issued:
    return {
        "right": lambda: ROOT.issue(HOST),
        "other name": lambda: ROOT.issue("other.example"),
        "expired": lambda: ROOT.issue(HOST, end=PAST),
        "self-made": lambda: STRANGER.issue(HOST),
    }[kind]()


async def told(rig: Rig) -> list[tuple[str, str | None]]:
    """Kind of policy and failure of each session that is kept for reports."""
    found = await rig.results("x.example")
    return sorted((one.policy.kind, one.failure) for one in found for _ in range(one.count))


# As well as can be


@pytest.mark.parametrize("kind", ["right", "other name", "expired", "self-made"])
async def test_any_certificate_is_better_than_none(tmp_path: Path, kind: str) -> None:
    async with Rig(tmp_path) as rig:
        peer = rig.tls_peer("x.example", certificate(kind))
        (found,) = await rig.send("a@x.example")
        assert found.kind is Kind.RELAYED
        assert found.tls.startswith("TLSv1.3 ") and "verified" not in found.tls
        assert peer.over_tls == 1
        assert await told(rig) == [("no-policy-found", None)]


async def test_without_tls_it_goes_in_the_clear(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.peer("x.example", Script())
        (found,) = await rig.send("a@x.example")
        assert (found.kind, found.tls) == (Kind.RELAYED, "")
        assert len(rig.network.connections) == 1
        assert await told(rig) == [("no-policy-found", "starttls-not-supported")]


@pytest.mark.parametrize("answer", ["454 4.7.0 no TLS today", "CLOSE"])
async def test_where_tls_fails_it_goes_in_the_clear(tmp_path: Path, answer: str) -> None:
    async with Rig(tmp_path, {"idle_connections": 0}) as rig:
        rig.tls_peer("x.example", answers={"STARTTLS": answer})
        for _ in range(2):
            (found,) = await rig.send("a@x.example")
            assert (found.kind, found.tls) == (Kind.RELAYED, "")
        # The second one knew, and did not try.
        assert len(rig.network.connections) == 3
        assert await told(rig) == [("no-policy-found", "validation-failure")]


# MTA-STS


@pytest.mark.parametrize(
    ("mode", "kind", "relayed", "tls", "failure"),
    [
        ("enforce", "right", True, "verified", None),
        ("enforce", "other name", False, "", "certificate-host-mismatch"),
        ("enforce", "expired", False, "", "certificate-expired"),
        ("enforce", "self-made", False, "", "certificate-not-trusted"),
        ("enforce", "none", False, "", "starttls-not-supported"),
        ("testing", "right", True, "verified", None),
        ("testing", "other name", True, "TLS", "certificate-host-mismatch"),
        ("testing", "expired", True, "TLS", "certificate-expired"),
        ("testing", "self-made", True, "TLS", "certificate-not-trusted"),
        ("testing", "none", True, "", "starttls-not-supported"),
    ],
)
async def test_mta_sts(
    tmp_path: Path, mode: str, kind: str, relayed: bool, tls: str, failure: str | None
) -> None:
    async with Rig(tmp_path) as rig:
        rig.publish_policy("x.example", mode, "*.x.example")
        if kind == "none":
            rig.peer("x.example", Script())
        else:
            rig.tls_peer("x.example", certificate(kind))
        (found,) = await rig.send("a@x.example")
        assert (found.kind is Kind.RELAYED) == relayed
        assert tls in found.tls and bool(found.tls) == bool(tls)
        if not relayed:
            assert (found.kind, found.status, found.whole_destination) == (
                Kind.LATER, "4.7.5", True,
            )  # fmt: skip
        assert await told(rig) == [("sts", failure)]
        (kept,) = await rig.results("x.example")
        assert kept.policy.strings[1] == f"mode: {mode}"
        assert kept.policy.mx_patterns == ("*.x.example",)


@pytest.mark.parametrize(("mode", "relayed"), [("enforce", False), ("testing", True)])
async def test_a_host_that_the_policy_does_not_name(
    tmp_path: Path, mode: str, relayed: bool
) -> None:
    async with Rig(tmp_path) as rig:
        rig.publish_policy("x.example", mode, "mx.other.example")
        rig.tls_peer("x.example")
        (found,) = await rig.send("a@x.example")
        assert (found.kind is Kind.RELAYED) == relayed
        assert await told(rig) == [("sts", "certificate-host-mismatch")]
        assert len(rig.network.connections) == (1 if relayed else 0)


async def test_a_policy_is_kept(tmp_path: Path) -> None:
    """Over restarts, and when its record vanishes; refreshed after a day; gone after its time."""
    async with Rig(tmp_path) as rig:
        rig.publish_policy("x.example", "enforce", "*.x.example")
        rig.peer("x.example", Script())
        await rig.send("a@x.example")
        await rig.send("b@x.example")
        assert len(rig.fetched) == 1
        del rig.resolver.records["_mta-sts.x.example"]
        (found,) = await rig.send("c@x.example")
        assert found.kind is Kind.LATER
        again = Rig(tmp_path / "again")
        again.box, again.clock = rig.box, rig.clock
        sender, fetched = rig.sender, rig.fetched
        rig.sender = type(sender)(rig.outbound, _around(rig))
        (found,) = await rig.send("d@x.example")
        assert found.kind is Kind.LATER and len(fetched) == 1
        await sender.close()
        await rig.clock.advance(86_400)
        (found,) = await rig.send("e@x.example")
        assert found.kind is Kind.RELAYED


def _around(rig: Rig) -> Any:
    from pillarbox.flow.outbound.sender import Surroundings

    return Surroundings(
        store=rig.box.store,
        resolver=rig.resolver,
        clock=rig.clock,
        hostname="mail.example.org",
        connector=rig.connector,
        fetch=rig._fetch,
    )


async def test_a_new_id_brings_the_new_policy(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.publish_policy("x.example", "enforce", "mx.other.example", ident="1")
        rig.tls_peer("x.example")
        (found,) = await rig.send("a@x.example")
        assert found.kind is Kind.LATER
        rig.publish_policy("x.example", "enforce", HOST, ident="2")
        (found,) = await rig.send("a@x.example")
        assert found.kind is Kind.RELAYED and len(rig.fetched) == 2


async def test_a_policy_in_use_is_refreshed_beside_the_mail(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.publish_policy("x.example", "enforce", HOST)
        url = next(iter(rig.pages))
        long = rig.pages[url]
        rig.pages[url] = type(long)(200, "text/plain", long.body.replace(b"86400", b"604800"))  # type: ignore[union-attr,call-arg]
        rig.tls_peer("x.example")
        await rig.send("a@x.example")
        await rig.clock.advance(90_000)
        await rig.sender.maintain()
        assert len(rig.fetched) == 2


async def test_a_policy_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.resolver.records["_mta-sts.x.example"] = {"TXT": ["v=STSv1; id=1;"]}
        rig.tls_peer("x.example")
        for _ in range(2):
            (found,) = await rig.send("a@x.example")
            assert found.kind is Kind.RELAYED
        assert len(rig.fetched) == 1  # not again within five minutes
        assert ("sts", "sts-policy-fetch-error") in await told(rig)


# DANE


def tlsa(issued: Issued) -> tuple[int, int, int, bytes]:
    record = own_record(issued.certificate)
    return (record.usage, record.selector, record.matching, record.association)


@pytest.mark.parametrize(
    ("records", "kind", "relayed", "tls", "results"),
    [
        ("own", "self-made", True, "verified", [("tlsa", None)]),
        ("own", "none", False, "", [("tlsa", "starttls-not-supported")]),
        ("other", "right", False, "", [("tlsa", "certificate-not-trusted")]),
        ("unusable", "self-made", True, "TLS", [("tlsa", "tlsa-invalid")]),
        ("unusable", "none", False, "",
         [("tlsa", "starttls-not-supported"), ("tlsa", "tlsa-invalid")]),
        ("none", "self-made", True, "TLS", [("no-policy-found", None)]),
    ],
)  # fmt: skip
async def test_dane(
    tmp_path: Path,
    records: str,
    kind: str,
    relayed: bool,
    tls: str,
    results: list[tuple[str, str | None]],
) -> None:
    async with Rig(tmp_path, authentic=True) as rig:
        issued = certificate(kind if kind != "none" else "right")
        if kind == "none":
            rig.peer("x.example", Script())
        else:
            rig.tls_peer("x.example", issued)
        published = {
            "own": [tlsa(issued)],
            "other": [tlsa(ROOT.issue("z.example"))],
            "unusable": [(0, 0, 1, b"x" * 32)],
            "none": [],
        }[records]
        if published:
            rig.resolver.records[f"_25._tcp.{HOST}"] = {"TLSA": published}
        (found,) = await rig.send("a@x.example")
        assert (found.kind is Kind.RELAYED) == relayed
        assert tls in found.tls and bool(found.tls) == bool(tls)
        assert await told(rig) == results


async def test_dane_without_dnssec_is_nothing(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.peer("x.example", Script())
        record = tlsa(certificate("right"))
        rig.resolver.records[f"_25._tcp.{HOST}"] = {"TLSA": [record]}
        (found,) = await rig.send("a@x.example")
        assert found.kind is Kind.RELAYED


async def test_a_broken_lookup_does_not_open_the_door(tmp_path: Path) -> None:
    async with Rig(tmp_path, authentic=True) as rig:
        rig.peer("x.example", Script())
        rig.resolver.fail[f"TLSA _25._tcp.{HOST}"] = "servfail"
        (found,) = await rig.send("a@x.example")
        assert (found.kind, found.status) == (Kind.LATER, "4.4.3")
        assert rig.network.connections == []


async def test_dane_comes_before_mta_sts(tmp_path: Path) -> None:
    async with Rig(tmp_path, authentic=True) as rig:
        rig.publish_policy("x.example", "enforce", HOST)
        issued = certificate("self-made")
        rig.tls_peer("x.example", issued)
        rig.resolver.records[f"_25._tcp.{HOST}"] = {"TLSA": [tlsa(issued)]}
        (found,) = await rig.send("a@x.example")
        assert found.kind is Kind.RELAYED


# REQUIRETLS (RFC 8689)


@pytest.mark.parametrize(
    ("vouched", "kind", "inside", "status"),
    [
        ("sts", "right", ("REQUIRETLS",), ""),
        ("sts testing", "right", ("REQUIRETLS",), ""),
        ("dnssec", "right", ("REQUIRETLS",), ""),
        ("dnssec", "self-made", ("REQUIRETLS",), "5.7.10"),
        ("nobody", "right", ("REQUIRETLS",), "5.7.10"),
        ("sts", "right", (), "5.7.30"),
        ("sts", "none", (), "5.7.10"),
        ("sts", "other name", ("REQUIRETLS",), "5.7.10"),
    ],
)
async def test_requiretls(
    tmp_path: Path, vouched: str, kind: str, inside: tuple[str, ...], status: str
) -> None:
    authentic = {"x.example"} if vouched == "dnssec" else False
    async with Rig(tmp_path, authentic=authentic) as rig:
        if vouched.startswith("sts"):
            mode = "testing" if "testing" in vouched else "enforce"
            rig.publish_policy("x.example", mode, HOST)
        if kind == "none":
            peer = rig.peer("x.example", Script())
        else:
            peer = rig.tls_peer("x.example", certificate(kind), inside=inside)
        (found,) = await rig.send("a@x.example", requiretls=True)
        if status:
            assert (found.kind, found.status) == (Kind.FAILED, status)
            assert not found.whole_destination and peer.messages == []
        else:
            assert found.kind is Kind.RELAYED
            assert any("REQUIRETLS" in line for line in peer.seen if line.startswith("MAIL"))


async def test_requiretls_finds_the_host_that_can(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.publish_policy("x.example", "enforce", "*.x.example")
        right = server_context(tmp_path / "1", ROOT.issue("mx1.x.example"), ROOT)
        cannot = TlsScript(context=server_context(tmp_path / "0", ROOT.issue(HOST)), inside=PLAIN)
        rig.peer("x.example", cannot, TlsScript(context=right))
        (found,) = await rig.send("a@x.example", requiretls=True)
        assert (found.kind, found.remote_mta) == (Kind.RELAYED, "mx1.x.example")


async def test_reports_travel_without_what_they_ask_for(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        peer = rig.peer("x.example", Script())
        (found,) = await rig.send("a@x.example", sender="", requiretls=True)
        assert found.kind is Kind.RELAYED
        assert "REQUIRETLS" not in " ".join(peer.seen)


async def test_other_mail_does_not_suffer_from_it(tmp_path: Path) -> None:
    """The connection at hand serves what it may serve."""
    async with Rig(tmp_path) as rig:
        peer = rig.peer("x.example", Script())
        jobs = [
            await rig.job("a@x.example"),
            await rig.job("b@x.example", requiretls=True),
            await rig.job("c@x.example"),
        ]
        found = await rig.send_jobs(*jobs)
        assert [one.kind for one in found] == [Kind.RELAYED, Kind.FAILED, Kind.RELAYED]
        assert len(peer.messages) == 2


# Routes


@pytest.mark.parametrize(
    ("tls", "kind", "relayed"),
    [
        ("none", "right", True),
        ("opportunistic", "self-made", True),
        ("opportunistic", "none", True),
        ("encrypted", "self-made", True),
        ("encrypted", "none", False),
        ("verified", "right", True),
        ("verified", "self-made", False),
        ("verified", "none", False),
    ],
)
async def test_what_routes_demand(tmp_path: Path, tls: Any, kind: str, relayed: bool) -> None:
    route = RouteSettings(name="smart", recipients=("*",), hosts=("mx0.isp.example",), tls=tls)
    async with Rig(tmp_path, {"route": (route,), "private_addresses": False}) as rig:
        if kind == "none":
            peer: Script = rig.peer("isp.example", Script())
        else:
            issued = (STRANGER if kind == "self-made" else ROOT).issue("mx0.isp.example")
            peer = rig.tls_peer("isp.example", issued)
        (found,) = await rig.send("a@x.example")
        assert (found.kind is Kind.RELAYED) == relayed
        assert len(peer.messages) == int(relayed)
        assert bool(found.tls) == (relayed and tls != "none" and kind != "none")
        assert await told(rig) == []


async def test_a_smarthost_is_signed_in_to(tmp_path: Path) -> None:
    route = RouteSettings(
        name="smart",
        recipients=("*",),
        hosts=("mx0.isp.example",),
        username="me",
        password="hunter2",
    )
    credentials = {"smart": Credentials("me", Secret("secret"))}
    async with Rig(tmp_path, {"route": (route,)}, credentials=credentials) as rig:
        peer = rig.tls_peer("isp.example", inside=(*PLAIN, "AUTH PLAIN"))
        peer.answers = {"AUTH": ["235 2.7.0 welcome", "535 5.7.8 wrong"]}
        (found,) = await rig.send("a@x.example")
        assert found.kind is Kind.RELAYED
        assert [line for line in peer.seen if line.startswith("AUTH")] == [
            "AUTH PLAIN AG1lAHNlY3JldA=="
        ]
        assert "hunter2" not in repr(route)


async def test_a_wrong_password_is_not_the_senders_fault(tmp_path: Path) -> None:
    route = RouteSettings(
        name="smart", recipients=("*",), hosts=("mx0.isp.example",), username="me"
    )
    credentials = {"smart": Credentials("me", Secret("secret"))}
    async with Rig(tmp_path, {"route": (route,)}, credentials=credentials) as rig:
        peer = rig.tls_peer("isp.example", inside=(*PLAIN, "AUTH PLAIN"))
        peer.answers = {"AUTH": "535 5.7.8 wrong"}
        (found,) = await rig.send("a@x.example")
        assert (found.kind, found.status) == (Kind.LATER, "4.7.8")
        assert found.whole_destination
