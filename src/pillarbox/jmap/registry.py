"""All capabilities; a new one is a module under `methods/` and a line here."""

from __future__ import annotations

from pillarbox.jmap.method import Capability, Method
from pillarbox.jmap.methods import core

CAPABILITIES: tuple[Capability, ...] = (core.CAPABILITY,)
BY_URI: dict[str, Capability] = {capability.uri: capability for capability in CAPABILITIES}
METHODS: dict[str, Method] = {
    method.name: method for capability in CAPABILITIES for method in capability.methods
}
KNOWN = frozenset(BY_URI)
