"""SPF: may this client send mail for this domain (RFC 7208)?"""

from pillarbox.trust.spf.check import check_helo, check_host
from pillarbox.trust.spf.result import SpfResult

__all__ = ["SpfResult", "check_helo", "check_host"]
