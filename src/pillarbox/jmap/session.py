"""The session object: what there is, whose, and where (RFC 8620 §2)."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from pillarbox.accounts.identity import Identity
from pillarbox.jmap.context import Services
from pillarbox.jmap.ids import account_id
from pillarbox.jmap.registry import CAPABILITIES

SESSION_PATH = "/jmap/session"
API_PATH = "/jmap/api"
UPLOAD_PATH = "/jmap/upload/{accountId}/"
DOWNLOAD_PATH = "/jmap/download/{accountId}/{blobId}/{name}"
EVENTS_PATH = "/jmap/eventsource"
_EVENTS_QUERY = "?types={types}&closeafter={closeafter}&ping={ping}"
_TYPE_QUERY = "?type={type}"


def session_object(services: Services, identity: Identity, origin: str) -> dict[str, Any]:
    """`origin`: scheme, host and port under which the client came."""
    own = account_id(identity.account)
    of_account = {one.uri: one.account(services) for one in CAPABILITIES if one.account is not None}
    told: dict[str, Any] = {
        "capabilities": {one.uri: one.server(services) for one in CAPABILITIES},
        "accounts": {
            own: {
                "name": identity.login,
                "isPersonal": True,
                "isReadOnly": False,
                "accountCapabilities": of_account,
            }
        },
        "primaryAccounts": dict.fromkeys(of_account, own),
        "username": identity.login,
        "apiUrl": origin + API_PATH,
        "downloadUrl": origin + DOWNLOAD_PATH + _TYPE_QUERY,
        "uploadUrl": origin + UPLOAD_PATH,
        "eventSourceUrl": origin + EVENTS_PATH + _EVENTS_QUERY,
    }
    return {**told, "state": _state_of(told)}


def session_state(services: Services, identity: Identity, origin: str) -> str:
    """Changes whenever the object does; every API response carries it."""
    state: str = session_object(services, identity, origin)["state"]
    return state


def _state_of(told: dict[str, Any]) -> str:
    octets = msgspec.json.encode(told, order="deterministic")
    return hashlib.sha256(octets).hexdigest()[:16]
