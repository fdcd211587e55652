"""An ONNX graph of float operators as a torch module, one function for each operator.

Both converters take torch programs, so the graph is rebuilt once and both runtimes get the same network. One row,
fixed shapes, float32: whatever is not a float tensor is a constant by then.
"""

from __future__ import annotations

from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from .forms import recognised
from .moves import Attributes, Whole
from .operators import LITERALS, OPERATORS


class Rebuilt(nn.Module):
    """The graph; weights are buffers, so that they are exported once."""

    def __init__(self, model: onnx.ModelProto) -> None:
        super().__init__()
        graph = model.graph
        self.source, self.answer = graph.input[0].name, graph.output[0].name
        self.constants: dict[str, Any] = {}
        self.literals: dict[str, float] = {}
        for at, tensor in enumerate(graph.initializer):
            array = torch.from_numpy(numpy_helper.to_array(tensor).copy())
            if array.is_floating_point():
                self.register_buffer(f"weight_{at}", array)
                self.constants[tensor.name] = f"weight_{at}"
                if array.numel() == 1:
                    self.literals[tensor.name] = float(array.flatten()[0])
            else:
                self.constants[tensor.name] = Whole(array)
        self.nodes = [(n.op_type, list(n.input), list(n.output), _attributes(n)) for n in recognised(model)]
        unknown = sorted({kind for kind, *_ in self.nodes} - set(OPERATORS))
        if unknown:
            raise ValueError(f"operators that cannot be rebuilt: {', '.join(unknown)}")

    def forward(self, source: Tensor) -> Tensor:
        """Return the graph's answer."""
        values: dict[str, Any] = {self.source: source}
        for kind, inputs, outputs, attributes in self.nodes:
            given = [
                self.literals[name] if i in LITERALS.get(kind, ()) and name else self._value(values, name)
                for i, name in enumerate(inputs)
            ]
            found = OPERATORS[kind](given, attributes)
            for name, value in zip(outputs, found if isinstance(found, tuple) else (found,), strict=False):
                values[name] = value
        return values[self.answer]

    def _value(self, values: dict[str, Any], name: str) -> Any:
        if name in values or not name:
            return values.get(name)
        constant = self.constants[name]
        return getattr(self, constant) if isinstance(constant, str) else constant


def rebuild(path: str) -> tuple[Rebuilt, tuple[int, ...]]:
    """Return the module and the shape of its input."""
    model = onnx.load(path)
    shape = tuple(d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim)
    return Rebuilt(model).eval(), shape


def _attributes(node: onnx.NodeProto) -> Attributes:
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute} | {"outputs": len(node.output)}
