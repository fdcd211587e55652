"""LightGBM's bins of a feature matrix, made once in a worker for all folds and trials with the same encoding.

Bins are made from all rows of a split. They do not look at the target, and so are the same in whatever worker and after
whatever other fits: what is kept here saves time and changes no result.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.parts.protocol import FitContext, Whole

#: what one worker keeps at most, by one byte for each cell
_MOST_BYTES = 400_000_000
#: what decides the bins; a fit that differs in other settings shares them
_BINNING = ("max_bin", "min_data_in_bin")

_kept: OrderedDict[tuple[object, ...], tuple[Any, int]] = OrderedDict()


def datasets(
    features: NDArray[np.float32],
    values: NDArray[Any],
    held: NDArray[Any] | None,
    codes: Sequence[int],
    parameters: Mapping[str, Any],
    context: FitContext,
) -> tuple[Any, Any | None]:
    """Return LightGBM's training set, and that of ``context.validation`` where ``held`` gives its targets.

    ``values`` and ``held`` are the targets as LightGBM takes them; ``codes`` are the categorical features.
    """
    import lightgbm

    weights = None if context.validation is None else context.validation[2]
    if context.whole is None:
        train = lightgbm.Dataset(
            features, values, weight=context.weights, categorical_feature=list(codes), params=dict(parameters)
        )
        if held is None or context.validation is None:
            return train, None
        return train, train.create_valid(context.validation[0], held, weight=weights, params=dict(parameters))
    binned = _binned(context.whole, codes, parameters)
    train = _subset(binned, context.whole.rows, values, context.weights)
    if held is None:
        return train, None
    return train, _subset(binned, context.whole.valid, held, weights)


def _binned(whole: Whole, codes: Sequence[int], parameters: Mapping[str, Any]) -> Any:
    """Return the bins of all rows: those that are kept, or new ones."""
    import lightgbm

    # features that no leaf could split in one fit can be split in another; the sample that bins come from is one
    binning = {name: parameters[name] for name in _BINNING} | {"feature_pre_filter": False, "data_random_seed": 1}
    key = (whole.key, tuple(codes), *binning.values())
    if key in _kept:
        _kept.move_to_end(key)
        return _kept[key][0]
    features = whole.features()
    fixed = {name: parameters[name] for name in ("verbosity", "num_threads", "force_row_wise", "deterministic")}
    made = lightgbm.Dataset(
        features,
        np.zeros(len(features), dtype=np.float32),
        categorical_feature=list(codes),
        params=fixed | binning,
        free_raw_data=True,
    ).construct()
    _kept[key] = (made, features.size)
    while sum(size for _, size in _kept.values()) > _MOST_BYTES:  # the new one too, where it is large
        _kept.popitem(last=False)
    return made


def _subset(binned: Any, rows: NDArray[np.int64], values: NDArray[Any], weights: NDArray[np.float64] | None) -> Any:
    part = binned.subset(rows, params=dict(binned.params)).construct()
    part.set_label(values)
    if weights is not None:
        part.set_weight(weights)
    return part
