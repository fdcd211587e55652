"""All that a part's own tests must do: run the kit."""

from __future__ import annotations

from afield.core.registry import load
from afield.testing.encoder_kit import check_encoder


def test_binned_keeps_the_contract() -> None:
    """The kit raises AssertionError and says what was expected."""
    check_encoder(load("parts", "binned"))
