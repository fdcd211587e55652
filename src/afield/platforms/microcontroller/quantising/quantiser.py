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
from afield.platforms.microcontroller.quantising.choosing import QUANTISABLE, Choice
from afield.platforms.microcontroller.quantising.narrowing import folded, joined, narrowed
from afield.platforms.microcontroller.quantising.ranges import Ranges, batched, closest, inner_ranges
from afield.platforms.microcontroller.reading.parse import BROKEN, parse

if TYPE_CHECKING:
    import onnx

#: the quantiser looks for this mark of its own preparation, which is done here
_MARK = ("onnx.quant.pre_process", "onnxruntime.quant")
#: scales for each channel have an axis from this opset on
_OPSET = 13
#: the least range of a tensor: one that was 0 on all rows would get a scale of 1, and the Relu that made it so is gone
NARROWEST = 1e-3


class Rows:
    """The quantiser's reader: one feed after the other."""

    def __init__(self, feeds: list[dict[str, NDArray[Any]]]) -> None:
        self._left: Iterator[dict[str, NDArray[Any]]] = iter(feeds)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """Return the next feed, None after the last."""
        return next(self._left, None)


def is_quantised(model: onnx.ModelProto) -> bool:
    """Return whether a model has quantised operators."""
    marks = ("QuantizeLinear", "DequantizeLinear", "MatMulInteger", "ConvInteger")
    return any(node.op_type in marks or node.op_type.startswith("QLinear") for node in model.graph.node)


def in_int8(content: bytes, rows: Mapping[str, NDArray[Any]], *, table: bool) -> bytes | None:
    """Return a model with its networks in int8; None where it is quantised already.

    Parameters
    ----------
    content : bytes
    rows : mapping of str to ndarray [N, ...]
        Inputs of the graph.
    table : bool
        Whether it is a model of a table: then a product alone, such as a linear model, is no network.

    Raises
    ------
    UnsupportedError
        ``graph.operator``: it has no layers of a network.
    ModelFileError
        ``model.damaged``.
    """
    model = parse(content)
    if is_quantised(model):
        return None
    model = named(folded(modern(model) if table else optimised(modern(model))))
    choice = Choice(model)
    layers = choice.linked() if table else {choice.nodes.index(node) for node in choice.layers()}
    if not layers:
        raise UnsupportedError(
            "graph.operator", "The model has no network, so there is nothing to quantise.", where="--int8",
            got=", ".join(sorted({node.op_type for node in model.graph.node})),
            expected="convolutions or dense layers with constant weights" + (", one after another" if table else ""),
            fix="Leave --int8 out: trees and linear models are small as they are, and the stacked products of the "
            "learner `network` stay in floats.",
        )  # fmt: skip
    narrow, region = narrowed(model, layers)
    narrow = joined(narrow)
    chosen = Choice(narrow)
    within = [p for p, node in enumerate(chosen.nodes) if not table or node.output[0] in region]
    names = chosen.chosen(within)
    one = {n: v[:1] for n, v in rows.items()}  # where the ranges are known
    made = [quantised(narrow, rows, names)]
    made += [quantised(narrow, one, names, ranges) for ranges in inner_ranges(narrow, rows, names)]
    return closest(model, made, rows).SerializeToString()


def modern(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model in an opset that has scales for each channel.

    Raises
    ------
    UnsupportedError
        ``graph.operator``.
    """
    from onnx import version_converter

    version = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=_OPSET)
    if version >= _OPSET:
        return model
    try:
        return version_converter.convert_version(model, _OPSET)
    except BROKEN as error:
        raise UnsupportedError(
            "graph.operator", f"The model is of opset {version}, and cannot be brought to {_OPSET}.", where="--int8",
            got=str(error)[:200], fix=f"Export it again with opset {_OPSET} or later.",
        ) from error  # fmt: skip


def optimised(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with normalisations, factors and pads taken into the layers before or behind them."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "optimised.onnx"
        options.optimized_model_filepath = str(place)
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        found = onnx.load(place)
    domains = {node.domain for node in model.graph.node} | {"", "ai.onnx"}
    return found if all(node.domain in domains for node in found.graph.node) else model


def named(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with a name of its own for each node; changes it in place."""
    taken: set[str] = set()
    for place, node in enumerate(model.graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.op_type}/{place}"
        taken.add(node.name)
    return model


def quantised(
    model: onnx.ModelProto, rows: Mapping[str, NDArray[Any]], chosen: list[str], ranges: Ranges | None = None
) -> onnx.ModelProto:
    """Return the model with scales around the ``chosen`` nodes.

    Parameters
    ----------
    rows : mapping of str to ndarray [N, ...]
        Inputs of the graph.
    ranges : dict or None
        Least and greatest value of activations by name; of others, and for None, those that they have on the rows.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.calibrate import CalibrationDataReader

    class Reader(Rows, CalibrationDataReader):  # type: ignore[misc]  # the library has no types
        pass

    given = onnx.ModelProto()
    given.CopyFrom(model)
    given.metadata_props.add(key=_MARK[0], value=_MARK[1])
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "quantised.onnx"
        quantize_static(
            given,
            place,
            Reader(batched(model, rows)),
            quant_format=QuantFormat.QDQ,
            calibrate_method=CalibrationMethod.MinMax,
            op_types_to_quantize=list(QUANTISABLE),
            nodes_to_quantize=chosen,
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            extra_options={
                "ActivationSymmetric": False,
                "WeightSymmetric": True,
                "MinimumRealRange": NARROWEST,
                "TensorQuantOverrides": {
                    name: [{"rmin": np.array(low, np.float32), "rmax": np.array(high, np.float32)}]
                    for name, (low, high) in (ranges or {}).items()
                },
            },
        )
        found = onnx.load(place)
    del found.metadata_props[:]
    found.metadata_props.extend(model.metadata_props)
    return found
