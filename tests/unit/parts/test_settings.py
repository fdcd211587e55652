import math

import pytest

from afield.core.errors import ProblemError
from afield.parts.protocol import Setting
from afield.parts.settings import settle

SPACE = {
    "leaves": Setting(kind="integer", default=31, low=2, high=1024, log=True),
    "rate": Setting(kind="number", default=0.1, low=0.0, high=1.0),
    "shape": Setting(kind="choice", default="plain", choices=("plain", "skewed", 3)),
    "balanced": Setting(kind="boolean", default=False),
}


def test_defaults_fill_what_is_not_given_in_the_order_of_the_space():
    assert list(settle(SPACE, {"rate": 1}).items()) == [
        ("leaves", 31), ("rate", 1.0), ("shape", "plain"), ("balanced", False),
    ]  # fmt: skip


def test_whole_floats_become_integers_and_integers_become_floats():
    settled = settle(SPACE, {"leaves": 5.0, "rate": 0})
    assert type(settled["leaves"]) is int
    assert type(settled["rate"]) is float


@pytest.mark.error_code("parts.settings")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("leaves", 1), ("leaves", 2000), ("leaves", 2.5), ("leaves", "31"), ("leaves", True), ("leaves", None),
        ("rate", math.nan), ("rate", math.inf), ("rate", -0.1), ("rate", [0.1]),
        ("shape", "Plain"), ("shape", 3.0), ("shape", None), ("balanced", 1), ("balanced", "false"),
    ],
)  # fmt: skip
def test_values_outside_the_space_are_refused(name, value):
    with pytest.raises(ProblemError, match=name) as caught:
        settle(SPACE, {name: value})
    assert caught.value.code == "parts.settings"


@pytest.mark.error_code("parts.settings")
def test_an_unknown_setting_is_refused_with_the_nearest_name():
    with pytest.raises(ProblemError, match="did you mean 'leaves'"):
        settle(SPACE, {"leafs": 31})
