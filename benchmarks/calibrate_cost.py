"""Measure what operators cost, for the table in ``afield/graph/cost.py``: one row, one thread, this machine.

Run it by hand on a quiet machine (``OMP_NUM_THREADS=1 python benchmarks/calibrate_cost.py``) and copy the figures.
For each group a graph of many equal nodes runs at two widths, without optimisation, so that none is merged away. The
slope over the nodes gives the price of a node, the slope over the width that of an element.
"""

from __future__ import annotations

import time

import numpy as np
import onnxruntime as ort

from afield.graph.builder import Builder
from afield.graph.cost import estimate
from afield.graph.oblivious import ObliviousTrees, sum_oblivious
from afield.graph.trees import Trees, sum_leaves

COPIES = (8, 72)
WIDTHS = (1, 512)


def i64(*values):
    return np.array(values, dtype=np.int64)


def per_row(b, x, **attributes):
    b.op("ReduceSum", x, b.constant(i64(1)), keepdims=1, **attributes)


GROUPS = {
    "plain": ("float32", lambda b, x, w: b.op("Add", x, b.constant(np.float32(1)))),
    "compare": ("float32", lambda b, x, w: b.op("Less", x, b.constant(np.float32(1)), dtype="bool")),
    "where": ("float32", lambda b, x, w: b.op("Where", b.constant(np.array(True)), x, x)),
    "cast": ("float32", lambda b, x, w: b.op("Cast", x, dtype="float64", to=11)),
    "curve": ("float64", lambda b, x, w: b.op("Sigmoid", x)),
    "sine": ("float32", lambda b, x, w: b.op("Sin", x)),
    "view": ("float32", lambda b, x, w: b.reshape(x, [-1, 1])),
    "move": ("float32", lambda b, x, w: b.op("Concat", x, x, axis=0)),
    "transpose": ("float32", lambda b, x, w: b.transpose(x, [1, 0])),
    "gather": ("float32", lambda b, x, w: b.gather(x, b.constant(np.arange(w)), axis=1)),
    "reduce": ("float64", lambda b, x, w: per_row(b, x)),
    "softmax": ("float64", lambda b, x, w: b.op("Softmax", x, axis=1)),
    "lookup": (
        "string",
        lambda b, x, w: b.op(
            "LabelEncoder", x, dtype="int64", default_int64=-1, keys_strings=[f"level {i}" for i in range(500)],
            values_int64s=list(range(500)),
        ),
    ),
    "parse": ("string", lambda b, x, w: b.op("Cast", x, dtype="float32", to=1)),
    "join": ("string", lambda b, x, w: b.op("StringConcat", x, x)),
    "split": ("string", lambda b, x, w: b.op_many("StringSplit", x, dtypes=["string", "int64"], delimiter="2")),
    "regex": ("string", lambda b, x, w: b.op("RegexFullMatch", x, dtype="bool", pattern="[0-9]+(\\.[0-9]+)?")),
    "tokens": (
        "string",
        lambda b, x, w: b.op(
            "Tokenizer", b.reshape(x, [-1]), mark=0, mincharnum=1, pad_value="", separators=[""]
        ),
    ),
}  # fmt: skip
FEEDS = {"string": lambda w: np.array([["1234.5"] * w], dtype=object)}


def median_us(model, *feeds, repeats=300):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    times = []
    for i in range(repeats):
        feed = feeds[i % len(feeds)]
        begin = time.perf_counter()
        session.run(None, feed)
        times.append(time.perf_counter() - begin)
    return float(np.quantile(times, 0.2)) * 1e6


def group_us(dtype, make, width):
    taken = []
    for copies in COPIES:
        b = Builder()
        x = b.input("x", dtype, ["N", width])
        for _ in range(copies):
            make(b, x, width)
        b.output(x, "y", ["N", width])
        feed = FEEDS[dtype](width) if dtype in FEEDS else np.ones((1, width), dtype=dtype)
        taken.append(median_us(b.build("one"), {"x": feed}))
    return (taken[1] - taken[0]) / (COPIES[1] - COPIES[0])


def matmul_us(width, outputs, dtype):
    b = Builder()
    x = b.input("x", dtype, ["N", width])
    for i in range(16):
        b.op("MatMul", x, b.constant(np.full((width, outputs), i, dtype=dtype)))
    b.output(x, "y", ["N", width])
    return median_us(b.build("one"), {"x": np.ones((1, width), dtype=dtype)}) / 16


def balanced(trees, depth, features, members=0):
    """Return complete trees, numbered breadth first, that test random features."""
    draw = np.random.default_rng(0)
    nodes, leaves = 2**depth - 1, 2**depth
    child = np.arange(1, 2 * nodes + 1)
    child = np.where(child < nodes, child, ~(child - nodes))
    shift_n, shift_l = np.repeat(np.arange(trees) * nodes, nodes), np.repeat(np.arange(trees) * leaves, nodes)
    true, false = np.tile(child[0::2], trees), np.tile(child[1::2], trees)
    count = trees * nodes
    sets = np.concatenate([np.sort(draw.choice(600, members, replace=False)) for _ in range(count)]) if members else []
    return Trees(
        sizes=np.full(trees, nodes), feature=draw.integers(0, features, count), split=draw.normal(size=count),
        missing_true=np.zeros(count, bool), true_child=np.where(true >= 0, true + shift_n, true - shift_l),
        false_child=np.where(false >= 0, false + shift_n, false - shift_l),
        leaves=draw.normal(size=(trees * leaves, 1)),
        leaf_target=np.zeros(trees * leaves, np.int64), member_count=np.full(count, members or -1),
        members=np.array(sets, dtype=np.float64),
    )  # fmt: skip


def trees_us(trees, depth, members=0):
    b = Builder()
    x = b.input("x", "float64", ["N", 20])
    b.output(sum_leaves(b, x, balanced(trees, depth, 20, members), 1), "y", ["N", 1])
    draw = np.random.default_rng(1)
    rows = draw.integers(0, 600, (97, 1, 20)).astype(np.float64) if members else draw.normal(size=(97, 1, 20))
    return median_us(b.build("trees"), *({"x": row} for row in rows))  # one row again and again would stay in the cache


def oblivious_us(trees, depth, outputs=1):
    """Return microseconds of a row through complete oblivious trees: measured, and by the table."""
    draw = np.random.default_rng(0)
    complete = ObliviousTrees(
        depth=np.full(trees, depth), feature=draw.integers(0, 20, trees * depth),
        border=draw.normal(size=trees * depth).astype(np.float32), leaves=draw.normal(size=(trees << depth, outputs)),
    )  # fmt: skip
    b = Builder()
    x = b.input("x", "float32", ["N", 20])
    b.output(sum_oblivious(b, x, [complete], outputs, rounding=1.0), "y", ["N", outputs])
    model = b.build("oblivious")
    rows = np.random.default_rng(1).normal(size=(97, 1, 20)).astype(np.float32)
    return median_us(model, *({"x": row} for row in rows)), estimate(model).latency_us


def main():
    print("group: microseconds a node, microseconds an element")
    for name, (dtype, make) in GROUPS.items():
        narrow, wide = (group_us(dtype, make, w) for w in WIDTHS)
        print(f"  {name:10} {narrow:8.3f} {max(0.0, wide - narrow) / (WIDTHS[1] - WIDTHS[0]):9.5f}")
    small, large = matmul_us(16, 1, "float64"), matmul_us(1024, 256, "float64")
    print(f"  MatMul float64 {small:8.3f} {(large - small) / (1024 * 256 - 16):9.6f} a multiply-add")
    print("trees: microseconds a row")
    for trees in (100, 1000):
        for depth in (3, 5, 8):
            print(f"  {trees:5} trees depth {depth}: {trees_us(trees, depth):8.2f}")
    for members in (1, 8, 32):
        print(f"  100 trees depth 5, sets of {members}: {trees_us(100, 5, members):8.2f}")
    print("oblivious trees: microseconds a row, and the price by the table")
    for trees, outputs in ((200, 1), (1000, 1), (300, 7)):
        taken, price = oblivious_us(trees, 6, outputs)
        print(f"  {trees:5} trees depth 6, {outputs} outputs: {taken:8.2f} {price:8.2f}")


if __name__ == "__main__":
    main()
