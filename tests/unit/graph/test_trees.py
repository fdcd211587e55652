"""The flat trees against a walk in plain Python, and reading their splits back."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest

from afield.graph.builder import Builder
from afield.graph.thresholds import tree_splits, tree_thresholds
from afield.graph.trees import MEMBERS_LIMIT, Trees, in_groups, join, sum_leaves


def random_trees(seed, trees=9, width=1, members=0):
    """Random shapes, from a single leaf upwards, over 4 features of small whole numbers."""
    draw = np.random.default_rng(seed)
    sizes = draw.integers(0, 12, trees)
    sizes[0], sizes[-1] = 0, 5
    links, offset, leaf_offset = [], 0, 0
    for size in sizes:
        ends = [(-1, 0)]  # open places: (node, side)
        child = np.zeros((size, 2), np.int64)
        for node in range(size):
            at, side = ends.pop(draw.integers(len(ends)))
            if at >= 0:
                child[at, side] = offset + node
            ends += [(node, 0), (node, 1)]
        for leaf, (at, side) in enumerate(ends):
            if at >= 0:
                child[at, side] = ~(leaf_offset + leaf)
        links.append(child)
        offset, leaf_offset = offset + size, leaf_offset + size + 1
    child = np.concatenate(links)
    count = np.full(offset, -1)
    if members:
        count[::2] = draw.integers(0, members, len(count[::2]))
    sets = [np.sort(draw.choice(members, c, replace=False)) for c in count[count >= 0]]
    return Trees(
        sizes=sizes, feature=draw.integers(0, 4, offset), split=draw.integers(-2, 3, offset) + 0.5,
        missing_true=(draw.random(offset) < 0.5) & (count < 0), true_child=child[:, 0], false_child=child[:, 1],
        leaves=draw.normal(size=(leaf_offset, width)),
        leaf_target=np.repeat(np.arange(trees) % 2, sizes + 1) if width == 1 else np.zeros(leaf_offset, np.int64),
        member_count=count, members=np.concatenate([np.zeros(0), *sets]),
    )  # fmt: skip


def walk(trees, rows, outputs):
    """The definition of Trees, one row and one node at a time."""
    answer = np.zeros((len(rows), outputs))
    ends = np.cumsum(np.maximum(trees.member_count, 0))
    for r, row in enumerate(rows):
        node_start, leaf_start = 0, 0
        for size in trees.sizes:
            at = node_start if size else ~leaf_start
            while at >= 0:
                x = row[trees.feature[at]]
                if trees.member_count[at] >= 0:
                    true = x in trees.members[ends[at] - trees.member_count[at] : ends[at]]
                else:
                    true = trees.missing_true[at] if np.isnan(x) else x <= trees.split[at]
                at = (trees.true_child if true else trees.false_child)[at]
            first = trees.leaf_target[~at]
            answer[r, first : first + trees.leaves.shape[1]] += trees.leaves[~at]
            node_start, leaf_start = node_start + size, leaf_start + size + 1
    return answer


def rows_for(seed, count=200):
    draw = np.random.default_rng(seed)
    rows = draw.integers(-3, 9, (count, 4)).astype(np.float32)
    rows[draw.random(rows.shape) < 0.15] = np.nan
    return rows


def model_of(trees, outputs):
    b = Builder()
    x = b.input("features", "float32", ["N", 4])
    b.output(sum_leaves(b, x, trees, outputs), "answer", ["N", outputs])
    return b.build("trees")


def run(model, rows):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), options).run(None, {"features": rows})[0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("members", [0, 8, 40])
def test_scalar_leaves(seed, members):
    trees, rows = random_trees(seed, members=members), rows_for(seed)
    np.testing.assert_allclose(run(model_of(trees, 2), rows), walk(trees, rows, 2), atol=1e-14)


@pytest.mark.parametrize("seed", range(4))
def test_vector_leaves(seed):
    trees, rows = random_trees(seed, trees=40, width=3), rows_for(seed)
    np.testing.assert_allclose(run(model_of(trees, 3), rows), walk(trees, rows, 3), atol=1e-5)


def test_vector_leaves_in_groups_stay_right():
    trees, rows = random_trees(1, trees=40, width=100), rows_for(1)
    model = model_of(trees, 100)
    assert sum(n.op_type == "TreeEnsemble" for n in model.graph.node) == 3  # 16 trees each
    np.testing.assert_allclose(run(model, rows), walk(trees, rows, 100), atol=1e-5)


def test_join_and_groups_undo_each_other():
    trees, rows = random_trees(3, trees=23, members=8), rows_for(3)
    parts = in_groups(trees, 4)
    assert [p.count for p in parts] == [4, 4, 4, 4, 4, 3]
    np.testing.assert_allclose(sum(walk(p, rows, 2) for p in parts), walk(trees, rows, 2), atol=1e-14)
    whole = join(parts)
    for name in Trees.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(whole, name), getattr(trees, name))


def test_all_trees_single_leaves():
    trees = random_trees(0, trees=3)
    bare = Trees(
        sizes=np.zeros(3, np.int64), feature=trees.feature[:0], split=trees.split[:0],
        missing_true=trees.missing_true[:0], true_child=trees.true_child[:0], false_child=trees.false_child[:0],
        leaves=np.array([[1.0], [2.0], [4.0]]), leaf_target=np.array([0, 1, 0]),
        member_count=trees.member_count[:0], members=np.zeros(0),
    )  # fmt: skip
    np.testing.assert_array_equal(run(model_of(bare, 2), rows_for(0, 2)), [[5.0, 2.0]] * 2)


def chain_of_sets(size, length):
    """One tree: ``length`` nodes on a line, each asking for ``size`` categories."""
    nodes = np.arange(length)
    return Trees(
        sizes=np.array([length]), feature=nodes % 4, split=np.zeros(length), missing_true=np.zeros(length, bool),
        true_child=~nodes, false_child=np.where(nodes + 1 < length, nodes + 1, ~length),
        leaves=np.arange(length + 1.0)[:, None], leaf_target=np.zeros(length + 1, np.int64),
        member_count=np.full(length, size),
        members=np.concatenate([n + length * np.arange(float(size)) for n in nodes]),
    )  # fmt: skip


def test_long_sets_of_categories_run():
    trees = chain_of_sets(MEMBERS_LIMIT, 60)
    rows = np.random.default_rng(0).integers(0, 60 * MEMBERS_LIMIT + 100, (300, 4)).astype(np.float32)
    np.testing.assert_array_equal(run(model_of(trees, 1), rows), walk(trees, rows, 1))


def test_too_long_sets_are_refused():
    with pytest.raises(ValueError, match="257 categories"):
        model_of(chain_of_sets(MEMBERS_LIMIT + 1, 2), 1)


def test_splits_are_read_back():
    trees = random_trees(5, members=8)
    (splits,) = tree_splits(model_of(trees, 2))
    assert splits.source == "features"
    plain, member = trees.member_count < 0, trees.member_count > 0
    for feature in range(4):
        wanted = np.unique(trees.split[plain & (trees.feature == feature)])
        found = splits.thresholds.get(feature, np.zeros(0))
        assert set(wanted) <= set(found)
        assert set(found) - set(wanted) <= {np.finfo(np.float64).min, 0.0}  # empty sets, trees of one leaf
        owner = np.repeat(np.arange(len(trees.member_count)), np.maximum(trees.member_count, 0))
        np.testing.assert_array_equal(
            splits.members.get(feature, np.zeros(0)), np.unique(trees.members[trees.feature[owner] == feature])
        )
    assert member.any()


def test_thresholds_join_nodes_of_one_source():
    b = Builder()
    x = b.input("features", "float32", ["N", 4])
    parts = [sum_leaves(b, x, random_trees(s, members=8), 2) for s in (0, 1)]
    b.output(b.op("Add", *parts), "answer", ["N", 2])
    model = b.build("two")
    one, two = tree_splits(model)
    both = tree_thresholds(model)["features"]
    for feature, values in both.items():
        every = [s.get(feature, np.zeros(0)) for n in (one, two) for s in (n.thresholds, n.members)]
        np.testing.assert_array_equal(values, np.unique(np.concatenate(every)))


def test_large_ensembles_build_fast():
    import time

    trees = join([random_trees(s, trees=500) for s in range(12)])
    begin = time.process_time()
    model_of(trees, 2)
    assert time.process_time() - begin < 2.0
