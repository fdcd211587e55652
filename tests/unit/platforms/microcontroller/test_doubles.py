"""Doubles that float32 cannot stand for, one reason each: C gives the file's own answers on the rows that tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from afield.graph.builder import Builder, Value
from afield.model.session import open_session
from afield.parts.encoders.arithmetic import FittedArithmetic
from afield.platforms.microcontroller.compiler import Options
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.prove.host import SANITISED, STRICT_C, build
from afield.platforms.microcontroller.tabular.compile import CompiledTable, compile_table

Steps = Callable[[Builder, Value, Value], Value]
_INF = float("inf")


def real(b: Builder, value: float) -> Value:
    return b.constant(np.float64(value))


def bounded(b: Builder, x: Value, reach: float) -> Value:
    return b.op("Max", b.op("Min", x, real(b, reach)), real(b, -reach))


def nested_ratio(b: Builder, x: Value, y: Value) -> Value:
    """y / (y / x): where x counts as 1e150, the inner ratio is no 0, but its float32 is."""
    pairs = ({"ratio": ((1, 0),)}, {"ratio": ((1, 2),)})
    made = FittedArithmetic(("x", "y"), pairs).lower(b, {"x": x, "y": y})
    return b.gather(made, b.constant(np.array([1])), 1)


def asked(b: Builder, x: Value, y: Value) -> Value:
    del y
    return b.cast(b.op("Less", x, real(b, 16_777_216.5), dtype="bool"), "float64")


def floored(b: Builder, x: Value, y: Value) -> Value:
    del y
    return b.op("Floor", b.op("Mul", x, real(b, 0.1)))


def met(b: Builder, x: Value, y: Value) -> Value:
    return b.op("Sub", b.op("Mul", x, y), real(b, 1.6e9))


def small_constant(b: Builder, x: Value, y: Value) -> Value:
    del y
    return b.op("Mul", b.op("Mul", b.op("Mul", x, real(b, 1e-60)), real(b, 1e30)), real(b, 1e30))


def bent(b: Builder, x: Value, y: Value) -> Value:
    del y
    z = b.op("Mul", bounded(b, x, 1e150), real(b, 1e30))
    return b.op("Mul", b.op("Sign", z), b.op("Log", b.op("Add", b.op("Abs", z), real(b, 1.0))))


def no_spread(b: Builder, x: Value, y: Value) -> Value:
    del y
    return bounded(b, b.op("Mul", bounded(b, x, 1e150), real(b, 0.0)), 10.0)


def scaled_down(b: Builder, x: Value, y: Value) -> Value:
    del y
    return b.op("Mul", b.op("Mul", x, real(b, 1e10)), real(b, 1e-20))


CASES: dict[str, tuple[Steps, list[tuple[float, float]]]] = {
    "nested ratio": (nested_ratio, [(_INF, 0.5), (-_INF, 3.0), (3.4e38, 1e-30), (2.0, 0.0), (0.0, 2.0)]),
    "comparison": (asked, [(16_777_216.0, 0.0), (16_777_218.0, 0.0)]),
    "floor": (floored, [(10.0 * k, 0.0) for k in range(1, 100)]),
    "two that meet": (met, [(1.6e9, 1.0000001), (1.5e9, 1.0666667)]),
    "constant": (small_constant, [(1.0, 0.0), (1e-20, 0.0)]),
    "logarithm": (bent, [(1e30, 0.0), (-1e20, 0.0), (_INF, 0.0), (-_INF, 0.0), (1e-30, 0.0), (0.0, 0.0)]),
    "times nothing": (no_spread, [(_INF, 0.0), (-_INF, 0.0), (1.0, 0.0)]),
    "back again": (scaled_down, [(1e35, 0.0), (1e30, 0.0)]),
}


def compiled(steps: Steps) -> tuple[bytes, CompiledTable]:
    b = Builder()
    x, y = (b.input(n, "float64", ["N"]) for n in "xy")
    b.output(b.reshape(b.cast(steps(b, x, y), "float32"), [-1]), "z", ["N"])
    data = b.build("doubles").SerializeToString()
    return data, compile_table(data, Options(name="doubles"))


@pytest.mark.parametrize("name", CASES)
def test_the_answers_are_the_files_own(name: str, tmp_path: Path) -> None:
    steps, rows = CASES[name]
    data, table = compiled(steps)
    numbers = np.array(rows, np.float32)
    places = [0 if n == "x" else 1 for n in table.table.numbers]
    want = open_session(data).run(["z"], {n: numbers[:, i].astype(np.float64) for i, n in enumerate("xy")
                                          if n in table.table.numbers})[0]  # fmt: skip
    found = build([table.network], tmp_path, (*STRICT_C, *SANITISED)).run(0, [[row[places]] for row in numbers])
    np.testing.assert_allclose(np.array([row[0].ravel()[0] for row in found]), want, rtol=3e-7, atol=0)


def test_what_floats_can_hold_costs_no_doubles() -> None:
    def standard(b: Builder, x: Value, y: Value) -> Value:
        z = b.op("Mul", b.op("Sub", bounded(b, x, 1e150), real(b, 1_600_000_187.3)), real(b, 0.01))
        return b.op("Where", b.op("IsNaN", y, dtype="bool"), real(b, 0.0), bounded(b, z, 10.0), dtype="float64")

    table = compiled(standard)[1]
    assert DType.FLOAT64 not in {t.dtype for t in table.graph.tensors.values()}
