"""Where the trees of a model change their mind: thresholds and categories, read back from the file itself.

Rows made of them are the ones on which two implementations of a tree can differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from afield.graph.oblivious import oblivious_nodes
from afield.graph.profile import ML
from afield.graph.trees import MEMBER

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TreeSplits:
    """What one tree-ensemble node, or one group of oblivious trees, compares.

    Parameters
    ----------
    node : str
        Name of the node that compares.
    source : str
        Name of the value [N, F] that feeds it, casts left out.
    thresholds : dict of int to float64 array
        Feature index to sorted distinct thresholds.
    members : dict of int to float64 array
        Feature index to sorted distinct categories that some node asks for.
    """

    node: str
    source: str
    thresholds: dict[int, Floats]
    members: dict[int, Floats]


def tree_splits(model: onnx.ModelProto) -> tuple[TreeSplits, ...]:
    """Return the splits of each tree-ensemble node of the main graph, in order, and of the oblivious trees."""
    casts = {n.output[0]: n.input[0] for n in model.graph.node if n.op_type == "Cast"}
    found = []
    for node in model.graph.node:
        if node.domain == ML and node.op_type == "TreeEnsemble":
            source = node.input[0]
            while source in casts:
                source = casts[source]
            thresholds, members = _read({a.name: a for a in node.attribute})
            found.append(TreeSplits(node=node.name, source=source, thresholds=thresholds, members=members))
    for group in oblivious_nodes(model):
        thresholds = _grouped(group.feature, group.border.astype(np.float64))
        found.append(TreeSplits(node=group.node, source=group.source, thresholds=thresholds, members={}))
    return tuple(found)


def tree_thresholds(model: onnx.ModelProto) -> dict[str, dict[int, Floats]]:
    """Return sorted distinct thresholds and categories of all trees: source value to feature index to float64 [n]."""
    found: dict[str, dict[int, list[Floats]]] = {}
    for splits in tree_splits(model):
        features = found.setdefault(splits.source, {})
        for place in (splits.thresholds, splits.members):
            for feature, values in place.items():
                features.setdefault(feature, []).append(values)
    return {
        source: {f: np.unique(np.concatenate(features[f])) for f in sorted(features)}
        for source, features in found.items()
    }


def _grouped(features: NDArray[np.int64], values: Floats) -> dict[int, Floats]:
    return {int(f): np.unique(values[features == f]) for f in np.unique(features)}


def _read(attributes: dict[str, onnx.AttributeProto]) -> tuple[dict[int, Floats], dict[int, Floats]]:
    features = np.array(attributes["nodes_featureids"].ints, dtype=np.int64)
    splits = numpy_helper.to_array(attributes["nodes_splits"].t).astype(np.float64)
    member = numpy_helper.to_array(attributes["nodes_modes"].t) == MEMBER
    sets = attributes.get("membership_values")
    values = numpy_helper.to_array(sets.t).astype(np.float64) if sets else np.zeros(0)
    end = np.isnan(values)  # NaN ends the set of one node
    owner = (np.cumsum(end) - end)[~end]
    return _grouped(features[~member], splits[~member]), _grouped(features[member][owner], values[~end])
