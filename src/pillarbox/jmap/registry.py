"""All capabilities; a new one is a module under `methods/` and a line here."""

from __future__ import annotations

from pillarbox.jmap.capabilities import MAIL, SUBMISSION
from pillarbox.jmap.method import Capability, Method
from pillarbox.jmap.methods import (
    bulk_operation,
    clean_up,
    core,
    deleted_email,
    email_changes,
    email_copy,
    email_get,
    email_import,
    email_parse,
    email_query,
    email_query_changes,
    email_set,
    email_submission_get,
    email_submission_query,
    email_submission_set,
    identity,
    mail,
    mail_rules,
    mailbox_get,
    mailbox_query,
    mailbox_set,
    quota,
    search_snippet,
    submission,
    thread,
    vacation_response,
)

_MAIL_METHODS = (
    *mailbox_get.METHODS,
    *mailbox_query.METHODS,
    *mailbox_set.METHODS,
    *thread.METHODS,
    *email_get.METHODS,
    *email_changes.METHODS,
    *email_parse.METHODS,
    *email_set.METHODS,
    *email_copy.METHODS,
    *email_import.METHODS,
    *email_query.METHODS,
    *email_query_changes.METHODS,
    *search_snippet.METHODS,
)
_SUBMISSION_METHODS = (
    *identity.METHODS,
    *email_submission_get.METHODS,
    *email_submission_set.METHODS,
    *email_submission_query.METHODS,
)
CAPABILITIES: tuple[Capability, ...] = (
    core.CAPABILITY,
    Capability(MAIL, mail.server_part, mail.account_part, _MAIL_METHODS),
    Capability(SUBMISSION, submission.server_part, submission.account_part, _SUBMISSION_METHODS),
    quota.CAPABILITY,
    vacation_response.CAPABILITY,
    mail_rules.CAPABILITY,
    bulk_operation.CAPABILITY,
    deleted_email.CAPABILITY,
    clean_up.CAPABILITY,
)
BY_URI: dict[str, Capability] = {capability.uri: capability for capability in CAPABILITIES}
METHODS: dict[str, Method] = {
    method.name: method for capability in CAPABILITIES for method in capability.methods
}
KNOWN = frozenset(BY_URI)
