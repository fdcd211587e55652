"""The microcontroller platform: a folder of C99 made from a model, proven by running it on the host and on a board."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import DeviceLimitError, MissingDependencyError, ModelFileError, UnsupportedError
from afield.core.findings import Finding
from afield.core.output import prepare_folder
from afield.core.proofs import Proof
from afield.model.model import Model
from afield.model.saving import write_model
from afield.model.selftest import stored_feed
from afield.platforms.judging import judge
from afield.platforms.microcontroller.bundle.code import code
from afield.platforms.microcontroller.bundle.harness import Answered, on_board, on_host
from afield.platforms.microcontroller.bundle.header import header
from afield.platforms.microcontroller.bundle.meaning import Meaning, mean
from afield.platforms.microcontroller.bundle.packages import packages
from afield.platforms.microcontroller.bundle.readme import Figures, readme
from afield.platforms.microcontroller.bundle.rows import single
from afield.platforms.microcontroller.bundle.selftest import selftest
from afield.platforms.microcontroller.compiler import Options
from afield.platforms.microcontroller.devices import Device, device_named, devices
from afield.platforms.microcontroller.fitting import needs, shortfalls
from afield.platforms.microcontroller.options import MicrocontrollerOptions
from afield.platforms.microcontroller.prove import board as boards
from afield.platforms.microcontroller.tabular.compile import CompiledTable, compile_table, prepare
from afield.platforms.microcontroller.trees.style import Leaves, TreeStyle
from afield.platforms.protocol import Bundle, Probe

#: what float32 may change of an answer: times max(1, |y|, standard deviation of the target)
TOLERANCE = 1e-5
#: of networks without metadata: sums of thousands of float32 products in another order
NETWORK_TOLERANCE = 1e-4
#: the board that proofs run on; flash of the emulated board bounds the model
BOARD = "cortex-m4f"
SETTINGS = "bundle.json"
#: of an instruction on a Cortex-M with memory in the chip, for estimates
_CYCLES = 1.4


class MicrocontrollerPlatform:
    """Compiles models to C. See ``afield.platforms.protocol.Platform``."""

    name = "microcontroller"
    summary = "a folder of C99 without memory allocation; proven with gcc on this machine and in qemu"
    options = MicrocontrollerOptions

    def check(self, model: bytes, device: str = "") -> list[Finding]:
        """Return a finding for each column and operator that has no form in C, and for memory that a device lacks.

        Raises
        ------
        UnsupportedError
            ``device.unknown``.
        """
        envelope = device_named(device) if device else None
        known = _known(model)
        findings = []
        for column in known.schema.columns if known else ():
            if column.kind in ("text", "datetime"):
                told = "free text" if column.kind == "text" else "a date"
                findings.append(Finding(
                    code="model.column_kind",
                    severity="serious",
                    what=f"The column {column.name!r} is {told}, which has no form on a microcontroller.",
                    column=column.name,
                    fix=f"Fit without it (--ignore {column.name}), or turn it into a number or a category before.",
                ))  # fmt: skip
        if not findings:
            findings = self._compiled(model, known, envelope)
        return findings

    def _compiled(self, model: bytes, known: Model | None, device: Device | None) -> list[Finding]:
        """Return what stands in the way of a model without columns of text."""
        reasons = prepare(model, Options(), _levels(known))[2]
        if not reasons and device is not None:
            options = MicrocontrollerOptions(device=device.name, optimize="size")
            return shortfalls(_compile(model, known, options).network, device)
        return [
            Finding(code="model.operator", severity="serious", what=reason,
                    fix="Export the model without it, or for another platform.")
            for reason in reasons
        ]  # fmt: skip

    def export(self, model: bytes, dest: Path, options: MicrocontrollerOptions | None = None) -> Bundle:
        """Write the bundle into the folder ``dest``.

        Raises
        ------
        UnsupportedError
            ``graph.operator``, ``device.unknown``.
        DeviceLimitError
            ``device.limit``: needed against available bytes.
        AfieldError
            ``output.exists``, ``output.unwritable``, ``output.disk_full``.
        ModelFileError
            ``model.damaged``.
        """
        options = options or MicrocontrollerOptions()
        if found := self.check(model, options.device):
            told = " ".join(finding.what for finding in found)
            if all(finding.code.startswith("device.") for finding in found):
                raise DeviceLimitError(
                    "device.limit", "The model does not fit the device.", where=f"--device {options.device}", got=told,
                    fix=found[0].fix,
                )  # fmt: skip
            raise UnsupportedError(
                "graph.operator", "The model cannot be compiled for a microcontroller.", got=told, fix=found[0].fix
            )
        prepare_folder(dest, force=options.force)
        known = _known(model)
        meaning = _meaning(model, known, options)
        name = meaning.prefix
        texts = {f"src/{name}.h": header(meaning), f"src/{name}.c": code(meaning), "README.md": readme(meaning)}
        if known:
            feed = single(stored_feed(known.selftest, known.schema))
            texts[f"test/{name}_test.c"] = selftest(
                meaning, feed, known.run(feed), TOLERANCE + _rounded(meaning.compiled, known), known.selftest.scale
            )
        texts |= packages(meaning)
        kept = {k: v for k, v in dataclasses.asdict(options).items() if k != "force"}
        texts[SETTINGS] = json.dumps(kept, indent=2) + "\n"
        files = {n: t.encode() for n, t in texts.items()} | {"model.onnx": model}
        for path, content in files.items():
            (dest / path).parent.mkdir(parents=True, exist_ok=True)
            write_model(dest / path, content, force=options.force)
        size = sum(len(content) for content in files.values())
        return Bundle(platform=self.name, path=dest, files=tuple(sorted(files)), size_bytes=size)

    def prove(self, bundle: Bundle, probe: Probe | None = None) -> Proof:
        """Run the bundle's files on this machine's gcc under sanitisers and, where it is there, on an emulated board.

        The rows are those of the probe with their numbers rounded to float32, which is what a firmware can give; the
        answers to hold to are onnxruntime's to these very rows.
        """
        content = (bundle.path / "model.onnx").read_bytes()
        known = _known(content)
        options = MicrocontrollerOptions(**json.loads((bundle.path / SETTINGS).read_text(encoding="utf-8")))
        meaning = _meaning(content, known, options)
        if probe is None and known is None:
            return Proof.not_run(self.name, "rows to run: the file has no samples of its own")
        given = probe or _samples(known)
        feed = single(given.feed)
        rounded = Probe(feed=feed, answers=_wanted(known, feed) if known else given.answers, samples=given.samples)
        files = {f: (bundle.path / "src" / f).read_text(encoding="utf-8") for f in
                 (f"{meaning.prefix}.h", f"{meaning.prefix}.c")}  # fmt: skip
        runs: dict[str, Mapping[str, NDArray[Any]]] = {}
        figures = []
        with tempfile.TemporaryDirectory() as folder:
            try:
                runs["host gcc"] = on_host(files, meaning, feed, Path(folder) / "host").answers
                if not boards.lacking():
                    answered = on_board(files, meaning, feed, BOARD, Path(folder) / "board")
                    runs[BOARD] = answered.answers
                    figures.append(_figures(answered))
            except MissingDependencyError as error:
                return Proof.not_run(self.name, error.fix)
            except RuntimeError as error:
                lines = tuple(str(error).splitlines()[:4])
                return Proof(platform=self.name, ran=True, how="gcc", passed=False, details=lines)
        (bundle.path / "README.md").write_text(readme(meaning, figures, _estimates(figures)), encoding="utf-8")
        lacking = boards.lacking()
        if known:
            tolerance = TOLERANCE + _rounded(meaning.compiled, known)
            proof = judge(known, rounded, runs, platform=self.name, how=_how(lacking), tolerance=tolerance)
        else:
            proof = _compared(rounded, runs, _how(lacking))
        said = [_told(f) for f in figures]
        missing = [f"{BOARD}: not run here: needs {lacking} ({boards.INSTALL})"] if lacking else []
        return dataclasses.replace(proof, details=(*proof.details, *said, *missing))


def _known(content: bytes) -> Model | None:
    try:
        return Model.load(content)
    except ModelFileError as error:
        if error.code != "model.foreign":
            raise
        return None


def _levels(model: Model | None) -> dict[str, tuple[str, ...]]:
    return {c.input_name: c.levels for c in model.schema.columns} if model else {}


def _compile(content: bytes, model: Model | None, options: MicrocontrollerOptions) -> CompiledTable:
    """Compile as the options say; left to the device, trees become branches where these take half of its flash."""
    settings, levels = Options(name=options.name, exact=options.exact), _levels(model)
    leaves: Leaves = "int16" if options.leaves == "int16" else "float"
    fast = TreeStyle(branches=True, leaves=leaves)
    if options.optimize == "speed":
        return compile_table(content, settings, levels, fast)
    if not options.optimize and options.device and leaves == "float":
        device = device_named(options.device)
        compiled = compile_table(content, settings, levels, fast)
        if needs(compiled.network, device).flash_bytes <= device.flash_bytes // 2:
            return compiled
    return compile_table(content, settings, levels, TreeStyle(leaves=leaves))


def _meaning(content: bytes, model: Model | None, options: MicrocontrollerOptions) -> Meaning:
    return mean(_compile(content, model, options), content, model)


def _rounded(compiled: CompiledTable, model: Model) -> float:
    """Return what leaves of 16 bits may change of an answer, in the unit of the tolerance."""
    total = 0.0
    for node in compiled.graph.nodes:
        style = node.attributes.get("style")
        packed = node.attributes.get("packed")
        if node.op == "Forest" and isinstance(style, tuple) and isinstance(packed, tuple):
            total += float(packed[0].bounds.sum()) if style[0].leaves == "int16" and packed[0].width == 1 else 0.0
    calibration = model.card.calibration
    slope = max(1.0, calibration.slope) if calibration else 1.0
    return total * slope / max(1.0, model.selftest.scale)


def _samples(model: Model | None) -> Probe:
    """Return the rows inside a file."""
    if model is None:
        raise ValueError("a file without metadata has no samples")
    return Probe(feed=stored_feed(model.selftest, model.schema), answers={}, samples=model.selftest.rows)


def _compared(probe: Probe, runs: Mapping[str, Mapping[str, NDArray[Any]]], how: str) -> Proof:
    """Return the proof of a network without metadata: numbers within the tolerance of its kind, texts alike."""
    details, largest, passed = [], 0.0, True
    for name, answers in runs.items():
        off = 0.0
        for port, want in probe.answers.items():
            got = np.asarray(answers[port])
            if want.dtype == object:
                passed = passed and bool((got.astype(str) == want.astype(str)).all())
                continue
            flat = np.asarray(want, dtype=np.float64).reshape(len(want), -1)
            both = np.isnan(flat) & np.isnan(got.reshape(flat.shape))
            gap = np.abs(got.reshape(flat.shape) - flat) / np.maximum(1.0, np.abs(flat))
            off = max(off, float(np.max(np.where(both, 0.0, gap), initial=0.0)))
        details.append(f"{name}: {probe.rows} rows, largest difference {off:.2g}")
        largest = max(largest, off)
    return Proof(
        platform="microcontroller", ran=True, how=how, rows=probe.rows * len(runs), largest=largest,
        tolerance=NETWORK_TOLERANCE, passed=passed and largest <= NETWORK_TOLERANCE, details=tuple(details),
    )  # fmt: skip


def _wanted(model: Model, feed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {n: np.asarray(v) for n, v in model.run(feed).items()}


def _figures(answered: Answered) -> Figures:
    ran = answered.ran
    if ran is None:
        raise ValueError("a board gives figures")
    return Figures(board=BOARD, flash_bytes=ran.flash_bytes, ram_bytes=ran.ram_bytes, stack_bytes=ran.stack_bytes,
                   instructions=max(ran.instructions))  # fmt: skip


def _estimates(figures: Sequence[Figures]) -> dict[str, float]:
    """Return milliseconds on boards with a floating-point unit like that of the one that was measured."""
    cores = ("cortex-m4f", "cortex-m33", "cortex-m7")
    return {
        d.title: f.instructions * _CYCLES / d.clock_hz * 1000.0
        for f in figures
        for d in devices().values()
        if d.core in cores
    }


def _how(lacking: str) -> str:
    return "gcc with sanitisers" + ("" if lacking else f" and {BOARD} in qemu, counted instruction by instruction")


def _told(figures: Figures) -> str:
    return (
        f"{figures.board}: {figures.flash_bytes:,} bytes of flash, {figures.ram_bytes:,} of static RAM, "
        f"{figures.stack_bytes:,} of stack, {figures.instructions:,} instructions at most for one answer"
    )


platform = MicrocontrollerPlatform()
