"""The proof of a bundle's folder: its files through gcc and on an emulated board, its answers held to onnxruntime's."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import MissingDependencyError
from afield.core.proofs import Proof
from afield.model.model import Model
from afield.model.selftest import stored_feed
from afield.platforms.judging import judge
from afield.platforms.microcontroller.bundle.harness import Answered, on_board, on_host
from afield.platforms.microcontroller.bundle.meaning import Meaning
from afield.platforms.microcontroller.bundle.readme import Figures, notes_of, readme
from afield.platforms.microcontroller.bundle.rows import single
from afield.platforms.microcontroller.bundle.thresholds import threshold_rows
from afield.platforms.microcontroller.choice import PARTLY, answers_of, known_model, levels_of, meaning_of, tolerance_of
from afield.platforms.microcontroller.devices import device_named, devices
from afield.platforms.microcontroller.fitting import needs
from afield.platforms.microcontroller.options import MicrocontrollerOptions
from afield.platforms.microcontroller.prove import integers
from afield.platforms.microcontroller.prove.chips import BOARDS
from afield.platforms.microcontroller.tabular.compile import CompiledTable
from afield.platforms.protocol import Probe

NAME = "microcontroller"
SETTINGS = "bundle.json"
#: the board that proofs run on where a device names none
BOARD = "cortex-m4f"
#: of networks without metadata: sums of thousands of float32 products in another order
NETWORK_TOLERANCE = 1e-4
#: of an instruction on a Cortex-M with memory in the chip, for estimates
_CYCLES = 1.4


def prove_folder(folder: Path, probe: Probe | None) -> Proof:
    """Run a bundle's files; see ``Platform.prove``. The README gets the figures."""
    content = (folder / "model.onnx").read_bytes()
    known = known_model(content)
    options = MicrocontrollerOptions(**json.loads((folder / SETTINGS).read_text(encoding="utf-8")))
    meaning = meaning_of(content, known, options)
    if probe is None and known is None:
        return Proof.not_run(NAME, "rows to run: the file has no samples of its own")
    given = probe or _samples(known)
    feed = single(given.feed)
    if known:
        near = threshold_rows(meaning, feed)
        feed = {n: np.concatenate([v, near[n]]) for n, v in feed.items()}
    rounded = Probe(feed=feed, answers=answers_of(known, feed) if known else given.answers, samples=given.samples)
    device = device_named(options.device) if options.device else None
    board = (device.board if device else "") or BOARD
    files = {f: (folder / "src" / f).read_text(encoding="utf-8") for f in
             (f"{meaning.prefix}.h", f"{meaning.prefix}.c")}  # fmt: skip
    rows_bytes = 4 * len(meaning.inputs) * len(next(iter(feed.values()))) if known else 0
    large = _large(meaning, 0 if BOARDS[board].fed else rows_bytes, board)
    runs: dict[str, Mapping[str, NDArray[Any]]] = {}
    figures = []
    graph = meaning.compiled.graph
    partly = integers.has_integers(graph) and not integers.is_whole(graph)
    right, told = True, list[str]()
    with tempfile.TemporaryDirectory() as work:
        try:
            runs["host gcc"] = on_host(files, meaning, feed, Path(work) / "host").answers
            if not BOARDS[board].lacking and not large:
                answered = on_board(files, meaning, feed, board, Path(work) / "board")
                runs[board] = answered.answers
                figures.append(_figures(answered, board))
            if partly:
                levels = levels_of(known)
                right, told = integers.inside(meaning.compiled, content, feed, levels, Path(work) / "inside")
        except MissingDependencyError as error:
            return Proof.not_run(NAME, error.fix)
        except RuntimeError as error:
            lines = tuple(str(error).splitlines()[:4])
            return Proof(platform=NAME, ran=True, how="gcc", passed=False, details=lines)
    (folder / "README.md").write_text(
        readme(meaning, figures, _estimates(figures), notes_of(content)), encoding="utf-8"
    )
    lacking = BOARDS[board].lacking
    if known:
        tolerance = tolerance_of(meaning.compiled, known)
        proof = judge(
            known,
            rounded,
            runs,
            platform=NAME,
            how=_how(lacking or ("a larger board" if large else ""), board),
            tolerance=tolerance,
        )
    else:
        proof = _compared(
            rounded, runs, _how(lacking or ("a larger board" if large else ""), board), meaning.compiled, content
        )
    said = [_told(f) for f in figures]
    missing = [f"{board}: not run here: needs {lacking} ({BOARDS[board].install})"] if lacking else []
    if large:
        missing.append(f"{board}: not run: the model and the rows are larger than the emulated board's memory")
    if device and not device.board and device.core != "host":
        missing.append(f"{device.title}: not run here: no emulated board has this core")
    details = (*proof.details, *told, *said, *missing)
    return dataclasses.replace(proof, passed=proof.passed and right, details=details)


def _large(meaning: Meaning, rows_bytes: int, board: str) -> bool:
    """Return whether a model, with rows in flash, is more than the emulated board's memory holds."""
    network, room = meaning.compiled.network, BOARDS[board]
    ports = sum(p.tensor.size_bytes for p in (*network.inputs, *network.outputs))
    flash = needs(network, device_named(board) if board in devices() else None).flash_bytes
    return flash + rows_bytes > room.room_bytes or network.arena_bytes + ports > room.ram_bytes


def _samples(model: Model | None) -> Probe:
    """Return the rows inside a file."""
    if model is None:
        raise ValueError("a file without metadata has no samples")
    return Probe(feed=stored_feed(model.selftest, model.schema), answers={}, samples=model.selftest.rows)


def _compared(
    probe: Probe, runs: Mapping[str, Mapping[str, NDArray[Any]]], how: str, compiled: CompiledTable, content: bytes
) -> Proof:
    """Return the proof of a network without metadata: numbers within the tolerance of its kind, texts alike."""
    graph = compiled.graph
    if integers.has_integers(graph) and integers.is_whole(graph) and set(graph.inputs) == set(probe.feed):
        return integers.proven(probe, runs, compiled.graph, content, platform=NAME, how=how)
    details, largest, passed = [], 0.0, True
    partly = integers.has_integers(graph)
    tolerance = PARTLY if partly else NETWORK_TOLERANCE
    for name, answers in runs.items():
        off = 0.0
        for port, want in probe.answers.items():
            got = np.asarray(answers[port])
            if want.dtype == object:
                passed = passed and bool((got.astype(str) == want.astype(str)).all())
                continue
            flat = np.asarray(want, dtype=np.float64).reshape(len(want), -1)
            both = np.isnan(flat) & np.isnan(got.reshape(flat.shape))
            size = np.maximum(1.0, np.abs(flat))
            if partly:
                size = np.maximum(np.ptp(flat[np.isfinite(flat)]) if np.isfinite(flat).any() else 1.0, 1e-9)
            gap = np.abs(got.reshape(flat.shape) - flat) / size
            off = max(off, float(np.max(np.where(both, 0.0, gap), initial=0.0)))
        details.append(f"{name}: {probe.rows} rows, largest difference {off:.2g}")
        largest = max(largest, off)
    return Proof(
        platform=NAME, ran=True, how=how, rows=probe.rows * len(runs), largest=largest,
        tolerance=tolerance, passed=passed and largest <= tolerance, details=tuple(details),
    )  # fmt: skip


def _figures(answered: Answered, board: str) -> Figures:
    ran = answered.ran
    if ran is None:
        raise ValueError("a board gives figures")
    return Figures(board=board, flash_bytes=ran.flash_bytes, ram_bytes=ran.ram_bytes, stack_bytes=ran.stack_bytes,
                   instructions=max(ran.instructions), cycles=max(ran.cycles, default=0))  # fmt: skip


def _estimates(figures: Sequence[Figures]) -> dict[str, float]:
    """Return milliseconds on boards with a floating-point unit like that of the one that was measured."""
    cores = ("cortex-m4f", "cortex-m33", "cortex-m7")
    return {
        d.title: f.instructions * _CYCLES / d.clock_hz * 1000.0
        for f in figures
        for d in devices().values()
        if d.core in cores and f.board in ("cortex-m4f", "cortex-m7")
    } | {
        d.title: f.cycles / d.clock_hz * 1000.0
        for f in figures
        for d in devices().values()
        if f.cycles and d.board == f.board
    }  # fmt: skip


def _how(lacking: str, board: str) -> str:
    return "gcc with sanitisers" + (
        "" if lacking else f" and {board} in {BOARDS[board].runs_in}, counted instruction by instruction"
    )


def _told(figures: Figures) -> str:
    return (
        f"{figures.board}: {figures.flash_bytes:,} bytes of flash, {figures.ram_bytes:,} of static RAM, "
        f"{figures.stack_bytes:,} of stack, {figures.instructions:,} instructions at most for one answer"
        + (f", {figures.cycles:,} cycles" if figures.cycles else "")
    )
