"""Codes against the numbers of RFC 6238, their window, and that each is good once."""

from __future__ import annotations

import base64

import pytest

from pillarbox.accounts import totp
from pillarbox.accounts.second_factors import SecondFactors, WrongCode, reseal_totp
from pillarbox.accounts.vault import Vault
from pillarbox.clock import unix_seconds
from pillarbox.config.browser import BrowserSettings
from pillarbox.errors import AlreadyExists, NotAllowed, NotFound, Throttled
from pillarbox.ids import AccountId
from pillarbox.net.secret import Secret
from support.store_box import Box

RFC_SECRET = Secret(b"12345678901234567890")


@pytest.mark.parametrize(  # RFC 6238, Appendix B, the lines of SHA-1
    ("at", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_rfcs_numbers(at: int, code: str) -> None:
    assert totp.code_of(RFC_SECRET, at // 30, 8) == code
    assert totp.code_of(RFC_SECRET, at // 30) == code[2:]


@pytest.mark.parametrize(
    ("late", "good"), [(-60, False), (-30, True), (0, True), (59, True), (90, False)]
)
def test_the_window(late: int, good: bool) -> None:
    at = 1_800_000_000
    code = totp.code_of(RFC_SECRET, at // 30)
    assert (totp.find_step(RFC_SECRET, code, at + late, 0) is not None) == good


def test_what_an_authenticator_program_reads() -> None:
    uri = totp.uri_of(RFC_SECRET, "älice@example.org", "mail.example.org")
    assert uri == (
        "otpauth://totp/mail.example.org:%C3%A4lice@example.org"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=mail.example.org"
    )
    assert base64.b32decode(totp.readable(RFC_SECRET)) == RFC_SECRET.reveal()
    assert len(totp.new_secret().reveal()) == 20
    assert totp.new_secret() != totp.new_secret()


class Rig:
    """Alice with codes that are in use."""

    def __init__(self, box: Box, **settings: int) -> None:
        self.box, self.account = box, box.alice.id
        self.vault = Vault(box.folder / "data")
        self.paper = {"paper-code"}

        async def use(account: AccountId, code: Secret) -> bool:
            text = code.reveal().decode()
            if account != self.account or text not in self.paper:
                return False
            self.paper.discard(text)
            return True

        self.factors = SecondFactors(
            box.store,
            self.vault,
            box.clock,
            BrowserSettings(**settings),
            use,  # type: ignore[arg-type]
        )

    async def turn_on(self) -> None:
        self.secret = await self.factors.begin_totp(self.account)
        await self.factors.finish_totp(self.account, self.code())
        await self.box.clock.advance(60)

    def code(self) -> str:
        return totp.code_of(self.secret, unix_seconds(self.box.clock.now()) // 30)


async def test_it_is_on_when_a_code_was_right_and_not_before(box: Box) -> None:
    rig = Rig(box)
    rig.secret = await rig.factors.begin_totp(rig.account)
    assert not (await rig.factors.of(rig.account)).required
    for wrong in ("", "000000", "abcdef", rig.code() + "1", "١٢٣٤٥٦"):
        if wrong != rig.code():
            with pytest.raises(WrongCode):
                await rig.factors.finish_totp(rig.account, wrong)
    again = await rig.factors.begin_totp(rig.account)
    assert again != rig.secret
    rig.secret = again
    await rig.factors.finish_totp(rig.account, f" {rig.code()[:3]} {rig.code()[3:]} ")
    state = await rig.factors.of(rig.account)
    assert state.required and state.has_totp
    with pytest.raises(AlreadyExists):
        await rig.factors.begin_totp(rig.account)
    with pytest.raises(NotFound):
        await rig.factors.finish_totp(rig.account, rig.code())
    assert rig.secret.reveal() not in (state.sealed or b"")
    await rig.factors.remove_totp(rig.account)
    state = await rig.factors.of(rig.account)
    assert not state.required and state.sealed is None


async def test_each_code_is_good_once_and_no_older_one_after_it(box: Box) -> None:
    rig = Rig(box)
    await rig.turn_on()
    older = rig.code()
    await box.clock.advance(30)
    newer = rig.code()
    assert await rig.factors.check_code(rig.account, newer) == "totp"
    for used in (newer, older):
        with pytest.raises(WrongCode):
            await rig.factors.check_code(rig.account, used)
    await box.clock.advance(30)
    assert await rig.factors.check_code(rig.account, rig.code()) == "totp"


async def test_the_code_that_turned_it_on_is_used_up(box: Box) -> None:
    rig = Rig(box)
    rig.secret = await rig.factors.begin_totp(rig.account)
    await rig.factors.finish_totp(rig.account, rig.code())
    with pytest.raises(WrongCode):
        await rig.factors.check_code(rig.account, rig.code())


async def test_guessing_is_paused_longer_and_longer_whoever_guesses(box: Box) -> None:
    rig = Rig(box)
    await rig.turn_on()
    waits = []
    for _ in range(14):
        try:
            await rig.factors.check_code(rig.account, "000000")
        except Throttled as error:
            waits.append(round(error.seconds))
            with pytest.raises(Throttled):
                await rig.factors.check_code(rig.account, rig.code())
            await box.clock.advance(error.seconds)
        except WrongCode:
            pass
    assert waits == [30, 60, 120, 240, 480]
    await box.clock.advance(3600)
    assert await rig.factors.check_code(rig.account, rig.code()) == "totp"
    with pytest.raises(WrongCode):
        await rig.factors.check_code(rig.account, "000000")  # counted anew


async def test_a_code_from_paper_works_once(box: Box) -> None:
    rig = Rig(box)
    await rig.turn_on()
    assert await rig.factors.check_code(rig.account, " paper-code ") == "recovery"
    with pytest.raises(WrongCode):
        await rig.factors.check_code(rig.account, "paper-code")


async def test_a_second_step_needs_something_to_ask_for(box: Box) -> None:
    rig = Rig(box)
    with pytest.raises(NotAllowed):
        await rig.factors.require(rig.account, True)
    await rig.factors.require(rig.account, False)


async def test_secrets_follow_a_change_of_keys(box: Box) -> None:
    rig = Rig(box)
    await rig.turn_on()
    before = (await rig.factors.of(rig.account)).sealed
    rig.vault.add_key()
    await reseal_totp(box.store, rig.vault)
    rig.vault.drop_old_keys()
    assert (await rig.factors.of(rig.account)).sealed != before
    assert await rig.factors.check_code(rig.account, rig.code()) == "totp"


async def test_a_lost_key_leaves_the_other_ways(box: Box) -> None:
    rig = Rig(box)
    await rig.turn_on()
    (box.folder / "data" / "vault.key").unlink()
    rig.factors._vault = Vault(box.folder / "data")
    with pytest.raises(WrongCode):
        await rig.factors.check_code(rig.account, rig.code())
    assert await rig.factors.check_code(rig.account, "paper-code") == "recovery"
