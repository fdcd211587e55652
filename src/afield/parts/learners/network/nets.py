"""The network itself, in torch: parameters by name, and one forward pass for training and for reference.

An ensemble of ``members`` networks that share all but a few weights (TabM-mini: Gorishniy et al., TabM, ICLR 2025):
after the first layer each member flips, stretches and shifts the units in its own way, and each has its own head.
Numbers may pass through learned waves (PBLD: Holzmueller et al., Better by Default, NeurIPS 2024) or bins first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afield.parts.learners.network.inputs import Encoded, Inputs

if TYPE_CHECKING:
    from torch import Generator, Tensor

WAVES, WAVE_OUTPUTS = 16, 3  # waves of a number, and what they are mixed to
TWO_PI = 2.0 * math.pi
_NARROWEST = 16
_RAREST = 1e-4  # an absent class starts with this probability
_BIN_SIZE = 0.3  # bins start with less say than the number itself


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of a network; ``embedding`` is "plain", "periodic" or "piecewise", ``activation`` "relu" or "silu"."""

    width: int
    depth: int
    members: int
    outputs: int
    embedding: str
    activation: str
    level_width: int
    bins: int

    def first_width(self, inputs: Inputs) -> int:
        """Return how many numbers enter the first layer."""
        dense = len(inputs.dense)
        extra = {"plain": 0, "periodic": WAVE_OUTPUTS, "piecewise": self.bins}[self.embedding]
        return dense * (1 + extra) + len(inputs.marked) + len(inputs.codes) * self.level_width

    def count(self, inputs: Inputs) -> int:
        """Return the number of parameters."""
        waves = len(inputs.dense) * WAVES * (2 + WAVE_OUTPUTS) if self.embedding == "periodic" else 0
        trunk = (self.first_width(inputs) + 2 * self.members) * self.width + (self.depth - 1) * self.width**2
        heads = self.members * self.outputs * (self.width + 1)
        return waves + trunk + heads + inputs.table_rows * self.level_width

    def within(self, inputs: Inputs, limit_bytes: int) -> Shape:
        """Return this shape, made narrower, then plainer, until its float32 parameters fit."""
        shape = self
        while shape.width > _NARROWEST and 4 * shape.count(inputs) > limit_bytes:
            shape = replace(shape, width=max(_NARROWEST, shape.width * 3 // 4))
        if 4 * shape.count(inputs) > limit_bytes and shape.embedding != "plain":
            return replace(self, embedding="plain").within(inputs, limit_bytes)
        return shape


def start(shape: Shape, inputs: Inputs, frequency: float, bias: NDArray[np.float64], draw: Generator) -> dict[str, Any]:
    """Return float32 parameters by name, drawn by the generator; ``bias``: float64 [outputs] of the heads."""
    import torch

    def normal(*sizes: int) -> Tensor:
        return torch.randn(*sizes, generator=draw)

    def uniform(*sizes: int) -> Tensor:
        return torch.rand(*sizes, generator=draw) * 2.0 - 1.0

    dense, width, members = len(inputs.dense), shape.width, shape.members
    first = shape.first_width(inputs)
    made = {
        "first": normal(first, width) * math.sqrt(2.0 / max(1, first)),
        "flip": torch.sign(uniform(members, width)),
        "shift": uniform(members, width) / math.sqrt(max(1, first)),
        "head": uniform(members, width, shape.outputs) / math.sqrt(width),
        "head_bias": torch.tensor(bias, dtype=torch.float32).repeat(members, 1),
        "say": torch.ones(first),
    }
    if len(inputs.codes):
        made["levels"] = normal(inputs.table_rows, shape.level_width) / math.sqrt(shape.level_width)
    if shape.embedding == "periodic" and dense:
        made["wave"] = normal(dense, WAVES) * frequency
        made["phase"] = uniform(dense, WAVES) * math.pi
        made["mix"] = uniform(dense, WAVES, WAVE_OUTPUTS) / math.sqrt(WAVES)
    if shape.embedding == "piecewise":
        begin = dense + len(inputs.marked)
        made["say"][begin : begin + dense * shape.bins] = _BIN_SIZE
    for i in range(1, shape.depth):
        made[f"hidden{i}"] = normal(width, width) * math.sqrt(2.0 / width)
        made[f"hidden{i}_bias"] = uniform(width) / math.sqrt(width)
    return made


def tensors(encoded: Encoded, dtype: Any) -> dict[str, Any]:
    """Return the rows as tensors: numbers in ``dtype``, codes as int64."""
    import torch

    numbers = [encoded.numbers, encoded.marks]
    made = {"numbers": torch.from_numpy(np.hstack(numbers)).to(dtype), "codes": torch.from_numpy(encoded.codes)}
    if encoded.bins is not None:
        made["bins"] = torch.from_numpy(encoded.bins - 0.5).to(dtype).flatten(1)
    return made


def forward(shape: Shape, p: Mapping[str, Any], rows: Mapping[str, Any], drop: Any = None) -> Any:
    """Return the heads' answers [members, N, outputs]; ``drop`` is applied to the units of each layer in training."""
    import torch
    from torch.nn import functional

    act = functional.silu if shape.activation == "silu" else functional.relu
    parts = [rows["numbers"]]
    if "wave" in p:
        numbers = rows["numbers"][:, : len(p["wave"])].t().unsqueeze(2)  # [D, N, 1]
        waves = torch.cos(TWO_PI * (numbers * p["wave"].unsqueeze(1)) + p["phase"].unsqueeze(1))
        parts.append(torch.bmm(waves, p["mix"]).transpose(0, 1).flatten(1))
    if "bins" in rows:
        parts.append(rows["bins"])
    if "levels" in p:
        parts.append(functional.embedding(rows["codes"], p["levels"]).flatten(1))
    first = torch.cat(parts, dim=1)
    first = (first * p["say"] if "say" in p else first) @ p["first"]
    units = act(first.unsqueeze(0) * p["flip"].unsqueeze(1) + p["shift"].unsqueeze(1))  # [members, N, width]
    units = units if drop is None else drop(units)
    for i in range(1, shape.depth):
        flat = torch.addmm(p[f"hidden{i}_bias"], units.flatten(0, 1), p[f"hidden{i}"])
        units = act(flat).view(units.shape)
        units = units if drop is None else drop(units)
    return torch.baddbmm(p["head_bias"].unsqueeze(1), units, p["head"])


def head_bias(task: str, values: NDArray[Any], classes: int, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the heads answer before they have learnt anything: the shares of the classes, or 0."""
    if task == "regression":
        return np.zeros(1)
    shares = np.bincount(values, weights, classes) / weights.sum()
    shares = np.clip(shares, _RAREST, 1.0 - _RAREST)
    return np.log(shares[1:] / shares[0]) if classes == 2 else np.log(shares)


def settled(
    shape: Shape, inputs: Inputs, parameters: Mapping[str, Any], seen: NDArray[np.int64]
) -> dict[str, NDArray[np.float32]]:
    """Return parameters to keep: the say of the inputs within the first layer, and neutral rows for unseen levels.

    ``seen``: int64 [table rows], how many training rows had each level.
    """
    kept = {name: np.array(t.detach().numpy(), dtype=np.float32) for name, t in parameters.items()}
    kept["first"] = np.ascontiguousarray(kept["first"] * kept.pop("say")[:, None])
    if "levels" in kept:
        for begin, count in zip(inputs.offsets, inputs.levels + 1, strict=True):
            part = slice(int(begin), int(begin + count))
            known = seen[part] > 0
            if known.any():
                mean = np.average(kept["levels"][part][known], axis=0, weights=seen[part][known])
                kept["levels"][part][~known] = mean
    return kept
