"""TLS contexts: versions, SNI, reload, channel bindings at both ends."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from pillarbox.config.tls import CertificateFiles, TlsSettings
from pillarbox.errors import ConfigurationError
from pillarbox.net.exporter import export_channel_binding
from pillarbox.net.self_signed import create_self_signed
from pillarbox.net.tls import TlsContexts

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LOOPS = ["asyncio", "uvloop"]


def certificate(folder: Path, label: str, *names: str) -> CertificateFiles:
    """A fresh certificate for `names` in files called `label`."""
    files = CertificateFiles(
        certificate=str(folder / f"{label}.pem"), key=str(folder / f"{label}.key")
    )
    create_self_signed(names, Path(files.certificate), Path(files.key), now=datetime.now(UTC))
    return files


class Echo(asyncio.Protocol):
    """Keeps the server's TLS object and answers one octet."""

    seen: list[ssl.SSLObject]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.seen.append(transport.get_extra_info("ssl_object"))
        transport.write(b"x")  # type: ignore[attr-defined]


async def visit(
    contexts: TlsContexts, name: str | None, **limits: ssl.TLSVersion
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """One handshake: the client's and the server's TLS objects."""
    echo = type("E", (Echo,), {"seen": []})
    loop = asyncio.get_running_loop()
    server = await loop.create_server(echo, "127.0.0.1", 0, ssl=contexts.server_context())
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for limit, version in limits.items():
        setattr(context, limit, version)
    port = server.sockets[0].getsockname()[1]
    try:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=context, server_hostname=name or ""
        )
        await reader.read(1)
        client = writer.get_extra_info("ssl_object")
        writer.close()
        return client, echo.seen[0]
    finally:
        server.close()


def shown(tls: ssl.SSLObject) -> x509.Certificate:
    octets = tls.getpeercert(True)
    assert octets is not None
    return x509.load_der_x509_certificate(octets)


def common_name(tls: ssl.SSLObject) -> str:
    return shown(tls).subject.rfc4514_string().removeprefix("CN=")


def run(loop: str, test: Callable[[], Awaitable[None]]) -> None:
    factory = None
    if loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:

        async def whole() -> None:
            await test()

        runner.run(whole())


@pytest.mark.parametrize("loop", LOOPS)
def test_the_wished_name_chooses_the_certificate(tmp_path: Path, loop: str) -> None:
    contexts = TlsContexts(
        TlsSettings(
            certificates=(
                certificate(tmp_path, "a", "a.example.org", "127.0.0.1"),
                certificate(tmp_path, "b", "b.example.org", "*.b.example.org"),
            )
        )
    )

    async def test() -> None:
        for name, expected in (
            ("a.example.org", "a.example.org"),
            ("b.example.org", "b.example.org"),
            ("B.EXAMPLE.ORG", "b.example.org"),
            ("mail.b.example.org", "b.example.org"),
            ("x.mail.b.example.org", "a.example.org"),
            ("unknown.example", "a.example.org"),
            (None, "a.example.org"),
        ):
            client, _ = await visit(contexts, name)
            assert common_name(client) == expected

    run(loop, test)


@pytest.mark.parametrize("loop", LOOPS)
def test_reload_changes_new_handshakes(tmp_path: Path, loop: str) -> None:
    files = certificate(tmp_path, "a", "old.example.org")
    contexts = TlsContexts(TlsSettings(certificates=(files,)))
    outer = contexts.server_context()

    async def test() -> None:
        first, server_first = await visit(contexts, None)
        certificate(tmp_path, "a", "new.example.org")
        contexts.reload()
        assert contexts.server_context() is outer
        second, server_second = await visit(contexts, None)
        assert common_name(first) == "old.example.org"
        assert common_name(second) == "new.example.org"
        for client, server in ((first, server_first), (second, server_second)):
            fingerprint = shown(client).fingerprint(hashes.SHA256())
            assert contexts.bindings(server)["tls-server-end-point"] == fingerprint

    run(loop, test)


def test_a_broken_file_changes_nothing(tmp_path: Path) -> None:
    files = certificate(tmp_path, "a", "a.example.org")
    contexts = TlsContexts(TlsSettings(certificates=(files,)))
    Path(files.certificate).write_text("no certificate")
    with pytest.raises(ConfigurationError) as caught:
        contexts.reload()
    assert files.certificate in str(caught.value)

    async def test() -> None:
        client, _ = await visit(contexts, None)
        assert common_name(client) == "a.example.org"

    run("asyncio", test)


@pytest.mark.parametrize("missing", ["certificate", "key"])
def test_missing_files_are_named(tmp_path: Path, missing: str) -> None:
    files = certificate(tmp_path, "a", "a.example.org")
    Path(getattr(files, missing)).unlink()
    with pytest.raises(ConfigurationError):
        TlsContexts(TlsSettings(certificates=(files,)))
    with pytest.raises(ConfigurationError):
        TlsContexts(TlsSettings())


@pytest.mark.parametrize("loop", LOOPS)
def test_both_ends_have_the_same_bindings(tmp_path: Path, loop: str) -> None:
    contexts = TlsContexts(TlsSettings(certificates=(certificate(tmp_path, "a", "a.example.org"),)))

    async def test() -> None:
        client, server = await visit(contexts, "a.example.org")
        found = contexts.bindings(server)
        assert set(found) == {"tls-exporter", "tls-server-end-point"}
        assert len(found["tls-exporter"]) == 32
        assert found["tls-exporter"] == export_channel_binding(client)
        other, _ = await visit(contexts, "a.example.org")
        assert found["tls-exporter"] != export_channel_binding(other)
        old, server = await visit(contexts, "a.example.org", maximum_version=ssl.TLSVersion.TLSv1_2)
        found = contexts.bindings(server)
        assert set(found) == {"tls-unique", "tls-server-end-point"}
        assert found["tls-unique"] == old.get_channel_binding("tls-unique")
        assert contexts.bindings(None) == {}

    run(loop, test)


def test_versions(tmp_path: Path) -> None:
    files = certificate(tmp_path, "a", "a.example.org")
    modern = TlsContexts(TlsSettings(certificates=(files,), minimum_version="1.3"))
    usual = TlsContexts(TlsSettings(certificates=(files,)))

    async def test() -> None:
        client, _ = await visit(usual, None)
        assert client.version() == "TLSv1.3"
        client, _ = await visit(usual, None, maximum_version=ssl.TLSVersion.TLSv1_2)
        assert client.version() == "TLSv1.2"
        with pytest.raises(OSError):
            await visit(modern, None, maximum_version=ssl.TLSVersion.TLSv1_2)

    run("asyncio", test)


def test_self_signed_files(tmp_path: Path) -> None:
    files = certificate(tmp_path, "a", "mail.example.org", "127.0.0.1", "::1")
    assert Path(files.key).stat().st_mode & 0o777 == 0o600
    loaded = x509.load_pem_x509_certificate(Path(files.certificate).read_bytes())
    names = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mail.example.org"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.key", "a.pem"]

    context = ssl.create_default_context(cafile=files.certificate)  # trusted, its name checked
    contexts = TlsContexts(TlsSettings(certificates=(files,)))

    async def test() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            asyncio.Protocol, "127.0.0.1", 0, ssl=contexts.server_context()
        )
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.close()
        server.close()

    run("asyncio", test)
