"""What all hostile tests measure against."""

from __future__ import annotations

import os

PASSWORD = "correct-horse-9"
BYSTANDER = "bystander@example.org"
READY = 450  # accounts made in one go: each has a test to itself

# Seconds: nobody waits longer for an ordinary round while somebody misbehaves. Where other programs
# share the computer's cores, all of us wait for those too.
PROMPT = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))

# The numbers of the long run: PILLARBOX_LONG=1.
LONG = os.environ.get("PILLARBOX_LONG") == "1"
