"""What an export for phones can be told."""

from __future__ import annotations

from dataclasses import dataclass

from afield.platforms.protocol import ExportOptions


@dataclass(frozen=True, kw_only=True)
class PhoneOptions(ExportOptions):
    """Which pieces the bundle gets beside the app in the browser."""
