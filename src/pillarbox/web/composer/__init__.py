"""The empty document in which the webmail's editor works."""

from __future__ import annotations

from pillarbox.web.composer.page import routes

__all__ = ["routes"]
