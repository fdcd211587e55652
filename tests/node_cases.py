"""ONNX's official node cases through the compiler and gcc: which apply, which pass, and the table that says so."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from afield.core.errors import AfieldError
from afield.platforms.microcontroller.compiler import Compiled, Options, compile_network, problems
from afield.platforms.microcontroller.plan import overlaps
from afield.platforms.microcontroller.prove.host import SANITISED, STRICT_C, build

#: the operators that the platform promises
LISTED = frozenset(
    """Conv ConvTranspose Gemm MatMul MatMulInteger Add Sub Mul Div Pow Sqrt Exp Log Abs Neg Min Max Clip Relu LeakyRelu
    PRelu Elu HardSigmoid HardSwish Gelu Sigmoid Tanh Softmax ArgMax BatchNormalization LayerNormalization AveragePool
    MaxPool GlobalAveragePool ReduceMean ReduceSum ReduceMax Pad Concat Slice Split Gather Reshape Flatten Squeeze
    Unsqueeze Transpose Resize Cast Where Equal Less Greater LessOrEqual GreaterOrEqual And Or Not Xor IsNaN GRU LSTM
    QuantizeLinear DequantizeLinear QLinearConv QLinearMatMul QLinearAdd STFT DFT TreeEnsemble TreeEnsembleClassifier
    TreeEnsembleRegressor LinearClassifier LinearRegressor Scaler Imputer OneHotEncoder LabelEncoder Normalizer
    ArrayFeatureExtractor Constant Identity""".split()
)
TYPES = {"float32", "int8", "uint8", "int32", "int64", "bool"}
#: networks compiled into one program
AT_ONCE = 80


@dataclass
class Case:
    """One official case and what became of it: ``passed``, ``failed`` or ``not applicable``, and why."""

    name: str
    operators: tuple[str, ...]
    model: onnx.ModelProto
    data: list[tuple[list[Any], list[Any]]]
    rtol: float
    atol: float
    bound: tuple[str, ...] = ()
    compiled: Compiled | None = None
    status: str = ""
    reason: str = ""
    fed: list[str] = field(default_factory=list)


def cases() -> list[Case]:
    """Return all official cases in order of name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # onnx's own cases provoke overflow on purpose
        from onnx.backend.test.case.node import collect_testcases

        found = collect_testcases("")
    made = [
        Case(
            c.name,
            tuple(sorted({n.op_type for n in c.model.graph.node})),
            c.model,
            _arrays(c.data_sets),
            c.rtol,
            c.atol,
        )
        for c in found
    ]
    return sorted(made, key=lambda c: c.name)


def _arrays(sets: Any) -> list[tuple[list[Any], list[Any]]]:
    """Return data sets with tensors that come as messages made arrays."""

    def plain(value: Any) -> Any:
        return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value

    return [([plain(v) for v in inputs], [plain(v) for v in outputs]) for inputs, outputs in sets]


def types_of(case: Case) -> set[str]:
    """Return the element types of all inputs and outputs; ``sequence`` or ``optional`` where it is no tensor."""
    found = set()
    for value in (*case.model.graph.input, *case.model.graph.output):
        kind = value.type.WhichOneof("value")
        if kind == "tensor_type":
            number = value.type.tensor_type.elem_type
            found.add(onnx.TensorProto.DataType.Name(number).lower().replace("float", "float32", number == 1))
        else:
            found.add(str(kind).removesuffix("_type"))
    return found


def bound(case: Case, names: list[str]) -> onnx.ModelProto:
    """Return the model with these inputs made constants of their test values."""
    model = onnx.ModelProto.FromString(case.model.SerializeToString())
    values = dict(zip([i.name for i in model.graph.input], case.data[0][0], strict=True))
    for name in names:
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(values[name]), name))
    kept = [i for i in model.graph.input if i.name not in names]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    return model


def settle(case: Case, prefix: str) -> None:
    """Compile a case, or say why it does not apply or fails."""
    foreign = types_of(case) - TYPES - {"double"}
    unlisted = [op for op in case.operators if op not in LISTED]
    inputs = [i.name for i in case.model.graph.input]
    whole = [i.name for i in case.model.graph.input if i.type.tensor_type.elem_type == onnx.TensorProto.INT64]
    attempts: list[list[str]] = [[]]
    if not foreign:
        attempts += [whole[1:] if whole == inputs else whole, inputs[1:]]
    reasons: list[str] = []
    for names in attempts:
        data = bound(case, names).SerializeToString()
        try:
            reasons = problems(data)
            if not reasons:
                case.compiled = compile_network(data, Options(name=prefix))
                case.bound = tuple(names)
                case.fed = [n for n in inputs if n not in names]
                return
        except AfieldError as error:
            reasons = [error.text()]
    case.reason = reasons[0]
    if foreign:
        case.status, case.reason = "not applicable", f"{', '.join(sorted(foreign))} data"
    elif unlisted:
        case.status, case.reason = "not applicable", f"{', '.join(unlisted)} is not a listed operator"
    elif "training mode" in case.reason:
        case.status, case.reason = "not applicable", "training mode"
    else:
        case.status = "failed"


def run(found: list[Case], folder: Path) -> None:
    """Settle all cases; those that compile run under sanitisers and are compared with their stated tolerance."""
    for index, case in enumerate(found):
        settle(case, f"case{index}")
    ready = [c for c in found if c.compiled]
    for start in range(0, len(ready), AT_ONCE):
        part = ready[start : start + AT_ONCE]
        networks = [c.compiled.network for c in part if c.compiled]
        program = build(networks, folder / str(start), (*STRICT_C, *SANITISED), "-O0", together=True)
        for index, case in enumerate(part):
            try:
                compare(case, program, index)
                case.status = "passed"
                case.reason = f"with constant {', '.join(case.bound)}" if case.bound else ""
            except (AssertionError, RuntimeError) as error:
                case.status, case.reason = "failed", str(error).strip().splitlines()[0]


def compare(case: Case, program: Any, index: int) -> None:
    """Run a case and hold its outputs to the stated ones."""
    assert case.compiled is not None
    assert overlaps(case.compiled.plan) == []
    names = [i.name for i in case.model.graph.input]
    for inputs, outputs in case.data:
        given = dict(zip(names, inputs, strict=True))
        (answers,) = program.run(index, [[np.asarray(given[n]) for n in case.fed]])
        for answer, want in zip(answers, outputs, strict=True):
            assert answer.shape == np.asarray(want).shape, f"shape {answer.shape}, stated {np.asarray(want).shape}"
            assert answer.dtype == np.asarray(want).dtype, f"type {answer.dtype}, stated {np.asarray(want).dtype}"
            np.testing.assert_allclose(answer, want, rtol=case.rtol, atol=max(case.atol, rounding(want)))


def rounding(want: Any) -> float:
    """Return four float32 roundings of the largest value: what stated results of sums are themselves off by."""
    values = np.ravel(np.asarray(want))
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values[:0]
    return 2.0**-22 * float(np.abs(finite).max(initial=0.0))


def table(found: list[Case]) -> Iterator[str]:
    """Yield the lines of the page."""
    counts = {s: sum(c.status == s for c in found) for s in ("passed", "not applicable", "failed")}
    yield "# ONNX's official node cases on the microcontroller platform"
    yield ""
    yield f"Written by tests/parity/test_onnx_node_cases.py with onnx {onnx.__version__}. Each case goes through the"
    yield "compiler and gcc, strict and sanitised, and is held to its stated result. *with constant*: inputs that"
    yield "decide shapes or are weights are given to the compiler instead of the program. Tolerances are the cases'"
    yield "own, or four roundings of the largest value, where that is more."
    yield ""
    yield f"{counts['passed']} passed, {counts['not applicable']} not applicable, {counts['failed']} failed."
    yield ""
    yield "| case | operators | result | reason |"
    yield "|---|---|---|---|"
    for case in found:
        reason = case.reason.replace("|", "\\|")
        yield f"| {case.name} | {' '.join(case.operators)} | {case.status} | {reason} |"
