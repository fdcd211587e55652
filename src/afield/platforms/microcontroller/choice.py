"""From a model file and options to compiled C and its meaning, and what the options allow answers to be off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import ModelFileError
from afield.model.container import operators
from afield.model.model import Model
from afield.model.session import open_session
from afield.platforms.microcontroller.bundle.meaning import Meaning, mean
from afield.platforms.microcontroller.compiler import Options
from afield.platforms.microcontroller.devices import device_named
from afield.platforms.microcontroller.fitting import needs
from afield.platforms.microcontroller.integer.oracle import INTEGER
from afield.platforms.microcontroller.options import MicrocontrollerOptions
from afield.platforms.microcontroller.tabular.compile import CompiledTable, compile_table
from afield.platforms.microcontroller.trees.style import Leaves, TreeStyle

#: what float32 may change of an answer: times max(1, |y|, standard deviation of the target)
TOLERANCE = 1e-5
#: what answers of a network that is partly in floats may be off, in ranges of the answers: a float that is off in its
#: last bit may become the next integer, and what is behind that is another step
PARTLY = 0.05


def known_model(content: bytes) -> Model | None:
    """Return the model, or None for a file without afield's metadata."""
    try:
        return Model.load(content)
    except ModelFileError as error:
        if error.code != "model.foreign":
            raise
        return None


def levels_of(model: Model | None) -> dict[str, tuple[str, ...]]:
    """Return the values of text columns by input, in the schema's order."""
    return {c.input_name: c.levels for c in model.schema.columns} if model else {}


def compiled_for(content: bytes, model: Model | None, options: MicrocontrollerOptions) -> CompiledTable:
    """Compile as the options say; left to the device, trees become branches where these take half of its flash."""
    settings, levels = Options(name=options.name, exact=options.exact), levels_of(model)
    leaves: Leaves = "int16" if options.leaves == "int16" else "float"
    fast = TreeStyle(branches=True)  # leaves stand in the code
    if options.optimize == "speed":
        return compile_table(content, settings, levels, fast)
    if not options.optimize and options.device and leaves == "float":
        device = device_named(options.device)
        compiled = compile_table(content, settings, levels, fast)
        if needs(compiled.network, device).flash_bytes <= device.flash_bytes // 2:
            return compiled
    return compile_table(content, settings, levels, TreeStyle(leaves=leaves))


def meaning_of(content: bytes, model: Model | None, options: MicrocontrollerOptions) -> Meaning:
    """Return compiled C and what it means."""
    return mean(compiled_for(content, model, options), content, model)


def tolerance_of(compiled: CompiledTable, model: Model) -> float:
    """Return what an answer may be off: what float32 changes, what leaves of 16 bits do, and steps of integers."""
    total = 0.0
    for node in compiled.graph.nodes:
        style = node.attributes.get("style")
        packed = node.attributes.get("packed")
        if node.op == "Forest" and isinstance(style, tuple) and isinstance(packed, tuple):
            total += float(packed[0].bounds.sum()) if style[0].leaves == "int16" and packed[0].width == 1 else 0.0
    integers = PARTLY if any(node.op in INTEGER for node in compiled.graph.nodes) else 0.0
    calibration = model.card.calibration
    slope = max(1.0, calibration.slope) if calibration else 1.0
    return TOLERANCE + integers + total * slope / max(1.0, model.selftest.scale)


def answers_of(model: Model, feed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return onnxruntime's answers; those of a quantised model operator by operator, as the file says."""
    if not any(o.name == "QuantizeLinear" for o in operators(model.bytes)):
        return {n: np.asarray(v) for n, v in model.run(feed).items()}
    session = open_session(model.bytes, plain=True)  # the runtime's fused kernels round otherwise
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feed)), strict=True))
