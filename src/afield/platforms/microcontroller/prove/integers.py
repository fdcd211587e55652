"""What a proof asks of networks in integers: the reference to the bit, and that within steps of onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from afield.core.proofs import Proof
from afield.platforms.microcontroller.integer import oracle
from afield.platforms.microcontroller.ir import Array, Graph
from afield.platforms.microcontroller.prove.observing import observed
from afield.platforms.microcontroller.prove.stepwise import STEPS, stepwise
from afield.platforms.microcontroller.reading.read import read
from afield.platforms.microcontroller.tabular.compile import CompiledTable
from afield.platforms.microcontroller.tabular.lowering import lower
from afield.platforms.protocol import Probe

Answers = Mapping[str, Array]
Levels = Mapping[str, Sequence[str]]


def has_integers(graph: Graph) -> bool:
    """Return whether some of a compiled graph computes in 8-bit integers."""
    return any(node.op in oracle.INTEGER for node in graph.nodes)


def is_whole(graph: Graph) -> bool:
    """Return whether the reference knows every operator, so that all answers are the same to the bit everywhere."""
    return all(node.op in oracle.KNOWN for node in graph.nodes)


def referenced(graph: Graph, feed: Answers) -> dict[str, Array]:
    """Return the reference's outputs [N, ...] for rows of inputs [N, ...]."""
    count = len(next(iter(feed.values())))
    rows = [oracle.run(graph, {n: feed[n][i].reshape(graph.tensors[n].shape) for n in graph.inputs})
            for i in range(count)]  # fmt: skip
    return {name: np.stack([row[k] for row in rows]).reshape(count, -1) for k, name in enumerate(graph.outputs)}


def unequal(reference: Answers, answers: Answers) -> int:
    """Return in how many elements answers differ from the reference in any bit."""
    total = 0
    for name, want in reference.items():
        got = np.asarray(answers[name]).reshape(want.shape).astype(want.dtype)
        total += int((got.view(np.uint8) != want.view(np.uint8)).reshape(*want.shape, -1).any(axis=-1).sum())
    return total


def inside(
    compiled: CompiledTable, content: bytes, feed: Answers, levels: Levels, folder: Path
) -> tuple[bool, list[str]]:
    """Return whether the integer operators inside a network of floats are right, and a sentence on each check.

    Raises
    ------
    MissingDependencyError, RuntimeError
        As ``observed``.
    """
    looked = observed(compiled, feed, folder)
    held = stepwise(content, lower(read(content).graph, levels).graph, feed)
    return not looked.wrong and held.passed, [f"host gcc: {looked.text()}", f"the reference: {held.text()}"]


def proven(
    probe: Probe, runs: Mapping[str, Answers], graph: Graph, content: bytes, *, platform: str, how: str
) -> Proof:
    """Return the proof of a network in integers: the reference to the bit, and each operator of that within a step."""
    reference = referenced(graph, probe.feed)
    details, same = [], True
    for name, answers in runs.items():
        wrong = unequal(reference, answers)
        same = same and not wrong
        told = f"{wrong} answers are not those of" if wrong else "equal to the bit to"
        details.append(f"{name}: {probe.rows} rows, {told} the integer reference")
    held = stepwise(content, read(content).graph, probe.feed)
    gaps = [np.abs(v - np.asarray(probe.answers[n], np.float64).reshape(v.shape)) for n, v in reference.items()]
    off = max(float(gap.max(initial=0.0)) for gap in gaps)
    details += [f"the reference: {held.text()}", f"all of it: answers at most {off:.2g} off onnxruntime"]
    return Proof(
        platform=platform, ran=True, how=how, rows=probe.rows * len(runs), largest=float(held.off), tolerance=STEPS,
        passed=same and held.passed, details=tuple(details),
    )  # fmt: skip
