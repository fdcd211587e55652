"""The networks of a bundle: ``neural/``, with what stays in front and behind, for LiteRT and ExecuTorch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from afield.core.errors import UnsupportedError
from afield.core.proofs import Proof
from afield.model.model import Model
from afield.model.selftest import describe
from afield.platforms.phone.neural.conversion import EXECUTORCH, FORMS, LITERT, LITERT_INT8, Form, Run, answers, convert
from afield.platforms.phone.neural.environments import environment, make, require
from afield.platforms.phone.neural.readme import readme
from afield.platforms.phone.neural.split import Split, compare_with, counted, ordinary_rows, split, tolerance_of
from afield.platforms.phone.options import PhoneOptions
from afield.platforms.protocol import Bundle, Probe

FOLDER, FACTS = "neural", "neural.json"
#: of a probability; of a value relative to itself or the target's standard deviation, whichever is larger
INT8_LARGEST, INT8_MEAN = 0.25, 0.05


class Neural:
    """See ``afield.platforms.phone.piece.Piece``."""

    name = "neural"

    def wanted(self, options: PhoneOptions) -> bool:
        """Return whether a form was asked for."""
        return bool(wanted_forms(options))

    def build(self, model: Model, options: PhoneOptions) -> Mapping[str, bytes]:
        """Return the pieces of the model and its network in the forms asked for.

        Raises
        ------
        MissingDependencyError
            ``dependency.missing``: an environment is not there, or cannot be made.
        UnsupportedError
            ``phone.no_network``; ``phone.conversion``: a float32 form cannot be made. An int8 form that cannot be
            made, or that its runtime refuses, is left out, and the facts and the proofs say so.
        OutputError
            ``output.disk_full``, ``output.unwritable``: while an environment is made.
        """
        forms = wanted_forms(options)
        made = split(model)  # costs nothing beside an environment, so it refuses first
        for name in dict.fromkeys(form.environment for form in forms):
            (make if options.make_env else require)(name)
        rows = made.inputs(ordinary_rows(model))
        files: dict[str, bytes] = {}
        runs: dict[Form, Run] = {}
        refused: dict[Form, str] = {}
        for form in forms:
            try:
                content = convert(made.core, form, rows)
                # a divisor that int8 rounds to zero shows on some rows only
                runs[form] = answers(content, form, rows if form.int8 else rows[:1])
                files[form.file] = content
            except UnsupportedError as error:
                if not form.int8:
                    raise
                refused[form] = str(error.got)  # the float form is worth having without it
        facts = facts_of(model, made, runs, len(rows), refused)
        files |= {name: content for name, content in (("front.onnx", made.front), ("back.onnx", made.back)) if content}
        files[FACTS] = json.dumps(facts, indent=2, ensure_ascii=False).encode() + b"\n"
        files["README.md"] = readme(facts).encode()
        return {f"{FOLDER}/{name}": content for name, content in files.items()}

    def prove(self, bundle: Bundle, model: Model, probe: Probe) -> Sequence[Proof]:
        """Return a proof for each form: front, the form on its own runtime, back, held to the whole model."""
        folder = bundle.path / FOLDER
        if f"{FOLDER}/{FACTS}" not in bundle.files:
            return []
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        front, back = (folder / f"{side}.onnx" for side in ("front", "back"))
        made = Split(
            front=front.read_bytes() if facts["front"] else None,
            core=b"",
            back=back.read_bytes() if facts["back"] else None,
            source=facts["network"]["source"],
            answer=facts["network"]["answer"],
            weights=facts["network"]["weights"],
        )
        inputs = made.inputs(probe.feed)
        proofs = []
        for form in FORMS:
            if form.file in facts["network"]["not_made"]:
                proofs.append(_failed(model, form, "not made", facts["network"]["not_made"][form.file]["reason"]))
            if f"{FOLDER}/{form.file}" not in bundle.files:
                continue
            if not environment(form.environment).made:
                proofs.append(Proof.not_run(form.name, f"the environment {form.environment}"))
                continue
            try:
                run = answers((folder / form.file).read_bytes(), form, inputs)
            except UnsupportedError as error:
                proofs.append(_failed(model, form, f"{form.file} was refused by its runtime", str(error.got)))
                continue
            proofs.append(judged(model, probe, made.outputs(probe.feed, run.answers), form, run.runtime))
        return proofs


def wanted_forms(options: PhoneOptions) -> list[Form]:
    """Return the forms asked for."""
    return [LITERT, LITERT_INT8] * options.litert + [EXECUTORCH] * options.executorch


def judged(model: Model, probe: Probe, found: Mapping[str, Any], form: Form, runtime: str) -> Proof:
    """Return the proof of the answers of a form to the probe's rows.

    Float32 must keep the tolerance on all rows. Int8 loses something, and is held to what it may lose on the samples;
    hostile rows are outside of what it was fitted to, so what it makes of them is only told.
    """
    tolerance = _tolerance(model, form)
    parts = {"samples": slice(0, probe.samples), "hostile rows": slice(probe.samples, None)}
    details, rows, largest, passed = [], 0, 0.0, True
    for part, at in parts.items():
        wanted = {n: v[at] for n, v in probe.answers.items()}
        got = {n: np.asarray(found[n])[at] for n in wanted}
        if not len(next(iter(wanted.values()))):
            continue
        compared = compare_with(model, wanted, got, tolerance)
        lines = describe(compared)
        if form.int8:
            mean = _mean_difference(model, wanted, got)
            lines += f", mean {mean:.2g}"
        if form.int8 and part == "hostile rows":
            details.append(f"{part}, told and not judged: {lines}")
            continue
        details.append(f"{part}: {lines}")
        rows += compared.rows
        largest = float(np.max([largest, compared.largest]))
        passed = passed and (
            bool(compared.largest <= INT8_LARGEST and mean <= INT8_MEAN) if form.int8 else compared.passed
        )
    return Proof(
        platform=form.name, ran=True, how=f"front.onnx and back.onnx on onnxruntime, {form.file} on {runtime}",
        rows=rows, largest=largest, tolerance=tolerance, passed=passed, details=tuple(details),
    )  # fmt: skip


def _failed(model: Model, form: Form, what: str, reason: str) -> Proof:
    """Return the proof of a form that gave no answers."""
    return Proof(
        platform=form.name, ran=True, how=what, largest=float("nan"), tolerance=_tolerance(model, form),
        details=(reason,),
    )  # fmt: skip


def _tolerance(model: Model, form: Form) -> float:
    return INT8_LARGEST if form.int8 else tolerance_of(model)


def _mean_difference(model: Model, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> float:
    name = "prediction" if "prediction" in wanted else "probabilities"
    off = np.abs(np.asarray(wanted[name], dtype=np.float64) - np.asarray(found[name], dtype=np.float64))
    if name == "prediction":
        off /= np.maximum(np.abs(wanted[name]), model.selftest.scale or 1.0)
    return float(np.mean(off))


def facts_of(
    model: Model, made: Split, runs: Mapping[Form, Run], fitted_rows: int, refused: Mapping[Form, str]
) -> dict[str, Any]:
    """Return what ``neural.json`` says: the cut by name, how to call each file, and why one was not made."""
    used = {n.name for n in _inputs(made.front)} if made.front else {made.source}
    return {
        "front": {
            "file": "front.onnx",
            "columns": {c.name: c.kind for c in model.schema.columns if c.input_name in used},
            "operators": counted(made.front),
        } if made.front else None,
        "network": {
            "source": made.source,
            "answer": made.answer,
            "weights": made.weights,
            "operators": counted(made.core),
            "files": {
                form.file: {"form": form.name, "runtime": run.runtime, **run.sides}
                | ({"fitted_rows": fitted_rows} if form.int8 else {})
                for form, run in runs.items()
            },
            "not_made": {form.file: {"form": form.name, "reason": reason} for form, reason in refused.items()},
        },
        "back": {
            "file": "back.onnx",
            "operators": counted(made.back),
        } if made.back else None,
    }  # fmt: skip


def _inputs(piece: bytes) -> Any:
    import onnx

    return onnx.load_from_string(piece).graph.input
