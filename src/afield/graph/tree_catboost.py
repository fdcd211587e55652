"""Reads CatBoost's JSON form of a model into ``ObliviousTrees``; CatBoost itself is not needed.

Source: CatBoost's model export in JSON (``catboost/libs/model/model_export/json_model_helpers.cpp``): ``splits`` of a
tree from the lowest bit of the leaf's number upwards, ``leaf_values`` leaf after leaf with all outputs of a leaf
together, borders as float32, a question true when ``x > border``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.graph.oblivious import ObliviousTrees

_BELOW_ALL = ("AsIs", "AsFalse")  # either way NaN is above no border


def read_catboost(document: Mapping[str, Any]) -> tuple[ObliviousTrees, NDArray[np.float64]]:
    """Return the trees and the float64 [W] bias of a CatBoost model.

    Raises
    ------
    ValueError
        The model scales its sum, splits by anything but borders of numbers, or has NaN above all borders: afield
        trains none of these.
    """
    treatments = {f["nan_value_treatment"] for f in document["features_info"].get("float_features", ())}
    if treatments - set(_BELOW_ALL):
        raise ValueError(f"missing values treated as {sorted(treatments - set(_BELOW_ALL))}")
    scale, bias = document["scale_and_bias"]
    if scale != 1:
        raise ValueError(f"a model scaled by {scale}")
    trees = document["oblivious_trees"]
    splits = [split for tree in trees for split in tree["splits"] or ()]
    kinds = {s["split_type"] for s in splits}
    if kinds - {"FloatFeature"}:
        raise ValueError(f"splits by {sorted(kinds)}")
    offset = np.atleast_1d(np.asarray(bias, dtype=np.float64))
    values = np.array([value for tree in trees for value in tree["leaf_values"]], dtype=np.float64)
    return (
        ObliviousTrees(
            depth=np.array([len(tree["splits"] or ()) for tree in trees], dtype=np.int64),
            feature=np.array([s["float_feature_index"] for s in splits], dtype=np.int64),
            border=np.array([s["border"] for s in splits], dtype=np.float64).astype(np.float32),
            leaves=values.reshape(-1, len(offset)),
        ),
        offset,
    )
