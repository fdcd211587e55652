"""Model files of pictures and sounds for tests: any photo with Resize in the graph, sound with STFT, mel and DCT in it.

Around a network that somebody else trained, or around a small random one, so that tests need no other file.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from afield.graph.profile import IR_VERSION, OPSET
from afield.model.card import Card, ColumnNote, Decision, Licensed
from afield.model.container import write_properties
from afield.model.metadata import Provenance, SelfTest, to_metadata
from afield.model.model import Model
from afield.model.selftest import record
from afield.problem.schema import ColumnSpec, Schema, TargetSpec

SIDE = 96
RATE, WINDOW, STRIDE, FFT, FRAMES, MELS, COEFFICIENTS = 16_000, 480, 320, 512, 49, 40, 10
PERSON = ("no person", "person")
WORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "silence", "unknown")


def image_model(network: onnx.ModelProto | None = None, classes: tuple[str, ...] = PERSON) -> bytes:
    """Return a model of photos of any size; ``network`` takes float32 [N, 96, 96, 3] of 0 to 1."""
    sizes = np.array([SIDE, SIDE], dtype=np.int64)
    before = [
        node("Cast", ["photo"], "pixels", to=TensorProto.FLOAT),
        node("Transpose", ["pixels"], "planes", perm=[0, 3, 1, 2]),
        node("Shape", ["planes"], "shape"),
        node("Slice", ["shape", "zero", "two"], "kept"),
        node("Concat", ["kept", "side"], "sizes", axis=0),
        node("Resize", ["planes", "", "", "sizes"], "resized", mode="linear", antialias=1, exclude_outside=1,
             coordinate_transformation_mode="half_pixel"),
        node("Transpose", ["resized"], "again", perm=[0, 2, 3, 1]),
        node("Mul", ["again", "scale"], "input"),
    ]  # fmt: skip
    constants = {"side": sizes, "zero": whole(0), "two": whole(2), "scale": np.float32(1 / 255)}
    graph = around(network or small_network([1, SIDE, SIDE, 3], len(classes), 0), before, constants, classes,
                   helper.make_tensor_value_info("photo", TensorProto.UINT8, ["N", "H", "W", 3]))  # fmt: skip
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[0:48, 0:64] / 64
    waves = [np.sin(rng.uniform(2, 9) * rows + rng.uniform(2, 9) * columns + rng.uniform(0, 6)) for _ in range(12)]
    photos = np.rint(np.reshape(waves, (4, 3, 48, 64)) * 110 + 128).astype(np.uint8).transpose(0, 2, 3, 1)
    return finished(
        graph, ColumnSpec(name="photo", kind="image"), classes, np.ascontiguousarray(photos), "Is somebody there?"
    )


def sound_model(network: onnx.ModelProto | None = None, classes: tuple[str, ...] = WORDS) -> bytes:
    """Return a model of one second of sound; ``network`` takes float32 [N, 49, 10, 1] of MFCC."""
    before = [
        node("Shape", ["sound"], "shape"),
        node("Slice", ["shape", "zero", "one"], "count"),
        node("Concat", ["count", "second"], "padding", axis=0),
        node("Expand", ["silence", "padding"], "quiet"),
        node("Concat", ["sound", "quiet"], "long", axis=1),
        node("Slice", ["long", "zero", "second", "axis"], "heard"),
        node("ReduceMax", ["heard", "axis"], "loudest", keepdims=1),
        node("Max", ["loudest", "floor"], "divisor"),
        node("Div", ["heard", "divisor"], "even"),
        node("Unsqueeze", ["even", "two"], "signal"),
        node("STFT", ["signal", "stride", "window"], "spectra", onesided=1),
        node("Mul", ["spectra", "spectra"], "squares"),
        node("ReduceSum", ["squares", "three"], "power", keepdims=0),
        node("Sqrt", ["power"], "magnitudes"),
        node("MatMul", ["magnitudes", "mel"], "bands"),
        node("Add", ["bands", "floor"], "lifted"),
        node("Log", ["lifted"], "logs"),
        node("MatMul", ["logs", "dct"], "coefficients"),
        node("Unsqueeze", ["coefficients", "three"], "input"),
    ]
    constants = {
        "zero": whole(0), "one": whole(1), "two": whole(2), "three": whole(3), "axis": whole(1), "second": whole(RATE),
        "silence": np.zeros((1, 1), np.float32), "floor": np.float32(1e-6), "stride": np.int64(STRIDE),
        "window": np.pad(hann(), (0, FFT - WINDOW)), "mel": mel_matrix(), "dct": dct_matrix(),
    }  # fmt: skip
    graph = around(network or small_network([1, FRAMES, COEFFICIENTS, 1], len(classes), 1), before, constants, classes,
                   helper.make_tensor_value_info("sound", TensorProto.FLOAT, ["N", "samples"]))  # fmt: skip
    rng = np.random.default_rng(6)
    time = np.arange(RATE) / RATE
    tones = [np.sin(2 * np.pi * rng.uniform(150, 2_000) * time * (1 + time)) * np.exp(-3 * time) for _ in range(3)]
    sounds = (np.rint(np.array(tones) * 3_000) / 32_768).astype(np.float32)
    spec = ColumnSpec(name="sound", kind="audio", rate=RATE, seconds=1.0)
    return finished(graph, spec, classes, sounds, "Which word was said?")


# Sound features -------------------------------------------------------------------------------------------------------


def hann() -> NDArray[np.float32]:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


def mel_matrix(low: float = 20.0, high: float = 4_000.0) -> NDArray[np.float32]:
    """Return [257, 40] triangles that are even on the mel scale, float32."""

    def mel(hertz: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return np.asarray(1127.0 * np.log1p(np.asarray(hertz) / 700.0))

    edges = np.linspace(mel(low), mel(high), MELS + 2)
    bins = mel(np.linspace(0, RATE / 2, FFT // 2 + 1))[:, None]
    up = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    found = np.maximum(0.0, np.minimum(up, down))
    found[0] = 0.0
    return found.astype(np.float32)


def dct_matrix() -> NDArray[np.float32]:
    """Return [40, 10] of the orthogonal DCT-II, float32."""
    at, k = np.arange(MELS)[:, None], np.arange(COEFFICIENTS)
    return (np.sqrt(2.0 / MELS) * np.cos(np.pi * k * (2 * at + 1) / (2 * MELS))).astype(np.float32)


def mfcc(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return [49, 10] of one second, in numpy: what the graph must compute."""
    even = sound.astype(np.float64) / max(float(sound.max()), 1e-6)
    frames = np.stack([even[i * STRIDE : i * STRIDE + WINDOW] for i in range(FRAMES)]) * hann()
    bands = np.abs(np.fft.rfft(frames, FFT)) @ mel_matrix().astype(np.float64)
    return np.asarray(np.log(bands + 1e-6) @ dct_matrix().astype(np.float64))


# The file -------------------------------------------------------------------------------------------------------------


def node(kind: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], name=f"front/{output}", **attributes)


def whole(value: int) -> NDArray[np.int64]:
    return np.array([value], dtype=np.int64)


def small_network(shape: list[int], classes: int, seed: int) -> onnx.ModelProto:
    """Return a random network of one convolution in float32, the input's last axis being channels."""
    rng = np.random.default_rng(seed)
    weights = {
        "w": rng.normal(size=(8, shape[3], 3, 3)).astype(np.float32) * 0.5,
        "b": rng.normal(size=8).astype(np.float32),
        "v": rng.normal(size=(8, classes)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Transpose", ["input"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["t", "w", "b"], ["c"], strides=[2, 2]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "v"], ["s"]),
        helper.make_node("Softmax", ["s"], ["output"], axis=1),
    ]
    graph = helper.make_graph(
        nodes, "small",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, classes])],
        [numpy_helper.from_array(v, n) for n, v in weights.items()],
    )  # fmt: skip
    return helper.make_model(graph)


def around(
    network: onnx.ModelProto,
    before: list[onnx.NodeProto],
    constants: dict[str, NDArray[np.generic]],
    classes: tuple[str, ...],
    value: onnx.ValueInfoProto,
) -> bytes:
    """Return the graph: front, network, and the decision behind it."""
    inner = network.graph
    renamed = {inner.input[0].name: "input", inner.output[0].name: "raw"}
    nodes = []
    for one in inner.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(one)
        for names in (copy.input, copy.output):
            names[:] = [renamed.get(n, f"network/{n}" if n else "") for n in names]
        nodes.append(copy)
    weights = []
    for tensor in inner.initializer:
        copy = onnx.TensorProto()
        copy.CopyFrom(tensor)
        copy.name = f"network/{tensor.name}"
        weights.append(copy)
    after = [
        node("Reshape", ["raw", "rows"], "probabilities"),
        node("ArgMax", ["probabilities"], "best", axis=1, keepdims=0),
        node("Gather", ["names", "best"], "label", axis=0),
    ]
    weights += [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()]
    weights.append(numpy_helper.from_array(np.array([-1, len(classes)], dtype=np.int64), "rows"))
    weights.append(numpy_helper.from_array(np.array(classes, dtype=object), "names"))
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.STRING, ["N"]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", len(classes)]),
    ]
    graph = helper.make_graph([*before, *nodes, *after], "media", [value], outputs, weights)
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION).SerializeToString(deterministic=True)


def finished(
    graph: bytes, spec: ColumnSpec, classes: tuple[str, ...], samples: NDArray[np.generic], title: str
) -> bytes:
    """Return the file: the graph with schema, card and self-test inside."""
    kind = "binary" if len(classes) == 2 else "multiclass"
    target = TargetSpec(
        name="answer",
        spec=ColumnSpec(name="answer", kind="category"),
        task=kind,
        classes=classes,  # type: ignore[arg-type]
    )
    schema = Schema(columns=(spec,), target=target)
    card = Card(
        title=title, task=kind, target="answer", decision=Decision(),
        columns=(ColumnNote(name=spec.name, kind=spec.kind),), parts=(Licensed(name="network", licence="Apache-2.0"),),
    )  # fmt: skip
    origin = Provenance(afield="0.1.0", data_name="made up")
    feed = {spec.input_name: samples}
    blank = Model(write_properties(graph, to_metadata(schema, card, SelfTest(inputs={}), origin)))
    selftest = record(schema, feed, blank.run(feed), tolerance=1e-5)
    return write_properties(graph, to_metadata(schema, card, selftest, origin))
