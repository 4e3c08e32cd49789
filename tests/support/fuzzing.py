"""How much longer `make fuzz` runs the targets that say how many examples they want."""

from __future__ import annotations

import os

LONGER = 100 if os.environ.get("PILLARBOX_FUZZ") == "long" else 1
