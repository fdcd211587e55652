"""Trains a network: shuffled batches, AdamW, a learning rate that falls along a cosine, and the best epoch kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.lazy import need
from afield.data.answer import Answer
from afield.parts.learners.network.inputs import Inputs
from afield.parts.learners.network.nets import Shape, forward, head_bias, settled, start, tensors
from afield.parts.learners.standardise import Scale
from afield.parts.protocol import FitContext

Parameters = dict[str, NDArray[np.float32]]
PURPOSE = "The learner 'network'"
_BETAS = (0.9, 0.98)
_WARM = 0.05  # share of the steps in which the learning rate rises
_FEWEST_BATCHES = 12  # of an epoch: smaller batches on small tables
_SMALLEST_BATCH = 16
_NO_DECAY = ("head_bias", "shift", "flip", "say", "wave", "phase")
_TIMED_STEPS = 10  # steps after which their pace is known
_MOST_CELLS = 40_000_000  # of the first layer's inputs, over all rows that are learned from: 160 MB
_MOST_HELD = 50_000  # validation rows that choose the epoch
_ENCODED_ROWS = 16_384  # rows brought to a network's sizes at once


@contextmanager
def calm(threads: int) -> Iterator[Any]:
    """Give torch this many threads and deterministic sums inside the block; yield torch.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``.
    """
    torch = need("torch", purpose=PURPOSE)
    before, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    try:
        yield torch
    finally:
        torch.set_num_threads(before)
        torch.use_deterministic_algorithms(strict)


def train(
    shape: Shape,
    inputs: Inputs,
    features: NDArray[np.float32],
    target: Answer,
    scale: Scale,
    context: FitContext,
    chosen: Mapping[str, Any],
) -> tuple[Parameters, int]:
    """Return the parameters of the best epoch on the validation rows, and its number from 1.

    Without validation rows, or with a fixed number of rounds, the last epoch. The time limit shortens the course, so
    that the learning rate still falls to its end. Of more rows than the course can pass, or than memory should hold,
    as many are drawn by the seed.
    """
    begin = time.monotonic()
    width = shape.first_width(inputs)
    most = max(chosen["batch_size"], min(chosen["steps"] * chosen["batch_size"], _MOST_CELLS // max(1, width)))
    with calm(context.threads) as torch:
        draw = torch.Generator().manual_seed(context.seed)
        weights = np.ones(len(target.values)) if context.weights is None else context.weights
        bias = head_bias(target.task, target.values, target.classes, weights)
        parameters = start(shape, inputs, chosen["frequency"], bias, draw)
        for p in parameters.values():
            p.requires_grad_(True)
        drawn = _drawn(len(features), most, context.seed)
        data = _Rows.of(shape, inputs, features, target, scale, context.weights, drawn)
        fixed = context.rounds is not None or context.validation is None
        held = None
        if not fixed and context.validation is not None:
            rows, answer, held_weights = context.validation
            held = _Rows.of(shape, inputs, rows, answer, scale, held_weights, _drawn(len(rows), _MOST_HELD, 0))
        loss = _loss(target, context)
        plan = _Plan.of(len(drawn), chosen, context)
        best, epochs = _run(shape, parameters, data, held, loss, plan, draw, begin, context, chosen)
        seen = np.bincount(data.tensors["codes"].numpy().ravel(), minlength=inputs.table_rows)
        return settled(shape, inputs, best, seen), epochs


def _drawn(count: int, most: int, seed: int) -> NDArray[np.int64]:
    """Return the places of at most ``most`` of ``count`` rows, in order."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


@dataclass(frozen=True)
class _Rows:
    """Rows as tensors, with what they should give and their weights."""

    tensors: dict[str, Any]
    values: Any
    weights: Any

    @classmethod
    def of(
        cls, shape: Shape, inputs: Inputs, features: NDArray[np.float32], answer: Answer, scale: Scale,
        weights: NDArray[np.float64] | None, drawn: NDArray[np.int64],
    ) -> _Rows:  # fmt: skip
        """Return the ``drawn`` rows, brought to a network's sizes in parts: on the way they take several times more."""
        import torch

        answer = answer.take(drawn)
        if answer.task == "regression":
            values = torch.from_numpy(scale.forth(answer.values)).float()
        else:
            values = torch.from_numpy(answer.values.astype(np.int64))
            values = values.float() if answer.classes == 2 else values
        piecewise = shape.embedding == "piecewise"
        parts = [
            tensors(inputs(features[drawn[i : i + _ENCODED_ROWS]], bins=piecewise), torch.float32)
            for i in range(0, max(1, len(drawn)), _ENCODED_ROWS)
        ]
        whole = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        share = None if weights is None else torch.from_numpy(weights[drawn] / weights[drawn].mean()).float()
        return cls(whole, values, share)

    def take(self, rows: Any) -> _Rows:
        weights = None if self.weights is None else self.weights[rows]
        return _Rows({n: t[rows] for n, t in self.tensors.items()}, self.values[rows], weights)


@dataclass(frozen=True)
class _Plan:
    """How long to learn: ``epochs`` that the learning rate falls over, and the last one, ``stop``."""

    batch: int
    batches: int
    epochs: int
    stop: int

    @classmethod
    def of(cls, rows: int, chosen: Mapping[str, Any], context: FitContext) -> _Plan:
        batch = min(chosen["batch_size"], max(_SMALLEST_BATCH, rows // _FEWEST_BATCHES))
        batches = max(1, rows // batch)
        epochs = max(1, min(chosen["epochs"], math.ceil(chosen["steps"] / batches)))
        stop = epochs if context.rounds is None else max(1, context.rounds)
        return cls(batch, batches, max(epochs, stop), stop)


def _run(
    shape: Shape, parameters: dict[str, Any], data: _Rows, held: _Rows | None, loss: Callable[..., Any], plan: _Plan,
    draw: Any, begin: float, context: FitContext, chosen: Mapping[str, Any],
) -> tuple[dict[str, Any], int]:  # fmt: skip
    """Run epochs; return the parameters to keep, and the number of the epoch that gave them."""
    import torch

    count = len(data.values)
    optimiser = _optimiser(parameters, chosen)
    drop = _dropout(chosen["dropout"], draw)
    best, best_loss, kept = 1, math.inf, parameters
    steps, total = 0, plan.epochs * plan.batches
    first = time.monotonic()  # what came before, the import of torch among it, says nothing of the pace
    for epoch in range(1, plan.stop + 1):
        mixed = data.take(torch.randperm(count, generator=draw))
        for i in range(plan.batches):
            end = count if i == plan.batches - 1 else (i + 1) * plan.batch
            rows = mixed.take(slice(i * plan.batch, end))
            for group in optimiser.param_groups:
                group["lr"] = chosen["learning_rate"] * _pace(steps / total)
            optimiser.zero_grad(set_to_none=True)
            loss(forward(shape, parameters, rows.tensors, drop), rows).backward()
            optimiser.step()
            steps += 1
            if context.time_limit_s is not None and steps == _TIMED_STEPS:
                now = time.monotonic()
                left, pace = context.time_limit_s - (now - begin), (now - first) / steps
                total = max(steps + 1, min(total, steps + int(0.9 * left / pace)))
            if steps >= total or _over(begin, context):
                break
        over = steps >= total or _over(begin, context)
        if held is not None:
            with torch.no_grad():
                value = float(loss(_together(shape, forward(shape, parameters, held.tensors)), held))
            if value < best_loss or not math.isfinite(best_loss):
                best, best_loss = epoch, value
                kept = {n: p.detach().clone() for n, p in parameters.items()}
        else:
            best = epoch
        if over or epoch - best >= chosen["patience"]:
            break
    return kept, best


def _over(begin: float, context: FitContext) -> bool:
    late = context.time_limit_s is not None and time.monotonic() - begin >= context.time_limit_s
    return late or context.cancelled()


def _pace(share: float) -> float:
    """Return the share of the learning rate after this share of the course: up in a line, down along a cosine."""
    return min(1.0, share / _WARM + 0.01) * 0.5 * (1.0 + math.cos(math.pi * min(share, 1.0)))


def _optimiser(parameters: Mapping[str, Any], chosen: Mapping[str, Any]) -> Any:
    import torch

    free = [p for n, p in parameters.items() if n.endswith("_bias") or n in _NO_DECAY]
    held = [p for n, p in parameters.items() if not (n.endswith("_bias") or n in _NO_DECAY)]
    groups = [{"params": held, "weight_decay": chosen["weight_decay"]}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=chosen["learning_rate"], betas=_BETAS, fused=True)


def _dropout(share: float, draw: Any) -> Callable[[Any], Any] | None:
    """Return dropout that all members share, which costs one random number for all of them."""
    if share <= 0.0:
        return None
    import torch

    def drop(units: Any) -> Any:
        kept = torch.empty(units.shape[1:]).bernoulli_(1.0 - share, generator=draw)
        return units * (kept / (1.0 - share))

    return drop


def _together(shape: Shape, answers: Any) -> Any:
    """Return the members' common answer [1, N, outputs], as scores: the mean, or the logarithm of the mean share."""
    import torch

    if shape.outputs > 1:
        return torch.log_softmax(answers, dim=2).logsumexp(dim=0, keepdim=True) - math.log(len(answers))
    return answers.mean(dim=0, keepdim=True)


def _loss(target: Answer, context: FitContext) -> Callable[[Any, _Rows], Any]:
    """Return the loss of answers [members, N, outputs] on rows: each member's own, averaged."""
    from torch.nn import functional

    level = context.pinball_level

    def each(answers: Any, values: Any) -> Any:
        if target.task == "binary":
            return functional.binary_cross_entropy_with_logits(
                answers[..., 0], values.expand(answers.shape[:2]), reduction="none"
            )
        if target.task == "multiclass":
            wide = values.expand(answers.shape[:2]).flatten()
            return functional.cross_entropy(answers.flatten(0, 1), wide, reduction="none").view(answers.shape[:2])
        off = values - answers[..., 0]
        return off * off if level is None else (off * level).maximum(off * (level - 1.0))

    def loss(answers: Any, rows: _Rows) -> Any:
        losses = each(answers, rows.values)
        return losses.mean() if rows.weights is None else (losses * rows.weights).mean()

    return loss
