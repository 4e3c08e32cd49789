"""SIGN-2: an unknown name takes as long as a wrong password."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from pillarbox.accounts.admin import AccountAdmin
from pillarbox.accounts.authenticator import Authenticator
from pillarbox.config.auth import AuthSettings, ThrottleSettings
from pillarbox.net.secret import Secret
from pillarbox.store.sql import accounts
from support.browser_client import Browser
from support.even_time import assert_even
from support.web_bench import KEY
from support.web_people import ALICE, PASSWORD, PeopleBox

_FRESH = re.compile(rb'(value|nonce)="[^"]*"')  # new in each page, or what was typed
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


@pytest.mark.timed
async def test_sign_2_unknown_and_wrong_take_the_same_time(box: SlowBox) -> None:
    """And look the same: status, headers and body."""
    disabled = await box.admin.create_account("off@example.org", Secret(PASSWORD))
    await box.store.write(lambda tx: accounts.set_enabled(tx, disabled.id, False))
    kinds = {
        "wrong": ALICE,
        "unknown": "ghost@example.org",
        "elsewhere": "ghost@example.com",
        "disabled": "off@example.org",
    }
    browser = Browser(box)
    hidden = await browser.hidden("/sign-in")
    numbers = itertools.count()
    seen = set()

    async def sign_in(kind: str) -> None:
        fields = {**hidden, "email": kinds[kind], "password": f"wrong {next(numbers)}"}
        answer = await browser.post("/sign-in", fields)
        headers = {k: v for k, v in answer.headers.items() if k not in ("date", "content-length")}
        seen.add((answer.status, repr(headers), _FRESH.sub(b"", answer.body)))

    medians = await assert_even(list(kinds), sign_in)
    assert min(medians.values()) > 0.001  # the hash was really made
    [(status, _, _)] = seen
    assert status == 422
