"""What the README of ``neural/`` says to an app's developer: what went along, what stayed, and how to call it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: operators that give away what a piece is there for
_SIGNS = {
    "TreeEnsemble": "trees",
    "TreeEnsembleRegressor": "trees",
    "TreeEnsembleClassifier": "trees",
    "LabelEncoder": "levels of categories",
    "StringSplit": "dates and texts",
    "RegexFullMatch": "dates",
    "Tokenizer": "texts",
    "IsNaN": "missing values",
    "Resize": "resizing",
    "STFT": "spectra",
    "ArgMax": "the choice of the class",
}


def purposes(operators: Mapping[str, int]) -> str:
    """Return in words what these operators are there for."""
    return ", ".join(dict.fromkeys(word for name, word in _SIGNS.items() if name in operators)) or "no encoders"


def listed(operators: Mapping[str, int]) -> str:
    """Return the operators by name and number."""
    return ", ".join(name if count == 1 else f"{name} x {count}" for name, count in operators.items())


def cut_lines(facts: Mapping[str, Any]) -> list[str]:
    """Return one line for each piece: what went along, what stays in front and behind."""
    front, network, back = facts["front"], facts["network"], facts["back"]
    lines = [f"network: {network['weights']:,} weights; {listed(network['operators'])}"]
    if front:
        columns = ", ".join(f"{name} ({kind})" for name, kind in front["columns"].items())
        lines.insert(
            0, f"in front (front.onnx): {columns}; {purposes(front['operators'])}; {listed(front['operators'])}"
        )
    if back:
        lines.append(f"behind (back.onnx): {purposes(back['operators'])}; {listed(back['operators'])}")
    return lines


def readme(facts: Mapping[str, Any]) -> str:
    """Return the text."""
    steps = []
    if facts["front"]:
        steps.append("Run `front.onnx` on onnxruntime: one row of raw columns in, `core_input` out.")
    steps.append("Run the network: `core_input` in, `core_output` out.")
    if facts["back"]:
        steps.append("Run `back.onnx` on onnxruntime: `core_output` (and columns that it names) in, the answer out.")
    numbered = "\n".join(f"{i}. {step}" for i, step in enumerate(steps, 1))
    files = "\n".join(_file(name, told) for name, told in facts["network"]["files"].items())
    missing = "".join(
        f"\n`{name}` ({told['form']}) was not made: {told['reason']}\n"
        for name, told in facts["network"]["not_made"].items()
    )
    cut = "\n".join(f"- {line}" for line in cut_lines(facts))
    return f"""# The network of the model

`model.onnx` runs as a whole on onnxruntime, on every phone. Take these files where an app runs its networks on
LiteRT or ExecuTorch already; they know networks only, so the model is cut.

## The cut

{cut}

## Use

One row at a time, all tensors float32:

{numbered}

| file | form | input | output |
|---|---|---|---|
{files}
{missing}
Integers stand for `scale * (stored - zero_point)`. `../proof.json` says how far each file was off on its own runtime.
"""


def _file(name: str, told: Mapping[str, Any]) -> str:
    return f"| `{name}` | {told['form']} | {_side(told['input'])} | {_side(told['output'])} |"


def _side(side: Mapping[str, Any]) -> str:
    text = f"{side['dtype']} {side['shape']}"
    return text + (f", scale {side['scale']:.9g}, zero point {side['zero_point']}" if "scale" in side else "")
