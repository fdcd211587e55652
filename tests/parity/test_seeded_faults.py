"""Faults put into the compiler on purpose: generated networks against onnxruntime must catch each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afield.core.errors import AfieldError
from afield.platforms.microcontroller import activations, elements, placing, plan
from afield.platforms.microcontroller.compiler import Options, compile_network
from afield.platforms.microcontroller.ops import conv, copy, elementwise, gemm, integer_layers, reduce, softmax
from afield.platforms.microcontroller.passes import affine, layout, permuting
from afield.platforms.microcontroller.prove.host import SANITISED, STRICT_C, build
from generated_operators import GENERATORS, runtime

CASES = 24
Patch = Callable[[pytest.MonkeyPatch], None]


def caught(names: tuple[str, ...], folder: Path) -> str:
    """Return how the first fault showed itself in a few generated cases; "" where nothing did."""
    rng = np.random.default_rng(3)
    drawn = [GENERATORS[name](rng) for name in names for _ in range(CASES)]
    answered = [(case, want) for case in drawn if (want := runtime(case)) is not None]
    cases = [case for case, _ in answered]
    try:
        compiled = [compile_network(c.model, Options(name=f"case{i}")) for i, c in enumerate(cases)]
        program = build([c.network for c in compiled], folder, (*STRICT_C, *SANITISED), "-O0", together=True)
    except (AfieldError, RuntimeError, ValueError, KeyError, IndexError, TypeError) as error:
        return type(error).__name__
    for index, (case, want) in enumerate(answered):
        if plan.overlaps(compiled[index].plan):
            return "the plan's checker"
        try:
            (answers,) = program.run(index, [[case.inputs[p.name] for p in compiled[index].network.inputs]])
        except RuntimeError:
            return "a sanitiser"
        for answer, expected in zip(answers, want, strict=True):
            if answer.shape != expected.shape or not np.allclose(
                answer, expected, rtol=1e-4, atol=case.atol, equal_nan=True
            ):
                return "onnxruntime"
    return ""


def replaced(place: Any, name: str, change: Callable[..., Any]) -> Patch:
    """Return a patch that gives ``place.name`` another body; ``change`` gets the old one first."""
    old = getattr(place, name)
    return lambda patch: patch.setattr(place, name, lambda *a, **k: change(old, *a, **k))


def entry(table: dict[str, Any], op: str, text: str) -> Patch:
    return lambda patch: patch.setitem(table, op, lambda s: text)


FAULTS: dict[str, tuple[tuple[str, ...], Patch]] = {
    "memory is given away while it is still read": (
        ("Spatial",), replaced(placing, "_barred", lambda old, life, others, leads: [])),
    "an output begins too close before its input": (
        ("Quantised",), replaced(integer_layers, "window_lead", lambda old, at, pixels: old(at, pixels) // 8)),
    "a result is written over an input that is needed later": (
        ("Spatial",), replaced(plan, "_overwritten", lambda old, graph, index, roots, end: old(
            graph, index, roots, dict.fromkeys(end, index)))),
    "a broadcast axis is walked": (
        ("Add",), replaced(elementwise, "broadcast", lambda old, shape, result: tuple(
            s or 1 for s in old(shape, result)))),
    "axes are joined that are not neighbours in memory": (
        ("Transpose",), replaced(copy, "collapsed", lambda old, extents, *walks: old(
            extents, walks[0], *walks[:-1]))),
    "an activation is dropped": (
        ("Conv",), replaced(activations, "apply", lambda old, node, variable, *more: variable)),
    "a zero point is not taken into the biases": (
        ("Quantised",), replaced(integer_layers, "_folded", lambda old, at, size: np.resize(
            np.asarray(at.input(2).value), size))),
    "the sums of a quantised layer are scaled twice": (
        ("Quantised",), replaced(integer_layers, "_scalars", lambda old, at, kernel: {
            **old(at, kernel), "FACTOR": 2})),
    "a bias is dropped": (
        ("Conv",), replaced(conv, "_bias", lambda old, at, size=0: np.zeros_like(old(at, size)))),
    "height and width of a window change places": (
        ("Conv",), replaced(conv, "_plane", lambda old, at: {
            **(p := old(at)), "STRIDE_H": p["STRIDE_W"], "STRIDE_W": p["STRIDE_H"]})),
    "a permutation is taken the wrong way round": (
        ("Spatial",), replaced(layout, "_perm", lambda old, node: tuple(int(a) for a in np.argsort(old(node))))),
    "a constant is not permuted with its partner": (
        ("Spatial",), replaced(permuting, "_attributes", lambda old, node, perm: dict(node.attributes))),
    "a factor is folded into the weights but not the bias": (
        ("Conv",), replaced(affine, "_channels", lambda old, constant, outs, rank, axis: (
            None if (v := old(constant, outs, rank, axis)) is None else v * 1.01))),
    "a matrix is read transposed": (
        ("Gemm",), replaced(gemm, "_row_bias", lambda old, at: True)),
    "a mean is a sum": (
        ("ReduceMean",), replaced(reduce, "_parts", lambda old, op, dtype, count: (*old(op, dtype, count)[:2], "a"))),
    "a softmax is its logarithm": (
        ("Softmax",), replaced(softmax, "_soft", lambda old, kernel, count, step, start, suffix, log: old(
            kernel, count, step, start.replace("p[0]", "-90"), suffix, log=not log))),
    "a comparison has the wrong side": (("Less",), entry(elements.BINARY, "Less", "a > b ? 1 : 0")),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_caught(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names, patch = FAULTS[fault]
    patch(monkeypatch)
    assert caught(names, tmp_path), fault


@pytest.mark.slow
def test_without_a_fault_nothing_is_caught(tmp_path: Path) -> None:
    names = tuple(dict.fromkeys(n for names, _ in FAULTS.values() for n in names))
    assert caught(names, tmp_path) == ""
