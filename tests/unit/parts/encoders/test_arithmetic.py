import numpy as np
import pytest

from afield.data.answer import Answer
from afield.data.table import NumberColumn, StringColumn, Table
from afield.parts.encoders.arithmetic import FittedArithmetic, part
from afield.parts.protocol import FitContext
from afield.problem.schema import ColumnSpec
from afield.search.features import encode

SPECS = [ColumnSpec(name=n, kind="number") for n in "ab"]
EACH = FittedArithmetic(("a", "b"), (dict.fromkeys(("difference", "sum", "product", "ratio"), ((0, 1),)),))


def run(fitted, a, b):
    columns = {"a": NumberColumn(np.array(a, dtype=float)), "b": NumberColumn(np.array(b, dtype=float))}
    return encode(fitted, SPECS, Table(columns, len(a)))


def features(answer, columns, **context):
    table = Table({n: NumberColumn(np.asarray(v, dtype=float)) for n, v in columns.items()}, len(answer.values))
    specs = [ColumnSpec(name=n, kind="number") for n in columns]
    return [f.name for f in part.fit(table, specs, answer, FitContext(**context), {}).features]


def test_each_operation_is_the_one_of_its_name():
    assert [f.name for f in EACH.features] == ["a-b", "a+b", "a*b", "a/b"]
    np.testing.assert_array_equal(run(EACH, [6, -1.5], [4, 0.5])[:, :], [[2, 10, 24, 1.5], [-2, -1, -0.75, -3]])


def test_missing_where_a_column_is_and_nowhere_else():
    out = run(EACH, [np.nan, 1, np.nan, 0, np.inf, np.inf, 5], [1, np.nan, 0, 0, np.inf, 0, 0])
    assert np.isnan(out[:3]).all()
    assert np.isfinite(out[3:]).all()
    assert (out[3:, 3] == [0, 1, 0, 0]).all()  # by 0 is 0; infinities count as the largest number


def test_large_numbers_that_lie_close_together_keep_their_difference():
    assert run(EACH, [1.7e9 + 3], [1.7e9])[0, 0] == 3


def test_the_largest_results_stay_within_float32():
    out = run(EACH, [1e300, -1e300], [1e300, 1e-300])
    assert np.isfinite(out).all()
    assert out[0, 2] == np.finfo(np.float32).max
    assert out[1, 3] == -np.finfo(np.float32).max


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_the_pair_that_matters_is_chosen(task):
    draw = np.random.default_rng(0)
    columns = {n: draw.uniform(1, 9, 3_000) for n in "abcd"}
    score = np.sin(3 * columns["b"] / columns["d"]) + 0.1 * draw.normal(size=3_000)
    classes = {"regression": 0, "binary": 2, "multiclass": 3}[task]
    values = score if task == "regression" else score.argsort().argsort() * classes // 3_000
    names = features(Answer(task=task, values=values, classes=classes), columns)
    assert "b/d" in names or "d/b" in names
    assert len(names) <= 5


def test_noise_is_not_chosen():
    draw = np.random.default_rng(1)
    found = [
        features(Answer(task="regression", values=draw.normal(size=400)), {n: draw.normal(size=400) for n in "abcde"})
        for _ in range(10)
    ]
    assert sum(names != ["a.missing"] for names in found) <= 2


def test_columns_that_tell_all_by_themselves_need_no_pair():
    draw = np.random.default_rng(2)
    columns = {n: draw.normal(size=2_000) for n in "abc"}
    answer = Answer(task="regression", values=np.where(columns["a"] > 0, 3.0, 1.0) + 0.01 * columns["b"])
    assert features(answer, columns) == ["a.missing"]


def test_categories_say_what_is_explained_and_are_no_part_of_a_pair():
    draw = np.random.default_rng(3)
    a, b, c = (draw.uniform(1, 9, 2_000) for _ in range(3))
    site = draw.choice(["x", "y"], 2_000)
    table = Table(
        {"a": NumberColumn(a), "s": StringColumn.of(site.astype(object)), "b": NumberColumn(b), "c": NumberColumn(c)},
        2_000,
    )
    specs = [ColumnSpec(name=n, kind="category" if n == "s" else "number") for n in "asbc"]
    answer = Answer(task="regression", values=np.sin(a * b / 4) + 5 * (site == "x"))
    fitted = part.fit(table, specs, answer, FitContext(), {})
    assert "a*b" in [f.name for f in fitted.features]
    assert "s" not in fitted.columns
    assert np.array_equal(encode(fitted, specs, table)[:, [f.name for f in fitted.features].index("a*b")],
                          (a * b).astype(np.float32))  # fmt: skip


def test_a_seed_and_equal_rows_choose_equal_pairs():
    draw = np.random.default_rng(4)
    columns = {n: draw.uniform(1, 9, 500) for n in "abcd"}
    answer = Answer(task="regression", values=np.sin(columns["a"] - columns["c"]))
    assert features(answer, columns, seed=7) == features(answer, columns, seed=7)
    assert "a-c" in features(answer, columns, seed=8)


def test_rows_of_no_weight_do_not_choose():
    draw = np.random.default_rng(5)
    columns = {n: draw.uniform(1, 9, 2_000) for n in "abc"}
    odd = np.arange(2_000) % 2 == 1
    values = np.where(odd, np.sin(columns["a"] * columns["b"] / 3), draw.normal(size=2_000))
    answer = Answer(task="regression", values=values)
    assert "a*b" in features(answer, columns, weights=odd.astype(float))
    assert features(answer, columns, weights=(~odd).astype(float)) == ["a.missing"]


def test_at_most_so_many_features():
    draw = np.random.default_rng(6)
    columns = {n: draw.uniform(1, 9, 1_000) for n in "abcd"}
    answer = Answer(task="regression", values=sum(np.sin(columns[p] * columns[q]) for p, q in ("ab", "cd", "ad")))
    table = Table({n: NumberColumn(v) for n, v in columns.items()}, 1_000)
    specs = [ColumnSpec(name=n, kind="number") for n in columns]
    assert len(part.fit(table, specs, answer, FitContext(), {"max_features": 1}).features) == 1


def test_a_second_round_joins_what_the_first_made():
    nested = FittedArithmetic(
        ("a", "b"), ({"sum": ((0, 1),), "ratio": ((0, 1),)}, {"product": ((2, 0),), "ratio": ((2, 3),)})
    )
    assert [f.name for f in nested.features] == ["a+b", "a/b", "(a+b)*a", "(a+b)/(a/b)"]
    np.testing.assert_array_equal(run(nested, [6], [2]), [[8, 3, 48, np.float32(8 / 3)]])
    out = run(nested, [np.inf, np.nan, 0], [np.inf, 1, 0])
    assert np.isfinite(out[[0, 2]]).all()
    assert np.isnan(out[1]).all()


def test_a_sum_of_three_is_found_in_two_rounds_and_computed_as_named():
    draw = np.random.default_rng(7)
    columns = {n: draw.uniform(1, 9, 4_000) for n in "abcd"}
    answer = Answer(task="regression", values=np.sin(columns["a"] + columns["b"] + columns["c"]))
    table = Table({n: NumberColumn(v) for n, v in columns.items()}, 4_000)
    specs = [ColumnSpec(name=n, kind="number") for n in columns]
    fitted = part.fit(table, specs, answer, FitContext(), {"rounds": 2, "max_features": 12})
    names = [f.name for f in fitted.features]
    total = columns["a"] + columns["b"] + columns["c"]
    out = encode(fitted, specs, table)
    for i, name in enumerate(names):
        np.testing.assert_allclose(out[:, i], eval(name, {}, columns), rtol=1e-6, atol=1e-5)
    assert any(np.allclose(column, total, rtol=1e-5) for column in out.T), names
