"""Models in onnxruntime's builds for JavaScript, run by Node in one process, and beside them Python's own answers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from afield.graph.builder import Builder
from afield.platforms.browser.passing import from_json, to_json
from node_packages import program

HERE = Path(__file__).parent
Feeds = Mapping[str, NDArray[Any]]
Answers = dict[str, NDArray[Any]]


def run_there(runtime: Path, folder: Path, jobs: Sequence[tuple[bytes, Feeds, bool]]) -> list[Answers | str]:
    """Run (model bytes, feeds, optimise) jobs in one Node process; a list of outputs by name, or an error text."""
    listed = []
    for i, (model, feeds, optimise) in enumerate(jobs):
        path = folder / f"{i}.onnx"
        path.write_bytes(model)
        listed.append({"model": str(path), "optimise": optimise, "feeds": {n: to_json(v) for n, v in feeds.items()}})
    (folder / "jobs.json").write_text(json.dumps(listed))
    files = [str(HERE / "node" / "run.mjs"), str(runtime), str(folder / "jobs.json"), str(folder / "out.json")]
    done = subprocess.run([program("node"), *files], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    answers = json.loads((folder / "out.json").read_text())
    return [a.get("error") or {n: from_json(t) for n, t in a["outputs"].items()} for a in answers]


def run_here(model: bytes, feeds: Feeds, *, optimise: bool) -> Answers:
    """Return the answers of Python's onnxruntime."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feeds), strict=True))


def difference(ours: Answers, theirs: Answers | str) -> str:
    """Say how two outputs differ; empty when they agree."""
    if isinstance(theirs, str):
        return f"JavaScript says: {theirs}"
    for name, expected in ours.items():
        got = theirs[name]
        if got.shape != expected.shape:
            return f"{name}: shape {got.shape} in JavaScript, {expected.shape} in Python"
        if expected.dtype.kind == "f":
            near = 1e-6 if expected.dtype == np.float32 else 1e-12
            equal = np.isclose(got, expected, rtol=near, atol=near, equal_nan=True)
        else:
            equal = got == expected
        if not np.all(equal):
            at = tuple(np.argwhere(~equal)[0])
            return f"{name}{list(at)}: {got[at]!r} in JavaScript, {expected[at]!r} in Python"
    return ""


def lower(case: Any) -> Any:
    """Return the model of one operator's case."""
    b = Builder()
    kinds = {n: "string" if a.dtype == object else str(a.dtype) for n, a in case.feeds.items()}
    values = {n: b.input(n, kinds[n], [f"{n}{i}" for i in range(a.ndim)]) for n, a in case.feeds.items()}
    made = case.build(b, values)
    made = made if isinstance(made, tuple) else (made,)
    for i, (value, rank) in enumerate(zip(made, case.ranks, strict=True)):
        b.output(value, f"out{i}", [f"o{i}_{j}" for j in range(rank)])
    return b.build("case", check=False)


def differing_operators(runtime: Path, folder: Path, cases: Mapping[str, Sequence[Any]]) -> str:
    """Return a line for each case of an operator whose answers differ there."""
    named = [(f"{kind} {i}", case) for kind, found in cases.items() for i, case in enumerate(found)]
    jobs = [(lower(case).SerializeToString(), case.feeds, False) for _, case in named]
    wrong = []
    for (name, _), (model, feeds, _), answer in zip(named, jobs, run_there(runtime, folder, jobs), strict=True):
        if found := difference(run_here(model, feeds, optimise=False), answer):
            wrong.append(f"{name}: {found}")
    return "\n".join(wrong)
