"""DMARC: may the domain in From be believed, and what does its owner ask for when not?"""

from pillarbox.trust.dmarc.evaluation import evaluate
from pillarbox.trust.dmarc.record import DmarcRecord, ReportAddress, parse_record
from pillarbox.trust.dmarc.result import DmarcResult
from pillarbox.trust.dmarc.tree import find_organizational_domain

__all__ = [
    "DmarcRecord",
    "DmarcResult",
    "ReportAddress",
    "evaluate",
    "find_organizational_domain",
    "parse_record",
]
