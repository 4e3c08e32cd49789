"""How long the fuzz targets run: seconds in `make test`, some minutes each in `make fuzz`."""

from __future__ import annotations

from hypothesis import settings

from support.fuzzing import LONGER

settings.register_profile("long", max_examples=20_000, deadline=None)
if LONGER > 1:
    settings.load_profile("long")
