"""Oblivious trees against a walk in plain Python, and reading them back."""

from __future__ import annotations

import dataclasses

import numpy as np
import onnxruntime as ort
import pytest

from afield.graph.builder import Builder
from afield.graph.cost import estimate
from afield.graph.oblivious import ObliviousTrees, join_oblivious, leaf_type, oblivious_nodes, sum_oblivious
from afield.graph.thresholds import tree_splits, tree_thresholds

FEATURES = 4


def random_trees(seed, count=9, width=1, deepest=5, size=0.01):
    """Random depths, from a single leaf upwards, over small whole numbers."""
    draw = np.random.default_rng(seed)
    depth = draw.integers(0, deepest + 1, count)
    return ObliviousTrees(
        depth=depth,
        feature=draw.integers(0, FEATURES, depth.sum()),
        border=draw.integers(-2, 3, depth.sum()).astype(np.float32),
        leaves=draw.normal(size=(int((2**depth).sum()), width)) * size,
    )


def walk(trees, rows):
    """The definition of ObliviousTrees, one row and one question at a time."""
    answer = np.zeros((len(rows), trees.leaves.shape[1]))
    for r, row in enumerate(rows):
        split = leaf = 0
        for depth in trees.depth:
            number = 0
            for level in range(depth):
                number += int(row[trees.feature[split + level]] > trees.border[split + level]) << level
            answer[r] += trees.leaves[leaf + number]
            split, leaf = split + depth, leaf + 2**depth
    return answer


def model_of(blocks, outputs=1, rounding=1e-6):
    b = Builder()
    x = b.input("x", "float32", ["N", FEATURES])
    b.output(sum_oblivious(b, x, blocks, outputs, rounding), "y", ["N", len(blocks) * outputs])
    return b.build("oblivious")


def run(model, rows):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": rows})[0]


def hard_rows(count=60):
    draw = np.random.default_rng(5)
    rows = draw.integers(-3, 4, (count, FEATURES)).astype(np.float32)
    beside = [np.nan, np.inf, -np.inf, np.nextafter(np.float32(1), np.float32(2)), -0.0, 3.4028235e38, -3.4028235e38]
    odd = draw.random(rows.shape) < 0.4
    rows[odd] = draw.choice(np.array(beside, np.float32), odd.sum())
    return rows


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("counts", [(9,), (1,), (3, 1, 20), (400, 500)])
def test_same_as_a_walk(outputs, counts):
    blocks = [random_trees(i, count, outputs) for i, count in enumerate(counts)]
    rows = hard_rows(20 if sum(counts) > 100 else 60)
    wanted = np.concatenate([walk(b, rows) for b in blocks], axis=1)
    np.testing.assert_allclose(run(model_of(blocks, outputs), rows), wanted, atol=1e-6, rtol=0)
    np.testing.assert_allclose(run(model_of(blocks, outputs, rounding=1e-15), rows), wanted, atol=1e-13, rtol=0)


def test_any_number_of_rows():
    model = model_of([random_trees(0), random_trees(1)])
    rows = hard_rows()
    together = run(model, rows)
    assert run(model, rows[:0]).shape == (0, 2)
    np.testing.assert_array_equal(np.concatenate([run(model, rows[i : i + 1]) for i in range(len(rows))]), together)


def test_trees_that_are_all_one_leaf():
    only = random_trees(0, count=3, deepest=0)
    np.testing.assert_allclose(run(model_of([only]), hard_rows(4)), np.full((4, 1), only.leaves.sum()), atol=1e-9)


def test_leaves_are_float32_only_where_it_does_not_show():
    small, large = random_trees(0, 300, size=0.01), random_trees(0, 300, size=1e4)
    assert leaf_type([small], 1e-6) == "float32"
    assert leaf_type([small, large], 1e-6) == "float64"
    assert leaf_type([large], 1.0) == "float32"
    beyond = dataclasses.replace(small, leaves=small.leaves * 1e40)  # no float32 at all
    assert leaf_type([beyond], 1e-6) == "float64"
    rows = hard_rows()
    assert np.abs(run(model_of([large]), rows) - walk(large, rows)).max() < 1e-9
    assert len(model_of([small]).SerializeToString()) < 0.7 * len(model_of([large]).SerializeToString())


def test_wrong_leaves_and_features_are_refused():
    b = Builder()
    with pytest.raises(ValueError, match="float32"):
        sum_oblivious(b, b.input("x", "float64", ["N", FEATURES]), [random_trees(0)], 1, 1e-6)
    with pytest.raises(ValueError, match="2 numbers"):
        sum_oblivious(b, b.input("z", "float32", ["N", FEATURES]), [random_trees(0)], 2, 1e-6)


def test_questions_are_read_back():
    trees = random_trees(3, count=700)
    model = model_of([trees])
    groups = oblivious_nodes(model)
    assert len(groups) > 1
    assert {g.source for g in groups} == {"x"}
    assert sum(g.trees for g in groups) == trees.count == estimate(model).trees
    read = {(int(f), float(b)) for g in groups for f, b in zip(g.feature, g.border, strict=True)}
    assert read == {(int(f), float(b)) for f, b in zip(trees.feature, trees.border, strict=True)}
    assert [s.node for s in tree_splits(model)] == [g.node for g in groups]
    by_feature = tree_thresholds(model)["x"]
    for feature in range(FEATURES):
        np.testing.assert_array_equal(by_feature[feature], np.unique(trees.border[trees.feature == feature]))


def test_other_comparisons_are_not_taken_for_trees():
    b = Builder()
    x = b.input("x", "float32", ["N", FEATURES])
    b.output(b.op("Greater", x, b.constant(np.float32(1)), dtype="bool"), "y", ["N", FEATURES])
    assert oblivious_nodes(b.build("compare")) == ()


def test_more_trees_cost_more():
    few, many = (estimate(model_of([random_trees(0, n)])) for n in (50, 1000))
    assert many.latency_us > 3 * few.latency_us
    assert many.bytes > 10 * few.bytes


def test_joined_trees_add_up():
    one, two = random_trees(1), random_trees(2)
    rows = hard_rows()
    np.testing.assert_allclose(walk(join_oblivious([one, two]), rows), walk(one, rows) + walk(two, rows), atol=1e-12)
