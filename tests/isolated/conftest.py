"""The suite of isolated environments runs when it is asked for by its marker, for it makes gigabytes."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "isolated" not in str(config.option.markexpr):
        left_out = [item for item in items if item.get_closest_marker("isolated")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
