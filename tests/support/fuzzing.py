"""How much more a round of `make fuzz` has for targets that say how many examples they want."""

from __future__ import annotations

import os

LONGER = 2 if os.environ.get("PILLARBOX_FUZZ") == "long" else 1
