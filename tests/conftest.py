"""Settings for every test: Hypothesis is deterministic and never times anything."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("interlock", deadline=None, derandomize=True, print_blob=False)
settings.load_profile("interlock")
