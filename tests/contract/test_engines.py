"""Every registered engine passes the kit."""

from importlib.metadata import entry_points

import pytest

from afield.core.registry import load
from afield.testing.engine_kit import check_engine

NAMES = sorted(point.name for point in entry_points(group="afield.engines"))


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_keeps_its_contract(name: str) -> None:
    check_engine(load("engines", name), seed=1)


def test_the_local_engine_is_registered() -> None:
    assert "local" in NAMES
