"""Which parts a worker is made of: the one place that chooses and joins them."""

from __future__ import annotations
