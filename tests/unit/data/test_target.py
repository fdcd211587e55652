"""The question as the data answers it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from afield.core.errors import ProblemError
from afield.data.load import load
from afield.data.target import MIN_ROWS, state_target
from afield.problem.problem import Problem

SIZES = [0.5, 0.7, 0.2, 0.9, 1.1, 1.3, 0.1, 2.2, 3.1, 0.4, 0.6, 0.8]
N = len(SIZES)


def state(target, more=None, **options):
    data = pd.DataFrame({"size": np.resize(SIZES, len(target)), "y": target, **(more or {})})
    problem = Problem(target=options.pop("name", "y"), **options)
    return state_target(load(data, problem), problem)


def codes(stated):
    return [f.code for f in stated.findings]


@pytest.mark.parametrize(
    ("target", "task", "label", "classes"),
    [
        (["b", "a"] * 6, "binary", "string", ("a", "b")),
        (["b", "a", "c"] * 4, "multiclass", "string", ("a", "b", "c")),
        ([True, False] * 6, "binary", "boolean", ("false", "true")),
        ([1, 0] * 6, "binary", "integer", ("0", "1")),
        ([2.0, 1.0] * 6, "binary", "number", ("1", "2")),
        ([10, 9, 2] * 4, "multiclass", "integer", ("2", "9", "10")),
        ([i + 0.5 for i in range(N)], "regression", "number", ()),
        (list(range(30, 60)), "regression", "number", ()),
    ],
)
def test_task_and_classes(target, task, label, classes):
    stated = state(target)
    assert (stated.target.task, stated.target.label_type, stated.target.classes) == (task, label, classes)
    if classes:
        texts = [str(v).lower() if isinstance(v, bool) else str(v).removesuffix(".0") for v in target]
        assert [classes[i] for i in stated.answer.values] == texts
        assert stated.answer.values.dtype == np.int64
    else:
        assert stated.answer.values.tolist() == target


@pytest.mark.parametrize(
    ("counts", "task"),
    [
        ({3: 5, 4: 20, 5: 60, 6: 50, 7: 12}, "regression"),
        ({0: 80, 1: 40, 2: 15, 3: 6, 4: 2}, "regression"),
        ({1: 50, 2: 50, 3: 50, 4: 50, 5: 50}, "multiclass"),
        ({1: 60, 2: 20, 3: 5, 4: 6, 9: 30}, "multiclass"),
        ({1: 60, 2: 5, 3: 40, 4: 3, 5: 50}, "multiclass"),
        ({1: 60, 2: 10, 3: 4}, "multiclass"),
    ],
)
def test_few_whole_numbers_are_told(counts, task):
    target = [v for v, n in counts.items() for _ in range(n)]
    stated = state(target)
    assert stated.target.task == task
    (finding,) = [f for f in stated.findings if f.code == "target.few_values"]
    assert "--task" in finding.fix
    other = "multiclass" if task == "regression" else "regression"
    assert state(target, task=other).target.task == other


def test_text_labels_keep_their_type(table):
    loaded = table("x,y\n" + "".join(f"{i}.5,{i % 2}.0\n" for i in range(12)))
    assert state_target(loaded, Problem(target="y")).target.label_type == "number"
    loaded = table("x,y\n" + "".join(f"{i}.5,{i % 2}\n" for i in range(12)))
    assert state_target(loaded, Problem(target="y")).target.label_type == "integer"


def test_rows_without_a_target_are_left_out_and_counted():
    stated = state(
        [*(["a", None] * N), "b", "b"],
        {"weight": range(2 * N + 2), "when": range(100, 2 * N + 102)},
        weight="weight",
        time="when",
    )
    assert stated.missing == N
    assert stated.rows.tolist() == [*range(0, 2 * N, 2), 2 * N, 2 * N + 1]
    assert stated.weights.tolist() == stated.rows.tolist()
    assert stated.times.tolist() == (stated.rows + 100).tolist()
    assert len(stated.answer.values) == N + 2
    assert "target.missing" in codes(stated)


def test_special_columns_are_no_features_and_ids_constants_and_empty_ones_are_told():
    n = 60
    stated = state(
        [i % 2 for i in range(n)],
        {
            "tank": [f"t{i // 6}" for i in range(n)],
            "when": pd.date_range("2024-01-01", periods=n),
            "caught": pd.date_range("2023-01-01", periods=n)[::-1],
            "w": [1.0 + i % 3 for i in range(n)],
            "id": range(1, n + 1),
            "same": ["x"] * n,
            "none": [None] * n,
            "skip": [f"s{i % 4}" for i in range(n)],
        },
        group="tank",
        time="when",
        weight="w",
        ignore=("skip",),
    )  # fmt: skip
    assert [s.name for s in stated.features] == ["size", "caught"]
    assert sorted(c for c in codes(stated) if c.startswith("column")) == [
        "column.constant",
        "column.empty",
        "column.id",
    ]
    assert stated.groups.tolist() == [i // 6 for i in range(n)]
    assert np.diff(stated.times).tolist() == [86400.0] * (n - 1)


def test_an_id_can_be_forced_back():
    n = 60
    stated = state([i % 2 for i in range(n)], {"id": range(1, n + 1)}, kinds={"id": "number"})
    assert "id" in [s.name for s in stated.features]


def test_rows_without_group_or_time_are_told():
    stated = state(["a", "b"] * 6, {"g": ["k", None, None] * 4, "t": [1.0, np.nan, 2.0] * 4}, group="g", time="t")
    assert stated.groups.tolist() == [0, 1, 2, 0, 3, 4, 0, 5, 6, 0, 7, 8]
    assert stated.times[1] == -np.inf
    assert {"group.missing", "time.missing"} <= set(codes(stated))


def test_a_class_with_one_row_is_kept():
    stated = state([*(["a", "b"] * 6), "c"])
    assert stated.target.classes == ("a", "b", "c")


A, B = ["a", "b"] * 6, [i + 0.5 for i in range(N)]


@pytest.mark.parametrize(
    ("code", "target", "more", "options"),
    [
        pytest.param(
            "problem.target_not_found", A, {}, {"name": "Y"}, marks=pytest.mark.error_code("problem.target_not_found")
        ),
        pytest.param(
            "problem.target_missing", [None] * N, {}, {}, marks=pytest.mark.error_code("problem.target_missing")
        ),
        pytest.param("problem.one_class", ["a"] * N, {}, {}, marks=pytest.mark.error_code("problem.one_class")),
        pytest.param("problem.one_class", [3] * N, {}, {}),
        pytest.param("problem.one_class", [3.5] * N, {}, {}),
        pytest.param("problem.one_class", [1] * N, {}, {"task": "binary"}),
        pytest.param(
            "problem.too_few_rows", A[: MIN_ROWS - 1], {}, {}, marks=pytest.mark.error_code("problem.too_few_rows")
        ),
        pytest.param("problem.task", A, {}, {"task": "regression"}, marks=pytest.mark.error_code("problem.task")),
        pytest.param("problem.task", ["a", "b", "c"] * 4, {}, {"task": "binary"}),
        pytest.param("problem.task", [f"w{'abcdefghijkl'[i]}" for i in range(N)], {}, {}),
        pytest.param("problem.task", B, {}, {"task": "multiclass"}),
        pytest.param("problem.task", A, {}, {"task": "ranking"}),
        pytest.param("problem.task", pd.date_range("2024-01-01", periods=N), {}, {}),
        pytest.param(
            "problem.target_is_feature", A, {"copy": A}, {}, marks=pytest.mark.error_code("problem.target_is_feature")
        ),
        pytest.param("problem.target_is_feature", B, {"copy": B}, {}),
        pytest.param(
            "problem.no_features", A, {}, {"ignore": ("size",)}, marks=pytest.mark.error_code("problem.no_features")
        ),
        pytest.param("problem.option", A, {}, {"ignore": ("y",)}, marks=pytest.mark.error_code("problem.option")),
        pytest.param("problem.option", A, {}, {"group": "y"}),
        pytest.param("problem.option", A, {"t": A[::-1]}, {"time": "t"}),
        pytest.param("problem.option", A, {"w": A[::-1]}, {"weight": "w"}),
        pytest.param("problem.option", A, {"w": [-1.0, *range(N - 1)]}, {"weight": "w"}),
        pytest.param("problem.option", A, {"w": [np.nan, *range(N - 1)]}, {"weight": "w"}),
        pytest.param("problem.option", A, {"w": [0.0] * N}, {"weight": "w"}),
    ],
)
def test_refused(code, target, more, options):
    with pytest.raises(ProblemError) as caught:
        state(target, more, **options)
    assert caught.value.code == code
    assert caught.value.fix or caught.value.where


def test_an_almost_equal_column_is_left_to_the_checks():
    stated = state(A, {"copy": [*A[:-1], "a"]})
    assert [s.name for s in stated.features] == ["size", "copy"]
