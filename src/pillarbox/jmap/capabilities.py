"""Names of the specifications that a request may use."""

from __future__ import annotations

MAIL = "urn:ietf:params:jmap:mail"
SUBMISSION = "urn:ietf:params:jmap:submission"
VACATION_RESPONSE = "urn:ietf:params:jmap:vacationresponse"
RULES = "urn:pillarbox:jmap:rules"  # ours
QUOTA = "urn:ietf:params:jmap:quota"
BULK = "urn:pillarbox:jmap:bulk"  # ours
RECOVERY = "urn:pillarbox:jmap:recovery"  # ours
CLEANUP = "urn:pillarbox:jmap:cleanup"  # ours
