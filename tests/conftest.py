"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# One run finds what another does, and a busy machine fails nobody.
settings.register_profile("afield", deadline=None, derandomize=True, database=None)
settings.load_profile("afield")
