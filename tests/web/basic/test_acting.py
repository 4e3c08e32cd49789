"""Everything in a list, as it was when the page was made."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from pillarbox.web import basic, pages
from support.browser_client import hidden_fields
from support.store_box import letter
from support.web_bench import WebBox

FORM = "application/x-www-form-urlencoded"


async def act(box: WebBox, fields: dict[str, str]) -> str:
    """Where it leads to, or the page that asks."""
    body = urlencode(fields).encode()
    answer = await box.ask("/basic/act", method="POST", body=body, content_type=FORM)
    assert answer.status in (200, 303), answer.text
    return answer.headers.get("location", "") or answer.text


@pytest.mark.parametrize("action", ["delete", "destroy"])
async def test_what_came_since_stays(box: WebBox, action: str) -> None:
    box.serve(pages.routes, basic.routes)
    await box.fill(3)
    fields = hidden_fields(await box.ask("/basic/"))
    await box.append(letter("Late"))
    given = fields | {"scope": "all", "action": action}
    told = await act(box, given | ({"sure": "yes"} if action == "destroy" else {}))
    operations = await box.call("BulkOperation/get", ids=None)
    assert [one["total"] for one in operations["list"]] == [3]
    assert "n=3" in told


async def test_the_question_keeps_the_moment(box: WebBox) -> None:
    """Who thinks for a minute about destroying does not destroy what comes meanwhile."""
    box.serve(pages.routes, basic.routes)
    await box.fill(2)
    fields = hidden_fields(await box.ask("/basic/"))
    asked = await act(box, fields | {"scope": "all", "action": "destroy"})
    assert f'name="state" value="{fields["state"]}"' in asked
