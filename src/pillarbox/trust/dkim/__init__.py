"""DKIM (RFC 6376): signatures of domains over messages, verified and made."""

from pillarbox.trust.dkim.keys import BadSigningKey, SigningKey, dns_record, generate_key
from pillarbox.trust.dkim.result import DkimResult
from pillarbox.trust.dkim.sign import sign
from pillarbox.trust.dkim.verify import verify

__all__ = [
    "BadSigningKey",
    "DkimResult",
    "SigningKey",
    "dns_record",
    "generate_key",
    "sign",
    "verify",
]
