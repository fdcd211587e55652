"""Every integer operator in generated cases: the C equals the reference to the bit, that onnxruntime within a step."""

from __future__ import annotations

import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from afield.platforms.microcontroller.compiler import Options, compile_network
from afield.platforms.microcontroller.integer import oracle
from afield.platforms.microcontroller.passes.pipeline import rewritten
from afield.platforms.microcontroller.plan import overlaps
from afield.platforms.microcontroller.prove.host import SANITISED, STRICT_C, build
from afield.platforms.microcontroller.reading.read import read
from afield.platforms.microcontroller.validity import faults
from integer_operators import GENERATORS, plain

CASES = 200
FEW = 3


def check(names: list[str], cases: int, folder: Path) -> Counter[str]:
    """Return the features of so many cases of each operator."""
    drawn, networks, seen = [], [], Counter[str]()
    for name in names:
        generator, op = GENERATORS[name]
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        for _ in range(cases):
            case = generator(rng)
            broken: list[str] = []
            rewritten(read(case.model).graph, lambda _, graph, broken=broken: broken.extend(faults(graph)))
            assert broken == []
            compiled = compile_network(case.model, Options(name=f"case{len(drawn)}"))
            ops = {node.op for node in compiled.graph.nodes}
            assert op in ops or (op == "IntegerTable" and ops <= {"View", "Copy"}), (name, case.features, ops)
            assert not {"QuantizeLinear", "DequantizeLinear"} & ops, (name, case.features, ops)
            assert overlaps(compiled.plan) == []
            (want,) = oracle.run(compiled.graph, case.inputs)
            off = np.abs(want.astype(int) - plain(case.model, case.inputs)).max(initial=0)
            assert off <= 1, f"{name} case {len(drawn)}: {case.features}: {off} steps"
            drawn.append((name, case, want))
            networks.append(compiled.network)
            seen.update(f"{name} {f}" for f in case.features)
    program = build(networks, folder, (*STRICT_C, *SANITISED), "-O0", together=True)
    for index, (name, case, want) in enumerate(drawn):
        (answers,) = program.run(index, [[case.inputs[p.name] for p in networks[index].inputs]])
        np.testing.assert_array_equal(answers[0], want, err_msg=f"{name} case {index}: {case.features}")
    return seen


def test_a_few_cases_of_each(tmp_path: Path) -> None:
    assert len(check(list(GENERATORS), FEW, tmp_path)) > len(GENERATORS)


@pytest.mark.slow
@pytest.mark.parametrize("name", GENERATORS)
def test_generated_cases(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = check([name], CASES, tmp_path)
    with capsys.disabled():
        print(f"[{dict(sorted(seen.items()))}]")
