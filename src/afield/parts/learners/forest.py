"""Random forests and extremely randomised trees by scikit-learn: errors unlike those of boosting, so a good partner."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.graph.builder import Builder, Value
from afield.graph.tree_forest import read_forest
from afield.graph.trees import Trees, sum_leaves
from afield.parts.learners.folds import both_classes, total
from afield.parts.learners.standardise import Scale
from afield.parts.protocol import Feature, FitContext, FittedLearner, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.problem import Task

_TREE_FIELDS = ("counts", "left", "right", "feature", "threshold", "missing_left", "leaves")
_LEAF_BYTES = 36  # a leaf and the node above it in the file
_CLASS_BYTES = 4  # each class of a leaf of a multiclass forest
_CHUNK = 16  # trees grown between two looks at the clock
#: where the cap on leaves binds, a tree grows on so many drawn rows for each leaf: seven times faster on 100,000
#: rows, for a loss within 1 %
_ROWS_A_LEAF = 100


@dataclasses.dataclass(frozen=True)
class FittedForest:
    """The forest's node tables.

    ``leaves`` is float64 [L, W]: the shares of the classes in ``present``, or one scaled mean of the target.
    """

    kind: str
    task: Task
    classes: int
    present: tuple[int, ...]
    width: int
    scale: Scale
    arrays: Mapping[str, NDArray[Any]]

    @property
    def rounds(self) -> int:
        """Number of trees."""
        return len(self.arrays["counts"])

    @cached_property
    def _estimator(self) -> Any:
        return _rebuild(self)

    def reference(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return scikit-learn's answer: probabilities float64 [n, K], or predictions float64 [n, 1]."""
        # scikit-learn looks for infinities by summing up all features, which may itself overflow
        with np.errstate(over="ignore", invalid="ignore"):
            if self.task == "regression":
                return self.scale.back(np.asarray(self._estimator.predict(features), dtype=np.float64))[:, None]
            answer = np.zeros((len(features), self.classes))
            answer[:, list(self.present)] = self._estimator.predict_proba(features)
            return answer

    def state(self) -> State:
        """Return the node tables and what they lack."""
        facts = {
            "kind": self.kind, "task": self.task, "classes": self.classes, "present": list(self.present),
            "width": self.width, "scale": self.scale.to_json(),
        }  # fmt: skip
        return {"json": np.array(json.dumps(facts, sort_keys=True)), **{n: self.arrays[n] for n in _TREE_FIELDS}}

    def trees(self, share: float) -> Trees:
        """Return the trees, their leaves weighted so that they add up to ``share`` of the answer.

        Leaves hold the probability of the second class (binary), of each class (multiclass), or the target without
        its centre (regression).
        """
        a = self.arrays
        leaves = a["leaves"] * (share / self.rounds)
        if self.task == "regression":
            leaves = leaves * self.scale.spread
        else:
            every = np.zeros((len(leaves), self.classes))
            every[:, list(self.present)] = leaves
            leaves = every[:, 1:] if self.classes == 2 else every
        return read_forest(
            counts=a["counts"].astype(np.int64),
            left=a["left"].astype(np.int64),
            right=a["right"].astype(np.int64),
            feature=a["feature"].astype(np.int64),
            threshold=a["threshold"],
            missing_left=a["missing_left"].astype(bool),
            leaves=np.ascontiguousarray(leaves),
        )


@dataclasses.dataclass(frozen=True)
class Forest:
    """The part."""

    name: str = "forest"
    tasks: frozenset[str] = frozenset({"binary", "multiclass", "regression"})
    space: Mapping[str, Setting] = dataclasses.field(
        default_factory=lambda: {
            "kind": Setting(kind="choice", default="random", choices=("random", "extra")),
            "trees": Setting(kind="integer", default=100, low=1, high=1000, log=True),
            "max_features": Setting(kind="number", default=0.5, low=0.05, high=1.0, log=True),
            "min_samples_leaf": Setting(kind="integer", default=2, low=1, high=1000, log=True),
            "max_bytes": Setting(kind="integer", default=1_500_000, low=20_000, high=500_000_000, log=True),
        }
    )

    def fit(
        self,
        features: NDArray[np.float32],
        forms: Sequence[Feature],
        target: Answer,
        context: FitContext,
        settings: Settings,
    ) -> FittedForest:
        """Grow trees until there are enough, the time is up or the work is cancelled; one tree at least.

        Leaves are bounded so that the forest weighs about ``max_bytes`` in the file at most.

        Raises
        ------
        ProblemError
            ``parts.settings``.
        """
        begin = time.monotonic()
        chosen = settle(self.space, settings)
        scale = Scale.of(target, context.weights)
        values = scale.forth(target.values) if target.task == "regression" else target.values
        trees = chosen["trees"] if context.rounds is None else max(1, context.rounds)
        forest = _estimator_class(chosen["kind"], target.task)(
            n_estimators=1,
            max_features=chosen["max_features"],
            random_state=context.seed,
            n_jobs=context.threads,
            warm_start=True,
            **_leaf_limits(chosen, max(trees, chosen["trees"]), target),  # fewer rounds do not make larger trees
        )
        grown, pace = 0, 0.0
        while grown < trees:
            started = time.monotonic()
            # a first tree alone, so that a short time limit is kept; the chunks do not change the trees
            step = min(_CHUNK, trees - grown) if grown else 1
            if context.time_limit_s is not None and grown:
                left = begin + context.time_limit_s - started
                step = min(step, int(left / pace) if pace > 0 else step)
                if step < 1:
                    break
            forest.set_params(n_estimators=grown + step)
            forest.fit(features, values, sample_weight=context.weights)
            grown += step
            pace = (time.monotonic() - started) / step
            if context.cancelled():
                break
        present = () if target.task == "regression" else tuple(int(c) for c in forest.classes_)
        return FittedForest(
            kind=chosen["kind"],
            task=target.task,
            classes=target.classes,
            present=present,
            width=features.shape[1],
            scale=scale,
            arrays=_node_tables(forest),
        )

    def restore(self, state: State) -> FittedForest:
        """Return the fitted learner that gave this state."""
        facts = json.loads(str(state["json"]))
        facts |= {"scale": Scale(**facts["scale"]), "present": tuple(facts["present"])}
        return FittedForest(arrays={n: state[n] for n in _TREE_FIELDS}, **facts)

    def lower(
        self, builder: Builder, features: Value, fitted: Sequence[FittedLearner], task: Task, classes: int
    ) -> Value:
        """Add one tree-ensemble node for each fold and the sum of their shares.

        float32 [N, F] to float64 [N, K] or [N, 1].
        """
        folds = [f for f in fitted if isinstance(f, FittedForest)]
        features = builder.cast(features, "float64")
        outputs = classes if task == "multiclass" else 1
        parts = [sum_leaves(builder, features, f.trees(1.0 / len(folds)), outputs) for f in folds]
        if task == "regression":
            return total(builder, parts, float(np.mean([f.scale.centre for f in folds])))
        summed = parts[0]
        for part in parts[1:]:
            summed = builder.op("Add", summed, part)
        return summed if task == "multiclass" else both_classes(builder, summed)


def _leaf_limits(chosen: Mapping[str, Any], trees: int, target: Answer) -> dict[str, Any]:
    rows = len(target.values)
    smallest = max(1, min(chosen["min_samples_leaf"], rows // 4))
    cost = _LEAF_BYTES + (_CLASS_BYTES * target.classes if target.task == "multiclass" else 0)
    most = max(2, chosen["max_bytes"] // (trees * cost))
    # growing best-first under a cap is slower: only where the cap can bind
    limits = {"min_samples_leaf": smallest, "max_leaf_nodes": int(most) if rows // smallest > most else None}
    if rows // smallest > most and rows > 2 * _ROWS_A_LEAF * most:
        limits |= {"bootstrap": True, "max_samples": int(_ROWS_A_LEAF * most)}
    return limits


def _estimator_class(kind: str, task: Task) -> Any:
    from sklearn import ensemble

    family = "RandomForest" if kind == "random" else "ExtraTrees"
    return getattr(ensemble, family + ("Regressor" if task == "regression" else "Classifier"))


def _node_tables(forest: Any) -> dict[str, NDArray[Any]]:
    tables = [e.tree_.__getstate__() for e in forest.estimators_]
    nodes = np.concatenate([t["nodes"] for t in tables])
    values = np.concatenate([t["values"][:, 0, :] for t in tables])
    return {
        "counts": np.array([t["node_count"] for t in tables], dtype=np.int32),
        "left": nodes["left_child"].astype(np.int32),
        "right": nodes["right_child"].astype(np.int32),
        "feature": nodes["feature"].astype(np.int32),
        "threshold": nodes["threshold"].astype(np.float64),
        "missing_left": nodes["missing_go_to_left"].astype(np.uint8),
        "leaves": values[nodes["left_child"] < 0].astype(np.float64),
    }


def _rebuild(fitted: FittedForest) -> Any:
    """Return scikit-learn's own estimator around the stored tables, so that its own code predicts."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
    from sklearn.tree._tree import NODE_DTYPE, Tree

    a, regression = fitted.arrays, fitted.task == "regression"
    counts = a["counts"].astype(np.int64)
    nodes = np.zeros(len(a["left"]), dtype=NODE_DTYPE)
    for field, name in (("left_child", "left"), ("right_child", "right"), ("feature", "feature"),
                        ("threshold", "threshold"), ("missing_go_to_left", "missing_left")):  # fmt: skip
        nodes[field] = a[name]
    values = np.zeros((len(nodes), 1, a["leaves"].shape[1]))
    values[a["left"] < 0, 0] = a["leaves"]  # inner nodes answer nothing
    width = a["leaves"].shape[1]
    present = np.arange(width)
    forest = _estimator_class(fitted.kind, fitted.task)(n_estimators=len(counts), n_jobs=1)
    forest.estimators_ = []
    for end, count in zip(np.cumsum(counts), counts, strict=True):
        tree = Tree(fitted.width, np.array([1 if regression else width], dtype=np.intp), 1)
        part = slice(end - count, end)
        tree.__setstate__(
            {"max_depth": 0, "node_count": int(count), "nodes": nodes[part].copy(), "values": values[part].copy()}
        )
        one = DecisionTreeRegressor() if regression else DecisionTreeClassifier()
        one.tree_, one.n_outputs_, one.n_features_in_ = tree, 1, fitted.width
        if not regression:
            one.classes_, one.n_classes_ = present, width
        forest.estimators_.append(one)
    forest.n_outputs_, forest.n_features_in_ = 1, fitted.width
    if not regression:
        forest.classes_, forest.n_classes_ = present, width
    return forest


part = Forest()
