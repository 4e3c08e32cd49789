"""Identity/get, changes and set."""

from __future__ import annotations

from support.jmap_bench import JmapBox


async def _identities(box: JmapBox) -> dict[str, dict]:
    answer = await box.call("Identity/get", ids=None)
    return {one["email"]: one for one in answer["list"]}


async def test_the_account_s_address_and_name_make_the_first(box: JmapBox) -> None:
    async with box:
        answer = await box.call("Identity/get", ids=None)
        assert answer["list"] == [
            {
                "id": answer["list"][0]["id"],
                "name": box.alice.name,
                "email": "alice@example.org",
                "replyTo": None,
                "bcc": None,
                "textSignature": "",
                "htmlSignature": "",
                "mayDelete": False,
            }
        ]
