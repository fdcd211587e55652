"""The development tables: kinds that a person would choose, where the tables are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from afield.data.load import load
from afield.data.target import state_target
from afield.problem.problem import Problem

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "tabular"
pytestmark = [pytest.mark.shared_data, pytest.mark.skipif(not FOLDER.is_dir(), reason="the tables are not here")]


@pytest.mark.parametrize(
    ("file", "target", "kinds", "roles"),
    [
        ("telco_churn.csv.gz", "Churn", {"TotalCharges": "number", "Contract": "category"}, {"customerID": "id"}),
        ("titanic.csv", "Survived", {"Name": "text", "Ticket": "text", "Fare": "number"}, {"PassengerId": "id"}),
        ("nyc_taxis.csv.gz", "fare", {"pickup": "datetime", "pickup_zone": "category"}, {}),
        ("ai4i2020.csv.gz", "Machine failure", {"Torque [Nm]": "number"}, {"UDI": "id", "Product ID": "id"}),
        ("sick.csv", "Class", {"age": "number"}, {"TBG": "empty", "TBG measured": "constant"}),
        ("car.csv", "class", {"doors": "category"}, {}),
    ],
)
def test_kinds_and_roles(file, target, kinds, roles):
    loaded = load(FOLDER / file, Problem(target=target))
    assert {n: loaded.specs[n].kind for n in kinds} == kinds
    assert {n: loaded.roles[n] for n in roles} == roles
    assert {n for n, r in loaded.roles.items() if r != "feature"} == set(roles)
    assert state_target(loaded, Problem(target=target)).features
