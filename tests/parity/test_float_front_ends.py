"""Sound before an 8-bit network: the C's float features against the same in double, in units in the last place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from afield.model.session import open_session
from afield.platforms.microcontroller.compiler import Options, compile_network
from afield.platforms.microcontroller.prove.host import SANITISED, STRICT_C, build
from media_models import (
    COEFFICIENTS,
    FFT,
    FRAMES,
    MELS,
    RATE,
    STRIDE,
    WINDOW,
    dct_matrix,
    hann,
    mel_matrix,
    sound_model,
)  # fmt: skip

#: how far a band of the spectrum may be from the one in double: float32 steps at the largest band of its frame
BOUND = 8
#: what rounding in 40 logarithms and their sums adds to a feature
SUMS = 1e-4
#: of one 8-bit step
SCALE = 0.35
#: hertz at the start, loudness
PITCHES = ((300, 0.1), (90, 0.9))


def front_end() -> bytes:
    """Return what stands before the network of a model of sounds: [1, 16000] to features, and these in 8 bits."""
    whole = onnx.load_from_string(sound_model())
    wanted = {"loudest", "divisor", "even", "signal", "spectra", "squares", "power", "magnitudes", "bands", "lifted",
              "logs", "coefficients"}  # fmt: skip
    nodes = [n for n in whole.graph.node if n.output[0] in wanted]
    nodes.append(helper.make_node("QuantizeLinear", ["coefficients", "step", "middle"], ["bytes"]))
    used = {name for n in nodes for name in n.input}
    constants = [t for t in whole.graph.initializer if t.name in used]
    constants += [numpy_helper.from_array(np.float32(SCALE), "step"), numpy_helper.from_array(np.int8(5), "middle")]
    shape = [1, FRAMES, COEFFICIENTS]
    graph = helper.make_graph(
        nodes, "front", [helper.make_tensor_value_info("heard", TensorProto.FLOAT, [1, RATE])],
        [helper.make_tensor_value_info("bands", TensorProto.FLOAT, [1, FRAMES, MELS]),
         helper.make_tensor_value_info("coefficients", TensorProto.FLOAT, shape),
         helper.make_tensor_value_info("bytes", TensorProto.INT8, shape)], constants,
    )  # fmt: skip
    opset = [helper.make_opsetid("", whole.opset_import[0].version)]
    return helper.make_model(graph, opset_imports=opset, ir_version=whole.ir_version).SerializeToString()


def bands_of(sound: np.ndarray) -> np.ndarray:
    """Return the bands [49, 40] in double."""
    even = sound.astype(np.float64) / max(float(sound.max()), 1e-6)
    frames = np.stack([even[i * STRIDE : i * STRIDE + WINDOW] for i in range(FRAMES)]) * hann()
    return np.asarray(np.abs(np.fft.rfft(frames, FFT)) @ mel_matrix().astype(np.float64))


def sounds() -> list[np.ndarray]:
    rng, time = np.random.default_rng(3), np.arange(RATE) / RATE
    tones = [
        np.sin(2 * np.pi * f * time * (1 + time)) * np.exp(-2 * time) * loud for f, loud in ((300, 0.1), (90, 0.9))
    ]
    noise = [rng.normal(size=RATE) * 0.05, np.where(time < 0.5, 0.0, rng.normal(size=RATE) * 1e-3), np.zeros(RATE)]
    return [s.astype(np.float32)[None] for s in (*tones, *noise)]


@pytest.mark.slow
def test_features_of_sound_are_within_a_stated_bound_of_double_and_round_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = front_end()
    program = build([compile_network(data, Options(name="front")).network], tmp_path, (*STRICT_C, *SANITISED), "-O1")
    worst, runtime, shares = 0.0, 0.0, list[float]()
    for sound in sounds():
        exact = bands_of(sound[0])
        step = np.spacing(np.maximum(exact.max(axis=1, keepdims=True), 1e-6).astype(np.float32)).astype(np.float64)
        ((bands, features, rounded),) = program.run(0, [[sound]])
        (reference,) = open_session(data).run(["bands"], {"heard": sound})
        worst = max(worst, float((np.abs(bands[0] - exact) / step).max()))
        runtime = max(runtime, float((np.abs(reference[0] - exact) / step).max()))
        least = np.maximum(exact + 1e-6 - BOUND * step, 1e-9)
        reach = (BOUND * step / least) @ np.abs(dct_matrix().astype(np.float64)) + SUMS  # what that does to a feature
        true = np.log(exact + 1e-6) @ dct_matrix().astype(np.float64)
        assert (np.abs(features[0] - true) <= reach).all()
        places = true / SCALE + 5
        clear = np.abs(places - np.floor(places) - 0.5) > reach / SCALE
        shares.append(float(clear.mean()))
        assert (rounded[0] == np.clip(np.rint(places), -128, 127))[clear].all()
    with capsys.disabled():
        print(f"[bands of sound: {worst:.1f} float32 steps from double, onnxruntime {runtime:.1f}; "
              f"{np.mean(shares):.0%} of features must round alike]", end="")  # fmt: skip
    assert worst <= BOUND
    assert np.mean(shares) > 0.5  # faint bands beside a loud tone may fall either way
