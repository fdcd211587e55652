"""Prices: they order models as a clock would, and depend on nothing but the model."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from afield.graph.builder import Builder
from afield.graph.cost import INPUT_US, MULTIPLY_MORE_US, MULTIPLY_US, RUN_US, estimate
from afield.graph.profile import OPERATORS
from unit.graph.test_trees import chain_of_sets, model_of, random_trees


def chain(length, width=4, dtype="float32", kind="Add"):
    b = Builder()
    x = b.input("x", dtype, ["N", width])
    for i in range(length):
        x = b.op(kind, x, *([b.constant(np.float32(i))] if kind == "Add" else []))
    b.output(x, "y", ["N", width])
    return b.build("chain")


def test_counts_and_bytes():
    model = chain(5)
    cost = estimate(model)
    assert (cost.nodes, cost.trees) == (6, 0)
    assert cost.bytes == len(model.SerializeToString())


def test_more_nodes_and_wider_rows_cost_more():
    base = estimate(chain(5)).latency_us
    assert estimate(chain(50)).latency_us > base
    assert estimate(chain(5, width=4000)).latency_us > base
    assert estimate(chain(5, width=400, kind="Sin")).latency_us > estimate(chain(5, width=400)).latency_us


def test_matrix_product_costs_its_multiplications():
    b = Builder()
    x = b.input("x", "float32", ["N", 300])
    b.output(b.op("MatMul", x, b.constant(np.zeros((300, 200), np.float32))), "y", ["N", 200])
    latency = estimate(b.build("product")).latency_us
    assert latency == pytest.approx(RUN_US + INPUT_US + 300 * 200 * MULTIPLY_US, rel=0.1)


def test_further_rows_of_a_matrix_product_cost_less():
    def price(rows):
        b = Builder()
        x = b.input("x", "float32", [rows, 60])
        b.output(b.op("MatMul", x, b.constant(np.zeros((60, 60), np.float32))), "y", [rows, 60])
        return estimate(b.build("product")).latency_us - RUN_US - INPUT_US

    assert price(2) - price(1) == pytest.approx(60 * 60 * MULTIPLY_MORE_US, rel=0.2)
    assert price(9) < 3 * price(1)


def test_trees_cost_by_their_depth_and_sets():
    shallow, deep = model_of(random_trees(0, trees=50), 2), model_of(random_trees(0, trees=500), 2)
    assert estimate(shallow).trees == 50
    assert estimate(deep).latency_us > 2 * estimate(shallow).latency_us
    assert estimate(model_of(chain_of_sets(10, 60), 1)).latency_us > estimate(
        model_of(chain_of_sets(1, 60), 1)
    ).latency_us  # fmt: skip


def test_path_length_is_the_mean_over_leaves():
    # a line of 3 nodes: leaves at depths 1, 2, 3, 3
    one, ten = (estimate(model_of(chain_of_sets(1, n), 1)).latency_us for n in (3, 10))
    per_level = (ten - one) / (sum([*range(1, 11), 10]) / 11 - (1 + 2 + 3 + 3) / 4)
    assert per_level == pytest.approx(0.009 + 0.0012, abs=5e-4)


def test_constant_nodes_are_free():
    b = Builder()
    x = b.input("x", "float32", ["N", 2])
    folded = b.op("Exp", b.constant(np.ones((1, 2), np.float32)))
    b.output(b.op("Add", x, folded), "y", ["N", 2])
    plain = Builder()
    x = plain.input("x", "float32", ["N", 2])
    plain.output(plain.op("Add", x, plain.constant(np.ones((1, 2), np.float32))), "y", ["N", 2])
    assert estimate(b.build("m")).latency_us == estimate(plain.build("m")).latency_us


def test_text_costs_more_than_numbers():
    b = Builder()
    x = b.input("x", "string", ["N"])
    b.output(b.op("RegexFullMatch", x, dtype="bool", pattern="[0-9]+"), "y", ["N"])
    words = Builder()
    x = words.input("x", "string", ["N"])
    words.output(words.op_many("StringSplit", x, dtypes=["string", "int64"], delimiter=" ")[0], "y", ["N", "W"])
    assert estimate(words.build("m")).latency_us > estimate(b.build("m")).latency_us > RUN_US + INPUT_US


def test_the_same_after_a_round_trip():
    model = model_of(random_trees(2, members=8), 2)
    assert estimate(onnx.load_from_string(model.SerializeToString())) == estimate(model)


def test_every_priced_operator_is_allowed():
    from afield.graph import cost

    assert set(cost._GROUP_OF) <= set(OPERATORS)


def test_characters_of_texts_are_priced():
    """The Tokenizer is no operator that shape inference knows."""

    def price(words: int) -> float:
        b = Builder()
        x = b.input("x", "string", ["N"])
        texts = b.reshape(b.concat([x] * words, axis=0), [-1])
        letters = b.op("Tokenizer", texts, mark=0, mincharnum=1, pad_value="", separators=[""])
        codes = b.op(
            "LabelEncoder", letters, dtype="int64", keys_strings=["a", "b"], values_int64s=[1, 2], default_int64=0
        )
        b.output(b.op("ReduceSum", codes, b.constant(np.array([1])), keepdims=0), "y", ["N"])
        return estimate(b.build("m", check=False)).latency_us

    assert 1 < price(1) < 50
    assert price(1) < price(8) < 20 * price(1)
