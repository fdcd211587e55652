"""Layers of a small network as plain arrays, and the loop that fits them: Adam with decoupled weight decay.

Written out in numpy, since scikit-learn's networks know neither soft targets nor quantiles nor a time limit.
Source: Kingma and Ba, Adam (ICLR 2015), algorithm 1; Loshchilov and Hutter, Decoupled Weight Decay (ICLR 2019).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Layers = list[Floats]  # weights and bias of each layer, in turn
_BETA_1, _BETA_2, _TINY = 0.9, 0.99, 1e-8
_WARM = 0.05  # share of the steps in which the learning rate rises


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a fit goes on: ``stop`` epochs of ``batch`` rows, of the ``epochs`` that the learning rate falls over."""

    batch: int
    epochs: int
    stop: int
    patience: int
    learning_rate: float
    weight_decay: float
    activation: str


@dataclass(frozen=True)
class Rows:
    """What is fitted: ``inputs`` [N, F], ``wanted`` [N, outputs], ``weights`` [N, 1] around 1."""

    inputs: Floats
    wanted: Floats
    weights: Floats


def start(sizes: Sequence[int], bias: NDArray[np.float64], draw: np.random.Generator) -> Layers:
    """Return layers between these sizes; ``bias``: of the last one."""
    layers: Layers = []
    for before, after in pairwise(sizes):
        layers.append((draw.normal(size=(before, after)) / math.sqrt(max(1, before))).astype(np.float32))
        layers.append((draw.uniform(-1.0, 1.0, after) / math.sqrt(max(1, before))).astype(np.float32))
    layers[-2] *= np.float32(0.5)
    layers[-1] = bias.astype(np.float32)
    return layers


def forward(layers: Layers, inputs: Floats, activation: str) -> list[Floats]:
    """Return the inputs of each layer, and the scores at the end."""
    kept = [inputs]
    for i in range(0, len(layers), 2):
        scores = kept[-1] @ layers[i] + layers[i + 1]
        last = i == len(layers) - 2
        kept.append(scores if last else np.tanh(scores) if activation == "tanh" else np.maximum(scores, 0))
    return kept


def fit_layers(
    layers: Layers,
    rows: Rows,
    slope: Callable[[Floats, Floats], Floats],
    held: Callable[[Layers], float] | None,
    course: Course,
    draw: np.random.Generator,
    over: Callable[[], bool],
) -> tuple[Layers, int]:
    """Return the layers of the best epoch by ``held`` (the last without), and its number from 1.

    Parameters
    ----------
    slope : callable
        Derivative of the loss by the scores, from scores and wanted values.
    held : callable or None
        The loss on rows kept apart.
    over : callable
        True when time is up or the work is cancelled; asked after each batch.
    """
    count = len(rows.inputs)
    batches = max(1, count // course.batch)
    first, second = [np.zeros_like(p) for p in layers], [np.zeros_like(p) for p in layers]
    best, best_loss, kept, step = 1, math.inf, layers, 0
    for epoch in range(1, course.stop + 1):
        order = draw.permutation(count)
        for i in range(batches):
            chosen = order[i * course.batch : count if i == batches - 1 else (i + 1) * course.batch]
            step += 1
            share = step / (course.epochs * batches)
            rate = course.learning_rate * min(1.0, share / _WARM) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, share)))
            gradients = _gradients(layers, rows, chosen, slope, course.activation)
            for k, g in enumerate(gradients):
                first[k] += (1.0 - _BETA_1) * (g - first[k])
                second[k] += (1.0 - _BETA_2) * (g * g - second[k])
                size = np.sqrt(second[k] / (1.0 - _BETA_2**step)) + _TINY
                if g.ndim == 2:
                    layers[k] *= 1.0 - rate * course.weight_decay
                layers[k] -= rate / (1.0 - _BETA_1**step) * first[k] / size
            if ended := over():
                break
        loss = -epoch if held is None else held(layers)  # without rows kept apart the last epoch is the best
        if loss < best_loss or epoch == 1:
            best, best_loss, kept = epoch, loss, [p.copy() for p in layers]
        if ended or epoch - best >= course.patience:
            break
    return kept, best


def _gradients(
    layers: Layers, rows: Rows, chosen: NDArray[np.int64], slope: Callable[[Floats, Floats], Floats], activation: str
) -> Layers:
    kept = forward(layers, rows.inputs[chosen], activation)
    back = slope(kept[-1], rows.wanted[chosen]) * rows.weights[chosen] / np.float32(len(chosen))
    gradients: Layers = []
    for i in range(len(layers) - 2, -1, -2):
        gradients = [kept[i // 2].T @ back, back.sum(axis=0), *gradients]
        if i:
            units = kept[i // 2]
            back = (back @ layers[i].T) * (1.0 - units * units if activation == "tanh" else units > 0)
    return gradients
