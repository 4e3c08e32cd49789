"""The authorities that vouch for other servers are read from a file, or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.errors import ConfigurationError
from pillarbox.net.outgoing.peer_tls import verifying_context


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\0" * 100])
def test_a_file_that_holds_none_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"authorities\.pem cannot be read: "):
        verifying_context(path)


def test_the_systems_own_are_the_default() -> None:
    assert verifying_context().check_hostname
