"""The learned order: what adds most to a blend comes next, for its time, by what near tables showed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from afield.problem.schema import KINDS, ColumnSpec
from afield.search.order import Records, learned_order, strongest
from afield.search.portfolio import catalogue
from afield.search.shape import Shape

SMALL, LARGE = (Shape("regression", rows, 0, ()) for rows in (100, 1_000_000))


def records(errors: list[np.ndarray], costs: list[list[float]], shapes: list[Shape]) -> Records:
    """``errors``: for each table float64 [R, n]."""
    products = np.array([e @ e.T / e.shape[1] for e in errors])
    products /= np.diagonal(products, axis1=1, axis2=2).min(axis=1)[:, None, None]
    traits = {n: np.array([s.traits()[n] for s in shapes]) for n in shapes[0].traits()}
    return Records([f"r{i}" for i in range(len(errors[0]))], traits, products, np.array(costs))


def noise(rows: int, seed: int = 0) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(400, rows)))[0].T * 20


def test_after_the_best_comes_what_errs_otherwise_not_its_twin() -> None:
    a, b, c = noise(3)
    errors = np.stack([a, a + 0.05 * b, 1.3 * c])
    found = learned_order(SMALL, ["r0", "r1", "r2"], records([errors], [[1.0, 1.0, 1.0]], [SMALL]))
    assert found == [0, 2, 1]


def test_of_two_that_add_as_much_the_cheaper_comes_first() -> None:
    errors = noise(3)
    costs = [[1.0, 9.0, 1.0]]
    assert learned_order(SMALL, ["r0", "r1", "r2"], records([errors], costs, [SMALL])) == [0, 2, 1]


def test_near_tables_decide() -> None:
    a, b = noise(2)
    told = records([np.stack([a, 3 * b]), np.stack([3 * a, b])], [[1.0, 1.0]] * 2, [SMALL, LARGE])
    assert learned_order(SMALL, ["r0", "r1"], told) == [0, 1]
    assert learned_order(LARGE, ["r0", "r1"], told) == [1, 0]


def test_what_was_never_recorded_comes_last_as_given_and_what_is_not_offered_is_left_out() -> None:
    told = records([noise(3)], [[1.0, 2.0, 3.0]], [SMALL])
    assert learned_order(SMALL, ["new", "r2", "newer", "r0"], told) == [3, 1, 0, 2]


def test_a_recipe_that_failed_on_the_only_near_table_is_not_first() -> None:
    told = records([noise(3), noise(3, 1)], [[1.0, 1.0, 1.0]] * 2, [SMALL, LARGE])
    told.errors[0, 0, :] = told.errors[0, :, 0] = np.nan
    told.costs[0, 0] = np.nan
    assert learned_order(SMALL, ["r0", "r1", "r2"], told)[-1] != 1
    assert sorted(learned_order(SMALL, ["r0", "r1", "r2"], told)) == [0, 1, 2]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_records_in_the_package_order_the_whole_catalogue(task: str) -> None:
    specs = tuple(ColumnSpec(name=kind, kind=kind) for kind in KINDS)
    shape = Shape(task, 3_000, 0 if task == "regression" else 3, specs)  # type: ignore[arg-type]
    names = [r.name for r in catalogue(shape)]
    assert len(set(names)) == len(names)
    assert sorted(learned_order(shape, names)) == list(range(len(names)))
    assert set(Records.load().names) <= set(names), "records of recipes that are no more: learn the order again"


def test_records_come_back_as_they_were_stored(tmp_path: Path) -> None:
    path = tmp_path / "order.npz"
    products = np.arange(6.0)
    np.savez(
        path, names=np.array(["a", "b", "c"]), packed=products[None], traits=np.ones((1, 1)),
        trait_names=np.array(["rows"]), costs=np.ones((1, 3)),
    )  # fmt: skip
    found = Records.load(path)
    assert found.errors[0].tolist() == [[0, 1, 2], [1, 3, 4], [2, 4, 5]]


def test_the_strongest_is_it_unless_it_takes_long() -> None:
    a, b, c = noise(3)
    errors = np.stack([2 * a, b, 3 * c])
    told = records([errors], [[1.0, 9.0, 1.0]], [SMALL])
    assert learned_order(SMALL, ["r0", "r1", "r2"], told)[0] == 0
    assert strongest(SMALL, ["r2", "new", "r1", "r0"], told) == 2
    assert strongest(SMALL, ["r2", "new", "r1", "r0"], records([errors], [[1.0, 1e6, 1.0]], [SMALL])) == 3
    assert strongest(SMALL, ["new"], told) is None
