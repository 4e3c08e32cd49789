"""SIGN-2: an unknown name takes as long as a wrong password."""

from __future__ import annotations

import itertools
import statistics
import time
from pathlib import Path

import pytest

from pillarbox.accounts.admin import AccountAdmin
from pillarbox.accounts.authenticator import Authenticator
from pillarbox.config.auth import AuthSettings, ThrottleSettings
from pillarbox.net.secret import Secret
from pillarbox.store.sql import accounts
from support.browser_client import Browser
from support.web_bench import KEY
from support.web_people import ALICE, PASSWORD, PeopleBox

TRIES = 200
MOST_SECONDS = 0.010
PATIENT = ThrottleSettings(
    free_failures=1000, free_network_failures=100_000, free_account_failures=100_000
)


class SlowBox(PeopleBox):
    """With hashes that cost something, and no pauses."""

    async def open(self) -> None:
        await super().open()
        settings = AuthSettings(argon2_passes=1, argon2_memory_kib=4096, throttle=PATIENT)
        admin = AccountAdmin(self.store, settings)
        await admin.set_password(ALICE, Secret(PASSWORD))  # at today's costs
        admin.close()
        self.authenticator.close()
        self.authenticator = Authenticator(self.store, settings, self.clock, KEY)
        object.__setattr__(self.services, "authenticator", self.authenticator)


@pytest.fixture
def box(tmp_path: Path) -> SlowBox:
    return SlowBox(tmp_path)


async def test_sign_2_unknown_and_wrong_take_the_same_time(box: SlowBox) -> None:
    """Turn by turn, so that whatever else the machine does befalls all kinds alike."""
    disabled = await box.admin.create_account("off@example.org", Secret(PASSWORD))
    await box.store.write(lambda tx: accounts.set_enabled(tx, disabled.id, False))
    kinds = {
        "wrong": ALICE,
        "unknown": "ghost@example.org",
        "elsewhere": "ghost@example.com",
        "disabled": "off@example.org",
    }
    took: dict[str, list[float]] = {kind: [] for kind in kinds}
    browser = Browser(box)
    hidden = await browser.hidden("/sign-in")
    numbers = itertools.count()
    for _ in range(TRIES):
        for kind, name in kinds.items():
            fields = {**hidden, "email": name, "password": f"wrong {next(numbers)}"}
            began = time.perf_counter()
            answer = await browser.post("/sign-in", fields)
            took[kind].append(time.perf_counter() - began)
            assert answer.status == 422
    medians = {kind: statistics.median(of) for kind, of in took.items()}
    assert max(medians.values()) - min(medians.values()) < MOST_SECONDS, medians
    assert min(medians.values()) > 0.001  # the hash was really made
