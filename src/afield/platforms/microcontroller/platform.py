"""The microcontroller platform: a folder of C99 made from a model, proven by running it on the host and on a board."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from afield.core.errors import DeviceLimitError, UnsupportedError
from afield.core.findings import Finding
from afield.core.output import prepare_folder
from afield.core.proofs import Proof
from afield.model.model import Model
from afield.model.saving import write_model
from afield.model.selftest import stored_feed
from afield.platforms.microcontroller.bundle.code import code
from afield.platforms.microcontroller.bundle.header import header
from afield.platforms.microcontroller.bundle.packages import packages
from afield.platforms.microcontroller.bundle.readme import notes_of, readme
from afield.platforms.microcontroller.bundle.rows import single
from afield.platforms.microcontroller.bundle.selftest import selftest
from afield.platforms.microcontroller.choice import (
    answers_of,
    compiled_for,
    known_model,
    levels_of,
    meaning_of,
    tolerance_of,
)
from afield.platforms.microcontroller.compiler import Options
from afield.platforms.microcontroller.devices import Device, device_named
from afield.platforms.microcontroller.fitting import shortfalls
from afield.platforms.microcontroller.options import MicrocontrollerOptions
from afield.platforms.microcontroller.proof import SETTINGS, prove_folder
from afield.platforms.microcontroller.quantising.quantiser import in_int8
from afield.platforms.microcontroller.quantising.remarks import left_over
from afield.platforms.microcontroller.tabular.compile import prepare
from afield.platforms.protocol import Bundle, Prepared, Probe

#: options that are done with when the bundle is written
_BEFORE = ("force", "int8", "data", "max_loss")


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
        known = known_model(model)
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
        reasons = prepare(model, Options(), levels_of(known))[2]
        if not reasons and device is not None:
            options = MicrocontrollerOptions(device=device.name, optimize="size")
            return shortfalls(compiled_for(model, known, options).network, device)
        return [
            Finding(code="model.operator", severity="serious", what=reason,
                    fix="Export the model without it, or for another platform.")
            for reason in reasons
        ]  # fmt: skip

    def prepares(self, options: MicrocontrollerOptions) -> bool:
        """Return whether the options ask for int8."""
        return options.int8

    def prepare(self, model: bytes, rows: Mapping[str, NDArray[Any]]) -> Prepared | None:
        """Return the model with its networks in int8; None where it is quantised already.

        Raises
        ------
        UnsupportedError
            ``graph.operator``: it has no layers of a network.
        ModelFileError
            ``model.damaged``.
        """
        known = known_model(model)
        made = in_int8(model, rows, table=known is not None)
        if made is None:
            return None
        return Prepared(model=made, remarks=left_over(made, levels_of(known)))

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
        known = known_model(model)
        meaning = meaning_of(model, known, options)
        name = meaning.prefix
        texts = {f"src/{name}.h": header(meaning), f"src/{name}.c": code(meaning)}
        texts["README.md"] = readme(meaning, notes=notes_of(model))
        if known:
            feed = single(stored_feed(known.selftest, known.schema))
            texts[f"test/{name}_test.c"] = selftest(
                meaning, feed, answers_of(known, feed), tolerance_of(meaning.compiled, known), known.selftest.scale
            )
        texts |= packages(meaning)
        kept = {k: v for k, v in dataclasses.asdict(options).items() if k not in _BEFORE}
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
        return prove_folder(bundle.path, probe)


platform = MicrocontrollerPlatform()
