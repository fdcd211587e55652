import pytest

from afield.core.registry import list_parts, load
from afield.testing.encoder_kit import check_encoder


@pytest.mark.parametrize("name", [e.name for e in list_parts() if e.manifest["type"] == "encoder"])
def test_encoder_keeps_the_contract(name):
    check_encoder(load("parts", name))
