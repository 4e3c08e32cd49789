"""Sealed secrets: bound to their owner, under keys that change, and what a lost key costs."""

from __future__ import annotations

import base64
import multiprocessing
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pillarbox.accounts.vault import Sealed, Vault, VaultClosed
from pillarbox.ids import AccountId, RemoteId
from pillarbox.net.secret import Secret

ALICE, BOB = AccountId(1), AccountId(2)
ONE, TWO = RemoteId(1), RemoteId(2)
PASSWORD = Secret("correct horse battery staple")


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


def test_what_was_sealed_is_opened_and_shows_nothing(vault: Vault) -> None:
    sealed = vault.seal(ALICE, ONE, PASSWORD)
    assert vault.open(ALICE, ONE, sealed) == PASSWORD
    assert b"horse" not in bytes(sealed)
    assert sealed != vault.seal(ALICE, ONE, PASSWORD), "a nonce was used twice"


def test_another_implementation_of_the_form_opens_it(vault: Vault, tmp_path: Path) -> None:
    """The stored form, taken apart by its description."""
    sealed = vault.seal(ALICE, TWO, PASSWORD)
    key = base64.b64decode((tmp_path / "vault.key").read_bytes())
    owner = sealed[:5] + (1).to_bytes(8, "big") + (2).to_bytes(8, "big")
    plain = AESGCM(key).decrypt(sealed[5:17], sealed[17:], owner)
    assert plain == PASSWORD.reveal()


@pytest.mark.parametrize(("account", "remote"), [(BOB, ONE), (ALICE, TWO), (ONE, ALICE + 1)])
def test_it_is_bound_to_its_owner(vault: Vault, account: int, remote: int) -> None:
    sealed = vault.seal(ALICE, ONE, PASSWORD)
    with pytest.raises(VaultClosed):
        vault.open(AccountId(account), RemoteId(remote), sealed)


def test_every_octet_counts(vault: Vault) -> None:
    sealed = vault.seal(ALICE, ONE, PASSWORD)
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(VaultClosed):
            vault.open(ALICE, ONE, changed)
    for end in range(len(sealed)):
        with pytest.raises(VaultClosed):
            vault.open(ALICE, ONE, sealed[:end])


def test_the_file_is_private_and_made_once(vault: Vault, tmp_path: Path) -> None:
    sealed = vault.seal(ALICE, ONE, PASSWORD)
    path = tmp_path / "vault.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Vault(tmp_path).open(ALICE, ONE, sealed) == PASSWORD
    assert [file.name for file in tmp_path.iterdir()] == ["vault.key"]


def test_a_lost_key_says_what_to_do_and_new_passwords_work(vault: Vault, tmp_path: Path) -> None:
    sealed = vault.seal(ALICE, ONE, PASSWORD)
    (tmp_path / "vault.key").unlink()
    with pytest.raises(VaultClosed, match="Enter the password again"):
        vault.open(ALICE, ONE, sealed)
    again = vault.seal(ALICE, ONE, PASSWORD)
    assert vault.open(ALICE, ONE, again) == PASSWORD


@pytest.mark.parametrize("content", [b"", b"\n\n", b"short\n", b"!" * 44, b"A" * 44 + b"\n?"])
def test_a_damaged_file_is_told(vault: Vault, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "vault.key").write_bytes(content)
    with pytest.raises(VaultClosed, match="damaged"):
        vault.seal(ALICE, ONE, PASSWORD)
    assert (tmp_path / "vault.key").read_bytes() == content, "it may be mended by a person"


def test_keys_change_while_others_use_them(vault: Vault, tmp_path: Path) -> None:
    other = Vault(tmp_path)  # of another process
    old = other.seal(ALICE, ONE, PASSWORD)
    vault.add_key()
    new = vault.reseal(ALICE, ONE, old)
    assert new is not None
    assert new[:5] != old[:5]
    assert other.seal(ALICE, TWO, PASSWORD)[:5] == new[:5], "it still seals with the old key"
    assert vault.reseal(ALICE, ONE, new) is None
    assert other.open(ALICE, ONE, old) == other.open(ALICE, ONE, new) == PASSWORD
    vault.drop_old_keys()
    assert other.open(ALICE, ONE, new) == PASSWORD
    with pytest.raises(VaultClosed):
        other.open(ALICE, ONE, old)


def test_nothing_shows_a_key(vault: Vault, tmp_path: Path) -> None:
    vault.seal(ALICE, ONE, PASSWORD)
    key = (tmp_path / "vault.key").read_text().strip()
    assert key not in repr(vault)


def _seal(folder: Path) -> Sealed:
    return Vault(folder).seal(ALICE, ONE, PASSWORD)


def test_processes_that_race_use_one_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        sealed = pool.map(_seal, [tmp_path] * 12, chunksize=1)
    assert len({one[:5] for one in sealed}) == 1
    assert all(Vault(tmp_path).open(ALICE, ONE, one) == PASSWORD for one in sealed)
