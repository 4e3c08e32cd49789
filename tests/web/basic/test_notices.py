"""What stands over every page because it is true, whatever the page is about."""

from __future__ import annotations

import pytest

from pillarbox.store.sql import accounts
from pillarbox.web import basic, pages
from support.web_bench import WebBox

FULL = "Your storage is full. New mail is being held back"
NEARLY = "Your storage is nearly full"


async def used_octets(box: WebBox) -> int:
    told = (await box.call("Quota/get", ids=None))["list"]
    return int(next(one["used"] for one in told if one["resourceType"] == "octets"))


@pytest.mark.parametrize(
    ("share", "said"), [(0.5, ""), (0.94, ""), (0.96, NEARLY), (1.0, FULL), (1.2, FULL)]
)
async def test_what_a_full_account_means_is_said(box: WebBox, share: float, said: str) -> None:
    box.serve(pages.routes, basic.routes)
    await box.fill(20)
    await limit(box, 10**9)
    await limit(box, int(await used_octets(box) / share))
    for path in ("/basic/", "/basic/compose"):
        page = (await box.ask(path)).text
        assert [one for one in (FULL, NEARLY) if one in page] == ([said] if said else [])


async def limit(box: WebBox, octets: int) -> None:
    """Of alice."""
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, octets))
