"""How many of a thing an account may have, and how many new ones there are in a day."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pillarbox.config.browser import BrowserSettings
from pillarbox.config.recovery import RecoverySettings
from pillarbox.config.settings import Settings
from pillarbox.errors import NotFound
from support.browser_client import Browser
from support.recovery_box import FAR, GOOD, RecoveryBox
from support.soft_passkey import SoftPasskey
from support.web_bench import QUICK
from support.web_people import ALICE, PASSWORD, PeopleBox


class FewBox(PeopleBox):
    """With room for three app passwords."""

    web_settings = Settings(
        auth=replace(QUICK, browser=BrowserSettings(app_passwords_per_account=3))
    )


class OpenBox(RecoveryBox):
    """Anybody may make an account; two a day, and a code may be mistyped four times."""

    web_settings = Settings(
        auth=QUICK,
        recovery=RecoverySettings(
            sign_up_domains=("example.org",), sign_ups_per_day=2, code_tries=4
        ),
    )


async def entered(box: PeopleBox) -> Any:
    """Calls of the account's pages by alice's browser: its status and its text."""
    browser = Browser(box)
    answer = await browser.post_json("/sign-in", {"email": ALICE, "password": PASSWORD})
    headers = {"x_csrf_token": json.loads(answer.body)["csrf"], "sec_fetch_site": "same-origin"}

    async def post(path: str, value: Any) -> Any:
        return await browser.post_json(f"/account/{path}", value, "POST", **headers)

    return post


async def test_app_passwords(tmp_path: Path) -> None:
    async with FewBox(tmp_path) as box:
        post = await entered(box)
        given = {"name": "phone", "scopes": ["imap"]}
        statuses = [(await post("app-passwords", given)).status for _ in range(4)]
        assert statuses == [200, 200, 200, 409]
        assert "enough of app passwords" in (await post("app-passwords", given)).text


async def test_passkeys(tmp_path: Path) -> None:
    async with PeopleBox(tmp_path) as box:
        post = await entered(box)
        most = QUICK.browser.passkeys_per_account
        for number in range(most + 1):
            options = json.loads((await post("passkeys/begin", {})).body)
            key = {"credential": SoftPasskey().create(options), "name": "key"}
            made = await post("passkeys/finish", key)
            assert (made.status < 300) == (number < most), made.text
        assert "enough of passkeys" in made.text


async def test_accounts_that_strangers_make(tmp_path: Path) -> None:
    async with OpenBox(tmp_path) as box:
        fields = {"name": "", "password": GOOD, "again": GOOD, "domain": "example.org"}
        made = [
            (await box.post("/sign-up", local=f"new{number}", **fields)).status
            for number in range(3)
        ]
        assert made == [200, 200, 429]
        await box.clock.advance(86_401)
        assert (await box.post("/sign-up", local="later", **fields)).status == 200


async def asked(box: OpenBox) -> str:
    """A new code for a recovery address."""
    code = box.recovering.new_proof()
    await box.store.write(lambda tx: box.recovering.remember_proof(tx, box.alice.id, FAR, code))
    return code


async def test_codes_that_are_mistyped(tmp_path: Path) -> None:
    async with OpenBox(tmp_path) as box:
        code, wrong = await asked(box), "nonsense"
        for _ in range(4):
            with pytest.raises(NotFound):
                await box.recovering.prove(box.alice.id, wrong)
        with pytest.raises(NotFound):  # the right one comes too late
            await box.recovering.prove(box.alice.id, code)
        code = await asked(box)
        with pytest.raises(NotFound):
            await box.recovering.prove(box.alice.id, wrong)
        await box.recovering.prove(box.alice.id, code)
