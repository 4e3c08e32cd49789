"""Core/echo and the limits of all requests (RFC 8620 §2, §4)."""

from __future__ import annotations

from typing import Any

from pillarbox.jmap.context import Context, Services
from pillarbox.jmap.method import Answer, Capability, Method
from pillarbox.jmap.methods import blob_copy

CORE = "urn:ietf:params:jmap:core"
COLLATIONS = ("i;ascii-casemap", "i;unicode-casemap")


async def run_echo(_ctx: Context, arguments: dict[str, Any]) -> Answer:
    """The same back (RFC 8620 §4)."""
    return arguments


def limits(services: Services) -> Answer:
    """What a client may ask at once (RFC 8620 §2)."""
    settings = services.settings
    return {
        "maxSizeUpload": settings.max_upload_octets,
        "maxConcurrentUpload": settings.max_concurrent_uploads,
        "maxSizeRequest": settings.max_request_octets,
        "maxConcurrentRequests": settings.max_concurrent_requests,
        "maxCallsInRequest": settings.max_calls,
        "maxObjectsInGet": settings.max_objects_in_get,
        "maxObjectsInSet": settings.max_objects_in_set,
        "collationAlgorithms": list(COLLATIONS),
    }


CAPABILITY = Capability(
    CORE,
    limits,
    None,
    (
        Method("Core/echo", CORE, None, run_echo),
        Method("Blob/copy", CORE, blob_copy.BlobCopy, blob_copy.run),
    ),
)
