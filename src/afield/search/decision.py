"""Tunes how probabilities become a label, for metrics that count labels.

Three rules compete: the most probable class; what is best if the probabilities are right (each row counts as every
class, by its probability: little noise); what was best out-of-fold (no trust in the probabilities, more noise).
One that is tuned must beat the most probable class on folds that it was not tuned on, beyond noise.
Source: Koyejo et al., Consistent Binary Classification with Generalized Performance Metrics (NeurIPS 2014).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from afield.data.metrics import Metric, find_metric
from afield.model.decision import Decision
from afield.search.calibration import Judged

Floats = NDArray[np.float64]
Weights = Floats  # one for each class, float64 [K], the largest 1

#: what rules are tuned for where a class is rare and the metric leaves the label open: both kinds of mistake count,
#: by how common they are; balanced accuracy would call every tenth row of a common class rare
UNASKED = "mcc"
#: the rarest class has less than this share of what an equal share would be: 10 % of two classes
RARE = 0.2
MOST_ROWS, RESAMPLES, TRIED = 40_000, 40, 200
#: a gain must be so many standard errors above 0
BEYOND_NOISE = 1.0
LEAST_ROWS = 40
#: of more classes than this only their frequencies make weights
MANY_CLASSES = 12


def choose_decision(judged: Judged, metric: Metric, classes: Sequence[str], costs: Floats | None = None) -> Decision:
    """Return the rule for these out-of-fold probabilities."""
    if costs is not None:
        table = tuple(tuple(map(float, row)) for row in costs)
        return Decision(rule="costs", costs=table, metric=metric.name)
    unasked = not metric.of_labels
    if unasked and not is_rare(judged, len(classes)):
        return Decision()
    wanted = find_metric(UNASKED) if unasked else metric
    found = tuned_weights(judged.thinned(MOST_ROWS), wanted)
    if found is None:
        return Decision()
    if len(classes) == 2:
        threshold = float(f"{found[0] / found.sum():.4g}")
        positive = classes[1]
        return Decision(rule="threshold", threshold=threshold, positive=positive, metric=wanted.name, unasked=unasked)
    weights = tuple(float(f"{w:.4g}") for w in found)
    return Decision(rule="weights", weights=weights, metric=wanted.name, unasked=unasked)


def is_rare(judged: Judged, classes: int) -> bool:
    """Return whether the rarest class is rare."""
    shares = np.bincount(judged.truth, weights=judged.weights, minlength=classes) / judged.weights.sum()
    return bool(shares.min() < RARE / classes)


def tuned_weights(judged: Judged, metric: Metric) -> Weights | None:
    """Return the weights that beat the most probable class beyond noise, or None."""
    folds = np.unique(judged.fold)
    if len(judged.truth) < LEAST_ROWS or len(folds) < 2:
        return None
    best: tuple[float, Weights] | None = None
    plain = judged.answers.argmax(axis=1)
    for tune in _tuners(judged.answers.shape[1]):
        labels = np.empty_like(plain)
        for fold in folds:
            held = judged.fold == fold
            labels[held] = (judged.answers[held] * tune(judged.take(~held), metric)).argmax(axis=1)
        gain, noise = _gain(judged, metric, plain, labels)
        # a later, freer rule must be better than an earlier one by as much
        if gain > BEYOND_NOISE * noise and (best is None or gain > best[0] + BEYOND_NOISE * noise / 2):
            best = gain, tune(judged, metric)
    return None if best is None else best[1]


def _gain(judged: Judged, metric: Metric, plain: NDArray[np.int64], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Return how much better ``labels`` are than ``plain``, and the standard error of that by a bootstrap."""
    hot = np.eye(judged.answers.shape[1])

    def difference(weights: Floats) -> float:
        before, after = (metric(judged.truth, hot[found], weights) for found in (plain, labels))
        return metric.loss(before) - metric.loss(after)

    units = np.arange(len(plain)) if judged.groups is None else np.unique(judged.groups, return_inverse=True)[1]
    count, draw = int(units.max()) + 1, np.random.default_rng(0)
    drawn = [np.bincount(draw.integers(0, count, count), minlength=count)[units] for _ in range(RESAMPLES)]
    spread = np.nanstd([difference(judged.weights * times) for times in drawn])
    return difference(judged.weights), float(spread)


Tune = Callable[[Judged, Metric], Weights]


def _tuners(classes: int) -> Sequence[Tune]:
    if classes == 2:
        return (_expected_threshold, _seen_threshold)
    return (_frequencies, _class_by_class) if classes <= MANY_CLASSES else (_frequencies,)


# Two classes: a threshold ----------------------------------------------------------------------------------------


def _expected_threshold(judged: Judged, metric: Metric) -> Weights:
    """Return the weights of the threshold that is best if the probabilities are right."""
    positive = judged.answers[:, 1]
    return _of_threshold(_best_threshold(positive, positive, judged.weights, metric))


def _seen_threshold(judged: Judged, metric: Metric) -> Weights:
    """Return the weights of the middle one of the thresholds that are best on resamples."""
    positive, truth, draw = judged.answers[:, 1], (judged.truth == 1).astype(np.float64), np.random.default_rng(0)
    count = len(truth)
    found = []
    for _ in range(RESAMPLES):
        times = np.bincount(draw.integers(0, count, count), minlength=count)
        found.append(_best_threshold(positive, truth, judged.weights * times, metric))
    return _of_threshold(float(np.median(found)))


def _of_threshold(threshold: float) -> Weights:
    at = float(np.clip(threshold, 1e-4, 1.0 - 1e-4))
    return np.array([at, 1.0 - at]) / max(at, 1.0 - at)


def _best_threshold(positive: Floats, truth: Floats, weights: Floats, metric: Metric) -> float:
    """Return the threshold of the best metric; ``truth`` is 0 or 1, or the probability that it is 1."""
    cuts = _cuts(positive)
    place = np.searchsorted(cuts, positive, side="left")  # above cut i: place > i

    def above(values: Floats) -> Floats:
        counts = np.bincount(place, weights=values, minlength=len(cuts) + 1)
        return np.asarray(counts[::-1].cumsum()[::-1][1:])

    hits, answered = above(weights * truth), above(weights)
    ones, total = float(weights @ truth), float(weights.sum())
    values = _of_counts(metric.name, hits, answered - hits, ones, total - ones)
    top = np.flatnonzero(values >= values.max() - 1e-12)
    return float(cuts[top[len(top) // 2]])  # the middle of a plateau


def _cuts(positive: Floats) -> Floats:
    """Return thresholds to try: between neighbouring probabilities, at most 200 of them by their rank."""
    values = np.unique(positive)
    if len(values) > TRIED:
        values = np.unique(np.quantile(values, np.linspace(0.0, 1.0, TRIED)))
    return np.asarray((values[:-1] + values[1:]) / 2 if len(values) > 1 else np.array([0.5]))


def _of_counts(name: str, hits: Floats, false: Floats, ones: float, zeros: float) -> Floats:
    """Return the metric for each pair of true and false positives."""
    misses, right = ones - hits, zeros - false
    with np.errstate(divide="ignore", invalid="ignore"):
        if name == "accuracy":
            values = (hits + right) / (ones + zeros)
        elif name == "balanced_accuracy":
            values = (hits / ones + right / zeros) / 2
        elif name == "f1":
            values = 2 * hits / (2 * hits + false + misses)
        else:
            spread = (hits + false) * (hits + misses) * (right + false) * (right + misses)
            values = (hits * right - false * misses) / np.sqrt(spread)
    return np.nan_to_num(values, nan=0.0, neginf=0.0, posinf=0.0)


# Many classes: a weight for each --------------------------------------------------------------------------------------


def _frequencies(judged: Judged, metric: Metric) -> Weights:
    """Return the best power of the inverse frequencies: one number to tune."""
    classes = judged.answers.shape[1]
    shares = np.bincount(judged.truth, weights=judged.weights, minlength=classes) / judged.weights.sum()
    family = [np.maximum(shares, 1e-4) ** -power for power in (0.0, 0.25, 0.5, 0.75, 1.0)]
    return _best_of([w / w.max() for w in family], judged, metric)


def _class_by_class(judged: Judged, metric: Metric) -> Weights:
    """Return weights that were moved one class after another, from those by frequency."""
    found = _frequencies(judged, metric)
    for _ in range(2):
        for k in range(len(found)):
            tried = [found]
            for factor in (0.5, 0.7, 0.85, 1.2, 1.4, 2.0):
                other = found.copy()
                other[k] *= factor
                tried.append(other / other.max())
            found = _best_of(tried, judged, metric)
    return found


def _best_of(family: Sequence[Weights], judged: Judged, metric: Metric) -> Weights:
    """Return the first of the best."""
    losses = [metric.loss(metric(judged.truth, judged.answers * w, judged.weights)) for w in family]
    return family[int(np.argmin(losses))]
