"""Post-training quantisation: onnxruntime's quantiser around the operators that have an integer form here.

Weights become symmetric int8 with a scale for each output channel, activations asymmetric int8 with the range that
they have on rows of data; Relu and Clip are taken into the range of what stands before them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import UnsupportedError
from afield.platforms.microcontroller.reading.parse import parse
from afield.platforms.protocol import Prepared

if TYPE_CHECKING:
    import onnx

#: ONNX operators that integers compute
LAYERS = ("Conv", "Gemm", "MatMul")
BESIDE = (
    "Add", "GlobalAveragePool", "AveragePool", "MaxPool", "Softmax", "Sigmoid", "Tanh", "Relu", "Clip", "Flatten",
    "Reshape", "Squeeze", "Unsqueeze", "Transpose",
)  # fmt: skip
#: the quantiser looks for this mark of its own preparation, which is done here
_MARK = ("onnx.quant.pre_process", "onnxruntime.quant")


class Rows:
    """The quantiser's reader: one row after the other."""

    def __init__(self, feeds: list[dict[str, NDArray[Any]]]) -> None:
        self._left: Iterator[dict[str, NDArray[Any]]] = iter(feeds)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """Return the next row's feed, None after the last."""
        return next(self._left, None)


def is_quantised(model: onnx.ModelProto) -> bool:
    """Return whether a model has quantised operators."""
    marks = ("QuantizeLinear", "DequantizeLinear", "MatMulInteger", "ConvInteger")
    return any(node.op_type in marks or node.op_type.startswith("QLinear") for node in model.graph.node)


def in_int8(content: bytes, rows: Mapping[str, NDArray[Any]]) -> Prepared | None:
    """Return a model with its networks in int8; None where it is quantised already.

    Raises
    ------
    UnsupportedError
        ``graph.operator``: it has no layers of a network.
    """
    model = parse(content)
    if is_quantised(model):
        return None
    if not any(node.op_type in LAYERS for node in model.graph.node):
        raise UnsupportedError(
            "graph.operator", "The model has no layers of a network, so there is nothing to quantise.", where="--int8",
            got=", ".join(sorted({node.op_type for node in model.graph.node})), fix="Leave --int8 out.",
        )  # fmt: skip
    return Prepared(model=quantised(model, rows).SerializeToString(), remarks=())


def quantised(model: onnx.ModelProto, rows: Mapping[str, NDArray[Any]]) -> onnx.ModelProto:
    """Return the model with scales around the operators of networks.

    Parameters
    ----------
    rows : mapping of str to ndarray [N, ...]
        Inputs of the graph.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.calibrate import CalibrationDataReader

    class Reader(Rows, CalibrationDataReader):  # type: ignore[misc]  # the library has no types
        pass

    count = len(next(iter(rows.values())))
    feeds = [{name: np.ascontiguousarray(values[i : i + 1]) for name, values in rows.items()} for i in range(count)]
    given = onnx.ModelProto()
    given.CopyFrom(model)
    given.metadata_props.add(key=_MARK[0], value=_MARK[1])
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "quantised.onnx"
        quantize_static(
            given,
            place,
            Reader(feeds),
            quant_format=QuantFormat.QDQ,
            calibrate_method=CalibrationMethod.MinMax,
            op_types_to_quantize=[*LAYERS, *BESIDE],
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
        )
        found = onnx.load(place)
    del found.metadata_props[:]
    found.metadata_props.extend(model.metadata_props)
    return found
