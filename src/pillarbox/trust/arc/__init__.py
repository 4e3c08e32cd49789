"""ARC (RFC 8617): what servers on a message's way saw, each sealing what came before."""

from pillarbox.trust.arc.chain import ArcResult, verify_chain
from pillarbox.trust.arc.seal import seal

__all__ = ["ArcResult", "seal", "verify_chain"]
