"""What sending needs: the same way into mailboxes and the queue that SMTP submission takes."""

from __future__ import annotations

from dataclasses import dataclass

from pillarbox.accounts.directory import Directory
from pillarbox.flow.submission.reception import Rules, Submission


@dataclass(frozen=True, slots=True)
class Sending:
    """Of the whole worker."""

    way: Submission
    directory: Directory
    rules: Rules
