"""The chain that DANE looks at is the one that the server sent, issuers included."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pillarbox.clock import SystemClock
from pillarbox.net.outgoing.peer_tls import (
    PeerVerifier,
    opportunistic_context,
    verified,
    verifying_context,
)
from pillarbox.smtp.client.connection import Caller, SmtpConnection
from support.scripted_smtp import Script, ScriptedSmtp


def write_chain(folder: Path) -> tuple[list[bytes], Path]:
    """A certificate for mx.example.net and its issuer, with the key in one file; both in DER."""
    now = datetime.now(UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        for name in ("Test issuer", "mx.example.net")
    ]
    made = []
    for number in range(2):
        builder = (
            x509.CertificateBuilder()
            .subject_name(names[number])
            .issuer_name(names[0])
            .public_key(keys[number].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=number == 0, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName("mx.example.net")]), critical=False
            )
        )
        made.append(builder.sign(keys[0], hashes.SHA256()))
    pem = serialization.Encoding.PEM
    key = keys[1].private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "chain.pem"
    path.write_bytes(key + made[1].public_bytes(pem) + made[0].public_bytes(pem))
    (folder / "issuer.pem").write_bytes(made[0].public_bytes(pem))
    return [one.public_bytes(serialization.Encoding.DER) for one in reversed(made)], path


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_whole_chain_is_seen(tmp_path: Path, loop: object, version: ssl.TLSVersion) -> None:
    chain, path = write_chain(tmp_path)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(path)
    server_side.maximum_version = version
    seen: list[tuple[bytes, ...]] = []

    def check(found: tuple[bytes, ...]) -> str:
        seen.append(found)
        return "mx.example.net"

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(
            lambda: ScriptedSmtp(Script()), "127.0.0.1", 0, ssl=server_side
        )
        caller = Caller(ehlo_name="mx.example.org", clock=SystemClock())
        async with server:
            port = server.sockets[0].getsockname()[1]
            for verifier in (
                PeerVerifier(opportunistic_context(), "mx.example.net", check),
                verified(verifying_context(tmp_path / "issuer.pem"), "mx.example.net"),
            ):
                connection = await SmtpConnection.open(
                    caller, "127.0.0.1", port, implicit_tls=verifier
                )
                assert connection.tls is not None
                assert list(connection.tls.chain) == chain
                assert connection.tls.verified_name == "mx.example.net"
                await connection.quit()

    with asyncio.Runner(loop_factory=loop) as runner:  # type: ignore[arg-type]
        runner.run(asyncio.wait_for(run(), 60))
    assert seen == [tuple(chain)]
