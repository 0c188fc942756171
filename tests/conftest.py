"""Settings that every test shares."""

from __future__ import annotations

from hypothesis import settings

# a machine that is busy with something else makes no test fail
settings.register_profile("chainops", deadline=None)
settings.load_profile("chainops")
