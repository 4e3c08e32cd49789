"""Pillarbox beside Postfix and Dovecot from Debian: `python -m benchmarks`, or `make bench`."""

from __future__ import annotations

import sys
from pathlib import Path

# The reference servers are the ones that the interop tests use.
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
