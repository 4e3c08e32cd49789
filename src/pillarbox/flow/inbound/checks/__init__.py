"""The checks of a message from elsewhere: each gives a fact, none decides."""

from pillarbox.flow.inbound.checks.authors import find_authors
from pillarbox.flow.inbound.checks.checker import Checker

__all__ = ["Checker", "find_authors"]
