"""Generated tables through C on the host, on hostile rows: the file's own features, leaves, answers and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.model.session import open_session
from afield.platforms.microcontroller.compiler import Options
from afield.platforms.microcontroller.plan import overlaps
from afield.platforms.microcontroller.prove.host import SANITISED, STRICT_C, build
from afield.platforms.microcontroller.tabular.compile import CompiledTable, compile_table
from afield.platforms.microcontroller.validity import faults
from generated_tables import EXACT, GeneratedTable, generated

SEEDS = 24
#: of answers between -100 and 100, and of probabilities
CLOSE = 1e-5


def row_of(compiled: CompiledTable, feed: dict[str, NDArray[Any]], index: int) -> list[NDArray[Any]]:
    """Return the inputs of C for a row of texts and numbers."""
    table = compiled.table
    numbers = np.array([feed[n][index] for n in table.numbers], np.float32)
    codes = []
    for column in table.codes:
        known, text = ["", None, *column.values], feed[column.name][index]
        codes.append(known.index(text) if text in known else 1)
    given = {table.number_input: numbers, table.code_input: np.array(codes, np.uint8)}
    return [given[p.name] for p in compiled.network.inputs]


def check(case: GeneratedTable, compiled: CompiledTable, found: list[list[NDArray[Any]]], seed: int) -> None:
    names = [p.name for p in compiled.network.outputs]
    want = dict(zip(case.outputs, open_session(case.model).run(list(case.outputs), case.feed), strict=True))
    got = {n: np.stack([np.ravel(row[i]) for row in found]) for i, n in enumerate(names)}
    exact = np.array([name in EXACT for name in case.features])
    told = f"table {seed}: {case.features}"
    np.testing.assert_array_equal(got["features"][:, exact], want["features"][:, exact], err_msg=told)
    np.testing.assert_allclose(got["features"], want["features"], rtol=2e-6, atol=2e-6, err_msg=told)
    np.testing.assert_allclose(got["trees"], want["trees"], atol=CLOSE, err_msg=told)
    answer = "prediction" if "prediction" in want else "probabilities"
    flat = want[answer].reshape(len(found), -1)
    np.testing.assert_allclose(got[answer], flat, rtol=CLOSE, atol=CLOSE, err_msg=told)
    if "label" in want:
        texts = np.array(compiled.table.labels["label"], dtype=object)[got["label"][:, 0].astype(int)]
        ordered = np.sort(flat, axis=1)
        clear = ordered[:, -1] - ordered[:, -2] > 0.5  # whatever weights between 0.5 and 1 the rule has
        assert (texts == want["label"])[clear].all(), told
        assert (texts == want["label"]).mean() > 0.95, told


def test_generated_tables(tmp_path: Path) -> None:
    cases = [generated(np.random.default_rng(seed)) for seed in range(SEEDS)]
    compiled = [compile_table(case.model, Options(name=f"table{i}")) for i, case in enumerate(cases)]
    program = build([c.network for c in compiled], tmp_path, (*STRICT_C, *SANITISED), "-O0", together=True)
    for seed, (case, one) in enumerate(zip(cases, compiled, strict=True)):
        assert faults(one.graph) == []
        assert overlaps(one.plan) == []
        count = len(next(iter(case.feed.values())))
        check(case, one, program.run(seed, [row_of(one, case.feed, i) for i in range(count)]), seed)
