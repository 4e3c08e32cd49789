"""[jmap]: what a JMAP client may ask at once (RFC 8620 §2)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class JmapSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Announced in the session object; clients keep to them."""

    max_upload_octets: Annotated[
        int,
        Meta(
            ge=65_536,
            le=1 << 40,
            description="Largest file that may be uploaded. As large as a message may be by "
            "default, less what base64 adds.",
        ),
    ] = 50 << 20
    max_concurrent_uploads: Annotated[
        int,
        Meta(ge=1, le=100, description="Uploads of one person at the same moment."),
    ] = 4
    max_request_octets: Annotated[
        int,
        Meta(
            ge=65_536,
            le=1 << 30,
            description="Largest request; it is in memory whole. Ten megabytes hold some hundred "
            "thousand ids.",
        ),
    ] = 10_000_000
    max_concurrent_requests: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="Requests of one person that are answered at the same moment. Browsers "
            "open six connections.",
        ),
    ] = 8
    max_waiting_requests: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="Requests of one person that wait for their turn beside those; further "
            "ones are refused. All windows and programs of a person ask at the same moment when "
            "something has changed.",
        ),
    ] = 64
    max_calls: Annotated[
        int,
        Meta(ge=16, le=1024, description="Method calls in one request; 16 is the least allowed."),
    ] = 64
    max_objects_in_get: Annotated[
        int,
        Meta(
            ge=500,
            le=100_000,
            description="Records in one answer of a /get. RFC 8620 suggests 500 as the least.",
        ),
    ] = 1000
    max_text_octets: Annotated[
        int,
        Meta(
            ge=1 << 20,
            le=1 << 30,
            description="Text of messages that one answer holds, in octets; it is in memory whole. "
            "64 MiB: the longest message by default, or a page of long ones.",
        ),
    ] = 64 << 20
    max_objects_in_set: Annotated[
        int,
        Meta(
            ge=500,
            le=100_000,
            description="Records that one /set creates, changes and destroys. They share one "
            "transaction, for which others wait; mass changes have operations of their own.",
        ),
    ] = 500
    answer_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=600,
            description="Seconds that the method calls of one request may take together before it "
            "is given up. Below the minute after which many proxies give up by themselves.",
        ),
    ] = 50
    uploaded_octets: Annotated[
        int,
        Meta(
            ge=65_536,
            le=1 << 50,
            description="Octets that one account may have uploaded and not yet forgotten (see "
            "`upload_hours`). Some large messages' attachments, so that uploading is no storage.",
        ),
    ] = 500 << 20
    uploaded_files: Annotated[
        int,
        Meta(ge=10, le=1_000_000, description="The same as a number of files."),
    ] = 2000
    upload_hours: Annotated[
        int,
        Meta(
            ge=1,
            le=8760,
            description="Hours after which an uploaded file is forgotten. What became part of a "
            "message stays in it. RFC 8620 asks for an hour at least; a day lets a draft wait.",
        ),
    ] = 24
    max_event_streams: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Connections of one person that wait for changes, in each worker. A "
            "browser or mail program needs one.",
        ),
    ] = 20
    event_stream_seconds: Annotated[
        int,
        Meta(
            ge=10,
            le=86_400,
            description="Seconds after which such a connection is ended. Clients connect again at "
            "once and have to sign in then, so a password that was taken back ends them.",
        ),
    ] = 3600
