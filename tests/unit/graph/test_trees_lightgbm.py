"""LightGBM's text form, read without LightGBM and held to LightGBM's own predictions."""

from __future__ import annotations

import lightgbm
import numpy as np
import onnxruntime as ort
import pytest

from afield.graph.builder import Builder
from afield.graph.tree_lightgbm import read_lightgbm
from afield.graph.trees import sum_leaves

ROWS, WIDTH = 600, 5


def table(missing):
    draw = np.random.default_rng(2)
    x = draw.normal(size=(ROWS, WIDTH)).astype(np.float32)
    x[:, 3] = draw.integers(0, 60, ROWS)
    x[draw.random(ROWS) < 0.5, 1] = 0.0  # bins at LightGBM's borders of zero
    y = np.nan_to_num(x[:, 0]) + (x[:, 3] % 3) + (x[:, 1] > 0)
    if missing:
        x[draw.random(ROWS) < 0.3, 0] = np.nan
    return x, y


def raw(text, rows, outputs=1):
    b = Builder()
    x = b.input("features", "float32", ["N", WIDTH])
    b.output(sum_leaves(b, x, read_lightgbm(text, outputs), outputs), "answer", ["N", outputs])
    session = ort.InferenceSession(b.build("m").SerializeToString())
    return session.run(None, {"features": rows})[0]


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("categorical", [[], [3]])
@pytest.mark.parametrize("extra", [{}, {"use_missing": False}, {"max_cat_to_onehot": 64}, {"extra_trees": True}])
def test_equals_lightgbm(missing, categorical, extra):
    x, y = table(missing)
    parameters = {"objective": "regression", "verbosity": -1, "num_threads": 1, "min_data_per_group": 5, **extra}
    booster = lightgbm.train(parameters, lightgbm.Dataset(x, y, categorical_feature=categorical), 20)
    rows = x.copy()
    draw = np.random.default_rng(3)
    tiny = np.float32(1e-35)
    hostile = [np.nan, 0.0, -0.0, 3.4e38, -3.4e38, tiny, -tiny, np.nextafter(tiny, np.float32(1)), 1e-40, -1e-40]
    for column in (0, 1, 2, 4):
        put = draw.random(ROWS) < 0.4
        rows[put, column] = draw.choice(np.array(hostile, np.float32), put.sum())
    rows[::7, 3] = np.nan
    rows[1::7, 3] = 1000.0  # a code never seen
    np.testing.assert_allclose(raw(booster.model_to_string(), rows)[:, 0], booster.predict(rows), atol=1e-12)


def test_constant_trees():
    x, y = table(False)
    booster = lightgbm.train({"objective": "regression", "verbosity": -1}, lightgbm.Dataset(x[:, :1] * 0, y), 3)
    np.testing.assert_allclose(raw(booster.model_to_string(), x)[:, 0], y.mean(), rtol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"linear_tree": True}, "linear leaves"),
        ({"zero_as_missing": True}, "zeros as missing"),
        ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "averages"),
    ],
)
def test_refuses_what_it_cannot_lower(parameters, message):
    x, y = table(False)
    settings = {"objective": "regression", "verbosity": -1, "num_threads": 1, **parameters}
    booster = lightgbm.train(settings, lightgbm.Dataset(x, y, params=settings), 3)
    with pytest.raises(ValueError, match=message):
        read_lightgbm(booster.model_to_string(), 1)
