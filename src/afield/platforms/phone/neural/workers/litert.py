"""To LiteRT and back: ``convert GRAPH OUT``, ``quantise FLOAT ROWS OUT``, ``answer MODEL ROWS OUT``.

Runs inside the environment ``litert``. Rows and answers are .npy files, float32 [N, ...], one row at a time.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def convert(graph: str, out: str) -> None:
    """Write the graph as a .tflite in float32."""
    import litert_torch
    import torch

    from .rebuild import rebuild

    module, shape = rebuild(graph)
    with torch.no_grad():
        litert_torch.convert(module, (torch.zeros(shape),)).export(out)


def quantise(floats: str, rows: str, out: str) -> None:
    """Write the .tflite with int8 weights and activations; ``rows`` say how far values reach."""
    from ai_edge_quantizer import calibrator, qtyping, quantizer, recipe, recipe_manager
    from ai_edge_quantizer.utils.qsv_utils import min_max_update

    signature, name = _input_of(floats)
    manager = recipe_manager.RecipeManager()
    manager.load_quantization_recipe(recipe.static_wi8_ai8())
    # LiteRT multiplies a stack of matrices by one scale; given one for each channel, it reads none and answers zeros.
    stacked, one = qtyping.TFLOperationName.BATCH_MATMUL, qtyping.QuantGranularity.TENSORWISE
    manager.add_static_config(".*", stacked, activation_num_bits=8, weight_num_bits=8, weight_granularity=one)
    # The default averages what single rows reach; one row of an answer is one number, so its reach would be nothing.
    reach = calibrator.Calibrator(floats, num_threads=1, qsv_update_func=min_max_update)
    reach.calibrate({signature: [{name: row} for row in np.load(rows, allow_pickle=False)]}, manager)
    maker = quantizer.Quantizer(floats, manager.get_quantization_recipe())
    maker.quantize(reach.get_model_qsvs()).export_model(out, overwrite=True)


def answer(model: str, rows: str, out: str) -> None:
    """Write what LiteRT's own runtime answers to each row."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=model, num_threads=1)
    runner.allocate_tensors()
    source, target = runner.get_input_details()[0], runner.get_output_details()[0]
    found = []
    for row in np.load(rows, allow_pickle=False):
        runner.set_tensor(source["index"], _narrowed(row, source))
        runner.invoke()
        found.append(_widened(runner.get_tensor(target["index"]), target))
    np.save(out, np.stack(found), allow_pickle=False)
    sides = {name: _side(details) for name, details in (("input", source), ("output", target))}
    told = {"runtime": f"LiteRT {importlib.metadata.version('ai-edge-litert')}", **sides}
    sys.stdout.write(json.dumps(told) + "\n")


def _side(details: dict[str, Any]) -> dict[str, Any]:
    """Return how one end is stored: value = scale * (stored - zero_point)."""
    scale, zero = details["quantization"]
    told = {"shape": [int(s) for s in details["shape"]], "dtype": np.dtype(details["dtype"]).name}
    return told | ({"scale": float(scale), "zero_point": int(zero)} if scale else {})


def _narrowed(row: NDArray[np.float32], details: dict[str, Any]) -> NDArray[Any]:
    scale, zero = details["quantization"]
    if not scale:
        return row
    info = np.iinfo(details["dtype"])
    return np.asarray(np.clip(np.rint(np.nan_to_num(row) / scale) + zero, info.min, info.max).astype(details["dtype"]))


def _widened(values: NDArray[Any], details: dict[str, Any]) -> NDArray[np.float32]:
    scale, zero = details["quantization"]
    return ((values.astype(np.float32) - zero) * scale).astype(np.float32) if scale else values.copy()


def _input_of(model: str) -> tuple[str, str]:
    from ai_edge_litert.interpreter import Interpreter

    signature, sides = next(iter(Interpreter(model_path=model).get_signature_list().items()))
    return signature, sides["inputs"][0]


STEPS: dict[str, Callable[..., None]] = {"convert": convert, "quantise": quantise, "answer": answer}

if __name__ == "__main__":
    STEPS[sys.argv[1]](*sys.argv[2:])
