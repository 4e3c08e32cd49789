"""OpenSSL's own DANE client finds of each chain what we find of it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pillarbox.dns.answer import Tlsa
from pillarbox.trust.dane.records import associated, encode_tlsa
from pillarbox.trust.dane.verify import verify_chain
from support.authority import Issued
from support.dane_cases import BETWEEN, LEAF, MX, PAST, PATHS, ROOT
from support.programs import program, run

pytestmark = pytest.mark.interop

# Its command takes "m*.example.org" for any name of that form, which RFC 7672 §3.2.3 does not.
OTHERWISE = {"a star in the wrong place"}


@contextlib.contextmanager
def shown(folder: Path, chain: list[Issued]) -> Iterator[int]:
    """A TLS server on loopback that shows the chain to one client; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*chain[0].write(folder, *chain[1:]))
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(60)

    def serve() -> None:
        with contextlib.suppress(OSError), listening.accept()[0] as plain:
            plain.settimeout(60)
            with context.wrap_socket(plain, server_side=True) as tls:
                tls.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with listening:
        yield listening.getsockname()[1]
        thread.join(10)


def openssl_verifies(folder: Path, chain: list[Issued], record: Tlsa) -> bool:
    with shown(folder, chain) as port:
        done = run(
            [
                program("openssl"),
                "s_client",
                *("-connect", f"127.0.0.1:{port}", "-dane_tlsa_domain", MX),
                *("-dane_tlsa_rrdata", encode_tlsa(record), "-dane_ee_no_namechecks"),
                *("-verify_return_error", "-brief"),
            ],
            codes=(0, 1),
        )
    return done.code == 0


def check(folder: Path, chain: list[Issued], record: Tlsa, verified: bool) -> None:
    ours = verify_chain([one.der for one in chain], (record,), (MX,), datetime.now(UTC))
    assert ours.verified is verified, ours.why
    assert openssl_verifies(folder, chain, record) is verified


@pytest.mark.parametrize("kind", [kind for kind in PATHS if kind not in OTHERWISE])
def test_paths(tmp_path: Path, kind: str) -> None:
    chain, anchor, result = PATHS[kind]
    record = Tlsa(2, 0, 1, associated(anchor.certificate, 0, 1))
    check(tmp_path, chain, record, result == "")


@pytest.mark.parametrize("usage", [2, 3])
@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_records(tmp_path: Path, usage: int, selector: int, matching: int) -> None:
    meant = ROOT if usage == 2 else LEAF
    record = Tlsa(usage, selector, matching, associated(meant.certificate, selector, matching))
    check(tmp_path, [LEAF, BETWEEN, ROOT], record, True)


def test_the_servers_own_needs_neither_name_nor_date(tmp_path: Path) -> None:
    old = ROOT.issue("elsewhere.example", end=PAST)
    record = Tlsa(3, 1, 1, associated(old.certificate, 1, 1))
    check(tmp_path, [old, ROOT], record, True)
