"""What the session object says of mail and quotas (RFC 8621 §1.3.1, RFC 9425)."""

from __future__ import annotations

import pytest

from pillarbox.jmap.methods import quota
from pillarbox.jmap.registry import BY_URI, METHODS
from pillarbox.jmap.session import session_object
from pillarbox.jmap.standard import Get
from pillarbox.store.sql import accounts
from support.jmap_bench import JmapBox

MAIL, QUOTA = "urn:ietf:params:jmap:mail", "urn:ietf:params:jmap:quota"


async def test_limits_that_hold(box: JmapBox) -> None:
    ctx = box.context()
    session = session_object(ctx.services, ctx.identity, "https://mail.example.org")
    assert session["capabilities"][MAIL] == session["capabilities"][QUOTA] == {}
    (account,) = session["accounts"].values()
    told = account["accountCapabilities"][MAIL]
    assert session["primaryAccounts"][MAIL] == session["primaryAccounts"][QUOTA]
    assert told["mayCreateTopLevelMailbox"] is True
    assert told["maxSizeMailboxName"] >= 100
    assert "receivedAt" in told["emailQuerySortOptions"]
    deepest, longest = told["maxMailboxDepth"], told["maxSizeMailboxName"]
    create = {"0": {"name": "a" * longest}}
    for level in range(1, deepest + 1):
        create[str(level)] = {"name": "x", "parentId": f"#{level - 1}"}
    answer = await box.call("Mailbox/set", create=create)
    assert len(answer["created"]) == deepest
    assert answer["notCreated"][str(deepest)]["properties"] == ["name"]


@pytest.mark.parametrize("kind", ["Mailbox", "Thread", "Email", "Quota"])
def test_methods_are_under_their_capability(kind: str) -> None:
    found = {name: method for name, method in METHODS.items() if name.startswith(f"{kind}/")}
    assert {f"{kind}/get", f"{kind}/changes"} <= found.keys()
    uri = QUOTA if kind == "Quota" else MAIL
    assert all(method in BY_URI[uri].methods for method in found.values())


async def test_a_quota_of_mail_needs_mail(box: JmapBox) -> None:
    """Who does not know the type is not told of its quota."""
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, 5000))
    ctx = box.context()
    asked = Get(account_id="A1", ids=None)
    assert len((await quota.run_get(ctx, asked))["list"]) == 1
    ctx.using = frozenset({QUOTA})
    assert (await quota.run_get(ctx, asked))["list"] == []
