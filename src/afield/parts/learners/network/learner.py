"""A small neural network: what trees cannot draw smoothly, and a voice of its own in a blend with them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.graph.builder import Builder, Value
from afield.parts.learners.network.inputs import Inputs
from afield.parts.learners.network.lowering import Lowering
from afield.parts.learners.network.nets import Shape, forward, tensors
from afield.parts.learners.network.training import calm, train
from afield.parts.learners.standardise import Scale
from afield.parts.protocol import Feature, FitContext, FittedLearner, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.problem import Task

_REFERENCE_ROWS = 4_096


@dataclasses.dataclass(frozen=True)
class FittedNetwork:
    """Parameters in float32 by name, and how features become its inputs."""

    task: Task
    classes: int
    rounds: int
    scale: Scale
    shape: Shape
    inputs: Inputs
    parameters: dict[str, NDArray[np.float32]]

    def reference(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return torch's answer, computed in float64: probabilities float64 [n, K], or predictions float64 [n, 1].

        Raises
        ------
        MissingDependencyError
            ``dependency.missing``.
        """
        with calm(1) as torch, torch.no_grad():
            p = {name: torch.from_numpy(array).double() for name, array in self.parameters.items()}
            chunks = [features[i : i + _REFERENCE_ROWS] for i in range(0, max(1, len(features)), _REFERENCE_ROWS)]
            return np.concatenate([self._answer(torch, p, chunk) for chunk in chunks])

    def _answer(self, torch: Any, p: Mapping[str, Any], features: NDArray[np.float32]) -> NDArray[np.float64]:
        rows = tensors(self.inputs(features, bins=self.shape.embedding == "piecewise"), torch.float64)
        heads = forward(self.shape, p, rows)
        if self.task == "multiclass":
            return np.asarray(torch.softmax(heads, dim=2).mean(dim=0).numpy(), dtype=np.float64)
        if self.task == "binary":
            positive = np.asarray(torch.sigmoid(heads).mean(dim=0).numpy(), dtype=np.float64)
            return np.concatenate([1.0 - positive, positive], axis=1)
        return self.scale.back(np.asarray(heads.mean(dim=0).numpy(), dtype=np.float64))

    def state(self) -> State:
        """Return the parameters, what the inputs need, and the shape."""
        facts = {
            "task": self.task, "classes": self.classes, "rounds": self.rounds, "scale": self.scale.to_json(),
            "shape": dataclasses.asdict(self.shape),
        }  # fmt: skip
        return {
            "json": np.array(json.dumps(facts, sort_keys=True)),
            **{f"inputs.{name}": array for name, array in self.inputs.arrays().items()},
            **{f"parameters.{name}": self.parameters[name] for name in sorted(self.parameters)},
        }


@dataclasses.dataclass(frozen=True)
class Network:
    """The part."""

    name: str = "network"
    tasks: frozenset[str] = frozenset({"binary", "multiclass", "regression"})
    space: Mapping[str, Setting] = dataclasses.field(
        default_factory=lambda: {
            "width": Setting(kind="integer", default=64, low=8, high=512, log=True),
            "depth": Setting(kind="integer", default=2, low=1, high=5),
            "members": Setting(kind="integer", default=8, low=1, high=32, log=True),
            "embedding": Setting(kind="choice", default="periodic", choices=("plain", "periodic", "piecewise")),
            "numbers": Setting(kind="choice", default="scaled", choices=("scaled", "ranked")),
            "activation": Setting(kind="choice", default="silu", choices=("relu", "silu")),
            "level_width": Setting(kind="integer", default=6, low=1, high=32, log=True),
            "bins": Setting(kind="integer", default=16, low=2, high=64, log=True),
            "frequency": Setting(kind="number", default=0.2, low=0.01, high=3.0, log=True),
            "learning_rate": Setting(kind="number", default=5e-3, low=1e-4, high=5e-2, log=True),
            "weight_decay": Setting(kind="number", default=0.1, low=0.0, high=10.0),
            "dropout": Setting(kind="number", default=0.05, low=0.0, high=0.7),
            "epochs": Setting(kind="integer", default=200, low=1, high=2000, log=True),
            "steps": Setting(kind="integer", default=2000, low=1, high=200_000, log=True),
            "batch_size": Setting(kind="integer", default=256, low=16, high=8192, log=True),
            "patience": Setting(kind="integer", default=16, low=1, high=1000, log=True),
            "max_bytes": Setting(kind="integer", default=120_000, low=4_000, high=100_000_000, log=True),
        }
    )

    def fit(
        self,
        features: NDArray[np.float32],
        forms: Sequence[Feature],
        target: Answer,
        context: FitContext,
        settings: Settings,
    ) -> FittedNetwork:
        """Learn for ``steps`` batches or ``epochs``, whichever is less, and keep the best epoch.

        A round is an epoch. The width shrinks where the parameters would exceed ``max_bytes``.

        Raises
        ------
        ProblemError
            ``parts.settings``.
        MissingDependencyError
            ``dependency.missing``.
        """
        chosen = settle(self.space, settings)
        scale = Scale.of(target, context.weights)
        ranked, piecewise = chosen["numbers"] == "ranked", chosen["embedding"] == "piecewise"
        inputs = Inputs.fit(features, forms, ranked=ranked, bins=chosen["bins"] if ranked or piecewise else 0)
        names = [f.name for f in dataclasses.fields(Shape) if f.name in chosen]
        outputs = target.classes if target.task == "multiclass" else 1
        shape = Shape(**{n: chosen[n] for n in names}, outputs=outputs).within(inputs, chosen["max_bytes"])
        parameters, rounds = train(shape, inputs, features, target, scale, context, chosen)
        return FittedNetwork(target.task, target.classes, rounds, scale, shape, inputs, parameters)

    def restore(self, state: State) -> FittedNetwork:
        """Return the fitted learner that gave this state."""
        facts = json.loads(str(state["json"]))
        facts |= {"scale": Scale(**facts["scale"]), "shape": Shape(**facts["shape"])}
        groups: dict[str, dict[str, NDArray[Any]]] = {"inputs": {}, "parameters": {}}
        for key in sorted(state):
            group, _, name = key.partition(".")
            if name:
                groups[group][name] = state[key]
        return FittedNetwork(**facts, inputs=Inputs.from_arrays(groups["inputs"]), parameters=groups["parameters"])

    def lower(
        self, builder: Builder, features: Value, fitted: Sequence[FittedLearner], task: Task, classes: int
    ) -> Value:
        """Add the folds side by side, in float64; folds of another shape (by their bytes) stand beside them.

        float32 [N, F] to float64 [N, K] or [N, 1].
        """
        folds = [f for f in fitted if isinstance(f, FittedNetwork)]
        total: Value | None = None
        for shape in dict.fromkeys(f.shape for f in folds):
            alike = [f for f in folds if f.shape == shape]
            lowering = Lowering(builder, shape, [f.inputs for f in alike], [f.parameters for f in alike])
            value = lowering.mean(lowering.answers(features), [f.scale for f in alike], classes)
            if len(alike) < len(folds):
                value = builder.op("Mul", value, builder.constant(np.float64(len(alike) / len(folds))))
            total = value if total is None else builder.op("Add", total, value)
        if total is None:
            raise ValueError("a network needs at least one fitted fold")
        return total


part = Network()
