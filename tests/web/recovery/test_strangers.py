"""REC-1: what a stranger learns of an account, which is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.accounts.admin import AccountAdmin
from pillarbox.accounts.recovery import Recovering
from pillarbox.config.auth import AuthSettings, ThrottleSettings
from pillarbox.config.recovery import RecoverySettings
from pillarbox.config.settings import Settings
from pillarbox.store.sql import accounts, recovery
from pillarbox.web import pages
from pillarbox.web.recovery import routes
from support.browser_client import Browser
from support.even_time import assert_even
from support.recovery_box import FAR, RecoveryBox, bare
from support.web_bench import QUICK

ALICE = "alice@example.org"
PATIENT = ThrottleSettings(
    free_failures=1000, free_network_failures=100_000, free_account_failures=100_000
)


class PatientBox(RecoveryBox):
    """So many wishes that their time can be measured, and hashes that cost something."""

    web_settings = Settings(
        auth=QUICK,
        recovery=RecoverySettings(
            per_network_and_hour=100_000, per_day=1_000_000, codes_per_account_and_hour=10_000
        ),
    )

    async def open(self) -> None:
        await super().open()
        self.admin.close()
        self.admin = AccountAdmin(self.store, AuthSettings(argon2_passes=1, argon2_memory_kib=4096))
        self.recovering = Recovering(
            self.store, self.admin, self.clock, self.web_settings.recovery, PATIENT
        )
        object.__setattr__(self.services, "admin", self.admin)
        object.__setattr__(self.services, "recovering", self.recovering)
        self.serve(pages.routes, routes)


@pytest.fixture
def box(tmp_path: Path) -> PatientBox:
    return PatientBox(tmp_path)


async def add_people(box: RecoveryBox) -> dict[str, str]:
    """One of each kind."""
    await box.has_address()
    await box.store.write(lambda tx: accounts.create(tx, "plain@example.org", ""))
    off = await box.store.write(lambda tx: accounts.create(tx, "off@example.org", ""))
    await box.store.write(
        lambda tx: recovery.put(tx, off.id, recovery.Recovery(address="off@example.net"))
    )
    await box.store.write(lambda tx: accounts.set_enabled(tx, off.id, False))
    return {
        "known": ALICE,
        "unknown": "nobody@example.org",
        "elsewhere": "nobody@example.com",
        "disabled": "off@example.org",
        "without": "plain@example.org",
    }


@pytest.mark.parametrize("path", ["/forgot", "/addresses", "/admin-help"])
@pytest.mark.timed
async def test_rec_1_the_same_answer_in_the_same_time(box: RecoveryBox, path: str) -> None:
    """Status, headers and body but the nonce; and the medians of many tries, in any order."""
    kinds = await add_people(box)
    if path == "/addresses":
        kinds |= {"known": FAR, "disabled": "off@example.net"}
    answers = {kind: bare(await box.post(path, email=email)) for kind, email in kinds.items()}
    assert len({repr(answer) for answer in answers.values()}) == 1, answers
    assert answers["known"][0] == 200
    browser = Browser(box)
    hidden = await browser.hidden(path)

    async def wish(kind: str) -> None:
        answer = await browser.post(path, {**hidden, "email": kinds[kind]})
        assert answer.status == 200

    await assert_even(list(kinds), wish)


@pytest.mark.timed
async def test_rec_1_a_wrong_code_takes_as_long_for_everybody(box: PatientBox) -> None:
    """Who has codes, who has none, a number that was used, and who is not there."""
    kinds = await add_people(box)
    used = (await box.recovering.new_codes(box.alice.id))[0]
    assert await box.recovering.use_code(box.alice.id, used)
    tries = {kind: (name, "2-aaaa-bbbb-cccc") for kind, name in kinds.items()}
    tries |= {"used": (ALICE, used.reveal().decode()), "no code": (ALICE, "nonsense")}
    browser = Browser(box)
    hidden = await browser.hidden("/forgot/code")
    told = set()

    async def guess(kind: str) -> None:
        name, code = tries[kind]
        answer = await browser.post("/forgot/code", {**hidden, "email": name, "code": code})
        told.add(repr(bare(answer)))
        assert answer.status == 401

    medians = await assert_even(list(tries), guess)
    assert len(told) == 1
    assert min(medians.values()) > 0.001  # a hash was really made
