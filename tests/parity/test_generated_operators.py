"""Every operator in 200 generated cases: shapes, pads, strides, groups, broadcasting, against onnxruntime.

Trees, operators for signals and of integers are sampled; ``AFIELD_FULL=1`` gives them 200 cases too.
"""

from __future__ import annotations

import os
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from afield.platforms.microcontroller.compiler import Options, compile_network
from afield.platforms.microcontroller.passes.pipeline import rewritten
from afield.platforms.microcontroller.plan import overlaps
from afield.platforms.microcontroller.prove.host import SANITISED, STRICT_C, build
from afield.platforms.microcontroller.reading.read import read
from afield.platforms.microcontroller.validity import faults
from generated_operators import GENERATORS, Generated, runtime
from generated_samples import SAMPLES
from node_cases import LISTED

ALL = {**GENERATORS, **SAMPLES}
CASES = 200
SAMPLED = CASES if os.environ.get("AFIELD_FULL") else 40
#: generated in test_generated_classical
CLASSICAL = {
    "Scaler", "Imputer", "OneHotEncoder", "Normalizer", "LinearRegressor", "LinearClassifier", "LabelEncoder",
    "ArrayFeatureExtractor", "TreeEnsembleRegressor", "TreeEnsembleClassifier",
}  # fmt: skip
#: what has no generator of its own: copies, and an operator of no standard
WITHOUT = {"Constant", "Identity", "QLinearAdd"}


def settled(name: str) -> list[tuple[Generated, list[np.ndarray]]]:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    found, wanted = [], SAMPLED if name in SAMPLES else CASES
    for _ in range(3 * wanted):
        case = ALL[name](rng)
        answers = runtime(case)
        if answers is not None:
            found.append((case, answers))
        if len(found) == wanted:
            break
    return found


def test_every_listed_operator_is_generated() -> None:
    assert LISTED - set(ALL) - CLASSICAL == WITHOUT


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_generated_cases(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = settled(name)
    assert len(found) == (SAMPLED if name in SAMPLES else CASES)
    networks = []
    for index, (case, _) in enumerate(found):
        broken: list[str] = []
        rewritten(read(case.model).graph, lambda _, graph, broken=broken: broken.extend(faults(graph)))
        assert broken == []
        compiled = compile_network(case.model, Options(name=f"case{index}"))
        assert overlaps(compiled.plan) == []
        networks.append(compiled.network)
    program = build(networks, tmp_path, (*STRICT_C, *SANITISED), "-O0", together=True)
    for index, (case, want) in enumerate(found):
        row = [case.inputs[p.name] for p in networks[index].inputs]
        (answers,) = program.run(index, [row])
        for answer, expected in zip(answers, want, strict=True):
            message = f"{name} case {index}: {case.features}"
            np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=case.atol, err_msg=message)
    with capsys.disabled():
        print(f"[{name}: {dict(Counter(f for case, _ in found for f in case.features))}]")
