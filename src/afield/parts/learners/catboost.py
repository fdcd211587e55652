"""Oblivious boosted trees by CatBoost: strong without tuning, and unlike LightGBM's, so a good partner.

CatBoost's own treatment of categories stays off: encodings live in the graph.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.graph.builder import Builder, Value
from afield.graph.oblivious import ObliviousTrees, join_oblivious, sum_oblivious
from afield.graph.tree_catboost import read_catboost
from afield.parts.learners.folds import mean_probabilities
from afield.parts.learners.standardise import Scale
from afield.parts.protocol import Feature, FitContext, FittedLearner, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.problem import Task

_PASSED_ON = (
    "learning_rate", "depth", "l2_leaf_reg", "random_strength", "border_count", "score_function",
)  # fmt: skip
_BOOTSTRAPS = {"no": "No", "bayesian": "Bayesian", "bernoulli": "Bernoulli", "mvs": "MVS"}
_TREE_FIELDS = ("depth", "feature", "border", "leaves")
_NEVER, _NEVER_LOGIT = -1e30, -1000.0  # the score of a class that the rows lack: its probability is exactly 0
#: what float32 leaves may change of a score (of a probability: half of it at most), or of a prediction in spreads
_SCORE_ROUNDING, _SPREAD_ROUNDING = 1e-6, 3e-7
_NO_TREES = ObliviousTrees(
    depth=np.zeros(0, np.int64), feature=np.zeros(0, np.int64), border=np.zeros(0, np.float32), leaves=np.zeros((0, 1))
)


@dataclasses.dataclass(frozen=True)
class FittedCatBoost:
    """CatBoost's own binary model (empty: the answer is constant), its trees, and the scale of the target.

    ``present`` are the classes that the rows had; ``bias`` is what is added to the trees' sum, one number for each of
    ``present``, or one for two classes and for a regression.
    """

    model: bytes
    task: Task
    classes: int
    present: tuple[int, ...]
    bias: tuple[float, ...]
    scale: Scale
    trees: ObliviousTrees

    @property
    def rounds(self) -> int:
        """Number of trees."""
        return self.trees.count

    @cached_property
    def _booster(self) -> Any:
        import catboost

        booster = catboost.CatBoost()
        booster.load_model(blob=self.model)
        return booster

    def reference(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return CatBoost's answer: probabilities float64 [n, K], or predictions float64 [n, 1]."""
        regression = self.task == "regression"
        if not self.model:
            answer = np.tile(_constant(np.array(self.bias), self.task, len(self.present)), (len(features), 1))
        else:
            kind = "RawFormulaVal" if regression else "Probability"
            answer = np.asarray(self._booster.predict(features, prediction_type=kind, thread_count=1), dtype=np.float64)
        if regression:
            return self.scale.back(answer.reshape(-1, 1))
        every = np.zeros((len(features), self.classes))
        every[:, list(self.present)] = answer
        return every

    def state(self) -> State:
        """Return CatBoost's own binary model, the trees as arrays, and what they lack."""
        facts = {
            "task": self.task, "classes": self.classes, "present": list(self.present), "bias": list(self.bias),
            "scale": self.scale.to_json(),
        }  # fmt: skip
        return {
            "json": np.array(json.dumps(facts, sort_keys=True)),
            "model": np.frombuffer(self.model, dtype=np.uint8),
            **{name: getattr(self.trees, name) for name in _TREE_FIELDS},
        }

    def block(self, outputs: int) -> tuple[ObliviousTrees, NDArray[np.float64]]:
        """Return trees, one at least, with leaves of ``outputs`` scores, and float64 [outputs] to be added."""
        trees, scores = self.trees, np.array(self.bias)
        if not trees.count:
            empty = np.zeros((1, outputs))
            trees = dataclasses.replace(_NO_TREES, depth=np.zeros(1, np.int64), leaves=empty)
        elif outputs > 1:
            leaves = np.zeros((len(trees.leaves), outputs))
            leaves[:, list(self.present)] = trees.leaves
            trees = dataclasses.replace(trees, leaves=leaves)
        if self.task == "binary" and len(self.present) == 1:
            return trees, np.array([-_NEVER_LOGIT if self.present[0] else _NEVER_LOGIT])
        if outputs > 1:
            bias = np.full(outputs, _NEVER)
            bias[list(self.present)] = scores
            return trees, bias
        return trees, scores


@dataclasses.dataclass(frozen=True)
class CatBoost:
    """The part."""

    name: str = "catboost"
    tasks: frozenset[str] = frozenset({"binary", "multiclass", "regression"})
    # Defaults: few features a level and noise in the choice of splits bear large steps. On six tables of 1,000 to 4,000
    # rows about a third of the work of CatBoost's own, and a loss 1 % lower, within noise; larger tables: not measured.
    space: Mapping[str, Setting] = dataclasses.field(
        default_factory=lambda: {
            "learning_rate": Setting(kind="number", default=0.15, low=0.005, high=1.0, log=True),
            "depth": Setting(kind="integer", default=5, low=1, high=10),
            "l2_leaf_reg": Setting(kind="number", default=3.0, low=0.01, high=1000.0, log=True),
            "random_strength": Setting(kind="number", default=2.0, low=0.0, high=20.0),
            "bootstrap": Setting(kind="choice", default="mvs", choices=tuple(_BOOTSTRAPS)),
            "bagging_temperature": Setting(kind="number", default=1.0, low=0.0, high=10.0),
            "subsample": Setting(kind="number", default=0.8, low=0.1, high=1.0),
            "rsm": Setting(kind="number", default=0.4, low=0.05, high=1.0),
            "border_count": Setting(kind="integer", default=128, low=2, high=254, log=True),
            "leaf_steps": Setting(kind="integer", default=1, low=1, high=20, log=True),
            "score_function": Setting(kind="choice", default="Cosine", choices=("Cosine", "L2")),
            "boost_from_average": Setting(kind="boolean", default=True),
            "max_rounds": Setting(kind="integer", default=1000, low=1, high=20_000, log=True),
            "patience": Setting(kind="integer", default=30, low=1, high=1000, log=True),
        }
    )

    def fit(
        self,
        features: NDArray[np.float32],
        forms: Sequence[Feature],
        target: Answer,
        context: FitContext,
        settings: Settings,
    ) -> FittedCatBoost:
        """Boost until the validation loss has not fallen for ``patience`` rounds, or the rounds are used up.

        Stops early, with what there is, when the time limit is reached or the work is cancelled. Where nothing can be
        split (one class, equal targets, constant features) the answer is the best constant.

        Raises
        ------
        ProblemError
            ``parts.settings``.
        """
        import catboost

        begin = time.monotonic()
        chosen = settle(self.space, settings)
        scale = Scale.of(target, context.weights)
        values, present = _values(target, scale)
        facts: dict[str, Any] = {"task": target.task, "classes": target.classes, "present": present, "scale": scale}
        if (values == values[0]).all() or not _varies(features):
            bias = _best_constant(values, target.task, present, context)
            return FittedCatBoost(model=b"", bias=bias, trees=_NO_TREES, **facts)
        loss = _loss(target.task, context)
        validation = None if context.rounds is not None else _validation(context, scale, present)
        limit = context.rounds if context.rounds is not None else chosen["max_rounds"]
        watch = _Watch(context, begin, chosen["patience"] if validation is not None else None)
        booster = catboost.CatBoost(_parameters(chosen, loss, max(1, limit), features.shape, context))
        booster.fit(
            catboost.Pool(_finite(features), label=values, weight=_some(context.weights), thread_count=context.threads),
            eval_set=None if validation is None else catboost.Pool(**validation, thread_count=context.threads),
            callbacks=[watch],
        )
        booster.shrink(ntree_end=max(1, min(watch.best, booster.tree_count_)))
        model, document = _stored(booster, loss)
        trees, added = read_catboost(document)
        return FittedCatBoost(model=model, bias=tuple(added.tolist()), trees=trees, **facts)

    def restore(self, state: State) -> FittedCatBoost:
        """Return the fitted learner that gave this state."""
        facts = json.loads(str(state["json"]))
        facts |= {"scale": Scale(**facts["scale"])} | {n: tuple(facts[n]) for n in ("present", "bias")}
        trees = ObliviousTrees(**{name: state[name] for name in _TREE_FIELDS})
        return FittedCatBoost(model=state["model"].tobytes(), trees=trees, **facts)

    def lower(
        self, builder: Builder, features: Value, fitted: Sequence[FittedLearner], task: Task, classes: int
    ) -> Value:
        """Add one set of nodes for the trees of all folds, and the mean of their answers.

        float32 [N, F] to float64 [N, K] or [N, 1].
        """
        folds = [f for f in fitted if isinstance(f, FittedCatBoost)]
        if task == "regression":
            return _mean_regression(builder, features, folds)
        outputs = classes if task == "multiclass" else 1
        blocks = [f.block(outputs) for f in folds]
        scores = sum_oblivious(builder, features, [trees for trees, _ in blocks], outputs, _SCORE_ROUNDING)
        bias = np.concatenate([b for _, b in blocks])
        if bias.any():
            scores = builder.op("Add", scores, builder.constant(bias[None, :]))
        return mean_probabilities(builder, [scores], classes, len(folds))


class _Watch:
    """CatBoost's callback: finds the best round and ends the work."""

    def __init__(self, context: FitContext, begin: float, patience: int | None) -> None:
        self.best = 0
        self._best_loss = np.inf
        self._context, self._patience = context, patience
        self._end = None if context.time_limit_s is None else begin + context.time_limit_s

    def after_iteration(self, info: Any) -> bool:
        """Return whether to go on."""
        done = int(info.iteration)
        if self._patience is None:
            self.best = done
        elif (loss := next(iter(info.metrics["validation"].values()))[-1]) < self._best_loss:
            self.best, self._best_loss = done, loss
        elif done - self.best >= self._patience:
            return False
        return not (self._context.cancelled() or (self._end is not None and time.monotonic() >= self._end))


def _values(target: Answer, scale: Scale) -> tuple[NDArray[Any], tuple[int, ...]]:
    """Return what CatBoost learns, float32 or class numbers without gaps, and the classes that there are."""
    if target.task == "regression":
        return scale.forth(target.values).astype(np.float32), (0,)
    present, values = np.unique(target.values, return_inverse=True)
    return values.astype(np.int64), tuple(int(c) for c in present)


def _varies(features: NDArray[np.float32]) -> bool:
    """Return whether any feature has two values; NaN is one."""
    first = features[:1]
    return bool(((features != first) & ~(np.isnan(features) & np.isnan(first))).any())


def _finite(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the features with the largest floats for infinities, which are no borders."""
    if not np.isinf(features).any():
        return features
    most = np.finfo(np.float32).max
    return np.clip(features, -most, most)  # NaN stays


def _some(weights: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    """Return the weights, or None where all are 0: CatBoost refuses them."""
    return weights if weights is not None and weights.any() else None


def _validation(context: FitContext, scale: Scale, present: tuple[int, ...]) -> Mapping[str, Any] | None:
    """Return the rows to stop early on, without those of a class that is not learned; None where none are left."""
    if context.validation is None:
        return None
    features, target, weights = context.validation
    if target.task == "regression":
        return {
            "data": _finite(features),
            "label": scale.forth(target.values).astype(np.float32),
            "weight": _some(weights),
        }
    place = np.full(target.classes, -1)
    place[list(present)] = np.arange(len(present))
    values = place[target.values]
    kept = values >= 0
    if not kept.any():
        return None
    weights = None if weights is None else weights[kept]
    return {"data": _finite(features[kept]), "label": values[kept], "weight": _some(weights)}


def _loss(task: Task, context: FitContext) -> str:
    if task == "binary":
        return "Logloss"
    if task == "multiclass":
        return "MultiClass"
    level = context.pinball_level
    if level is None:
        return "RMSE"
    return "MAE" if level == 0.5 else f"Quantile:alpha={level!r}"


def _parameters(
    chosen: Mapping[str, Any], loss: str, rounds: int, shape: tuple[int, ...], context: FitContext
) -> dict[str, Any]:
    kind, _, given = loss.partition(":")
    few = shape[0] * chosen["subsample"] < 2.0  # CatBoost draws no sample of a row
    bootstrap = "no" if few else chosen["bootstrap"]
    return {
        "loss_function": loss,
        # the loss of the training rows is asked for by nobody
        "eval_metric": f"{kind}:{given};hints=skip_train~true" if given else f"{kind}:hints=skip_train~true",
        "iterations": rounds,
        "random_seed": context.seed,
        "thread_count": context.threads,
        "allow_writing_files": False,
        "logging_level": "Silent",
        "boosting_type": "Plain",
        "grow_policy": "SymmetricTree",
        "nan_mode": "Min",
        "use_best_model": False,  # the best round is found here, whatever the validation rows are
        "bootstrap_type": _BOOTSTRAPS[bootstrap],
        **{name: chosen[name] for name in _PASSED_ON},
        "rsm": max(chosen["rsm"], min(1.0, 2.0 / shape[1])),  # two features a level, or narrow tables lack splits
        **({"bagging_temperature": chosen["bagging_temperature"]} if bootstrap == "bayesian" else {}),
        **({"subsample": chosen["subsample"]} if bootstrap in ("bernoulli", "mvs") else {}),
        **({"leaf_estimation_iterations": chosen["leaf_steps"]} if kind in ("Logloss", "MultiClass") else {}),
        **({} if kind == "MultiClass" else {"boost_from_average": chosen["boost_from_average"]}),
    }


def _stored(booster: Any, loss: str) -> tuple[bytes, Any]:
    """Return CatBoost's own binary form, without what differs from fit to fit, and its JSON form."""
    metadata = booster.get_metadata()
    for name in list(metadata):  # times, paths, threads, a random number
        del metadata[name]
    # predictions ask which loss it was
    metadata["params"] = json.dumps({"loss_function": {"type": loss.partition(":")[0], "params": {}}})
    with TemporaryDirectory() as folder:
        binary, document = Path(folder, "model.cbm"), Path(folder, "model.json")
        booster.save_model(str(binary), format="cbm")
        booster.save_model(str(document), format="json")
        return binary.read_bytes(), json.loads(document.read_bytes())


def _best_constant(
    values: NDArray[Any], task: Task, present: tuple[int, ...], context: FitContext
) -> tuple[float, ...]:
    """Return the scores of the best answer without any split."""
    weights = np.ones(len(values)) if (some := _some(context.weights)) is None else some
    if task == "regression":
        if (level := context.pinball_level) is None:
            return (float(np.average(values, weights=weights)),)
        order = np.argsort(values, kind="stable")
        reached = np.cumsum(weights[order])
        return (float(values[order][np.searchsorted(reached, level * reached[-1])]),)
    shares = np.maximum(np.bincount(values, weights=weights, minlength=len(present)) / weights.sum(), 1e-15)
    if task == "binary" and len(present) == 2:
        return (float(np.log(shares[1] / shares[0])),)
    return tuple(np.log(shares).tolist())


def _constant(scores: NDArray[np.float64], task: Task, present: int) -> NDArray[np.float64]:
    """Return the answer to a row from the scores of a constant."""
    if task == "regression":
        return scores
    if task == "binary" and present == 2:
        scores = np.array([0.0, scores[0]])
    odds = np.exp(scores - scores.max())
    return odds / odds.sum()


def _mean_regression(builder: Builder, features: Value, folds: Sequence[FittedCatBoost]) -> Value:
    """Return float64 [N, 1]; the trees of all folds are one sum."""
    share = [f.scale.spread / len(folds) for f in folds]
    blocks = [f.block(1) for f in folds]
    trees = join_oblivious(
        [dataclasses.replace(t, leaves=t.leaves * s) for (t, _), s in zip(blocks, share, strict=True)]
    )
    bias = sum(float(b[0]) * s for (_, b), s in zip(blocks, share, strict=True))
    offset = np.float64(np.mean([f.scale.centre for f in folds]) + bias)
    summed = sum_oblivious(builder, features, [trees], 1, _SPREAD_ROUNDING * min(f.scale.spread for f in folds))
    return builder.op("Add", summed, builder.constant(offset))


part = CatBoost()
