"""LIMITS: how many recipients and messages are taken at a time (RFC 9422)."""

from __future__ import annotations

from pillarbox.smtp.server.context import Context
from pillarbox.smtp.server.verb import Extension


def offer(context: Context) -> str:
    """With the settings that hold."""
    settings = context.settings
    return f"LIMITS RCPTMAX={settings.max_recipients} MAILMAX={settings.max_transactions}"


EXTENSION = Extension(9422, "LIMITS", offer)
