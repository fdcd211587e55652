"""From a model file to a bundle for a platform, and the proof that the bundle answers alike."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afield.api.proving import make_probe
from afield.api.quantisation import Quantisation, prepared
from afield.core.errors import ProblemError, did_you_mean
from afield.core.events import Event, Listener, silent
from afield.core.files import write_atomic
from afield.core.proofs import Proof
from afield.core.registry import load, names
from afield.model.saving import read_model
from afield.platforms.protocol import Bundle

PROOF_FILE = "proof.json"


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A bundle, how it was proven and, where it was asked for, how its model was quantised."""

    bundle: Bundle
    proof: Proof
    quantisation: Quantisation | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what ``proof.json`` holds."""
        bundle = self.bundle
        return {
            "platform": bundle.platform,
            "files": list(bundle.files),
            "size_bytes": bundle.size_bytes,
            "proof": self.proof.to_json(),
        } | ({"quantisation": self.quantisation.to_json()} if self.quantisation else {})


@dataclass(frozen=True, kw_only=True)
class ExportOption:
    """One option of a platform. ``type`` is bool, str, int, float or Path."""

    name: str
    type: type
    default: Any
    help: str
    metavar: str | None


def platform_names() -> list[str]:
    """Return the names of the registered platforms."""
    return names("platforms")


def export_options(platform: str) -> list[ExportOption]:
    """Return the options that a platform has beside ``force``.

    Raises
    ------
    UnsupportedError
        ``parts.unknown``.
    """
    options = load("platforms", platform).options
    hints = typing.get_type_hints(options)
    return [
        ExportOption(
            name=f.name,
            type=_plain(hints[f.name]),
            default=f.default,
            help=f.metadata.get("help", ""),
            metavar=f.metadata.get("metavar"),
        )
        for f in dataclasses.fields(options)
        if f.name != "force"
    ]


def _plain(hint: Any) -> type:
    """Return T of ``T | None``, and str of a Literal."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        hint = next(h for h in typing.get_args(hint) if h is not type(None))
    if typing.get_origin(hint) is typing.Literal:
        return str
    return hint if isinstance(hint, type) else str


def export(
    model: bytes | Path,
    platform: str,
    out: Path,
    *,
    options: Mapping[str, Any] | None = None,
    force: bool = False,
    listener: Listener = silent,
) -> Exported:
    """Write the bundle into the folder ``out``, run it, and write ``proof.json`` beside it.

    Raises
    ------
    UnsupportedError
        ``parts.unknown``: no such platform; ``graph.operator``: the model cannot run there.
    ProblemError
        ``problem.option``: the platform has no such option, or not with that value.
    UnsupportedError, DataError
        ``model.loss``, ``problem.too_few_rows``: the model is rewritten by rows of data, and these do not serve.
    OutputError
        ``output.exists``, ``output.unwritable``, ``output.disk_full``.
    ModelFileError
        ``model.not_found``, ``model.damaged``.
    """
    content = model if isinstance(model, bytes) else read_model(model)
    place = load("platforms", platform)
    wishes = {**(options or {}), "force": force}
    rows = wishes.get("data")
    if rows is not None and not isinstance(rows, str):  # paths are options, rows in memory are not
        wishes["data"] = str(rows) if isinstance(rows, os.PathLike) else "rows in memory"
    chosen = _settled(platform, place.options, wishes)
    listener(Event("stage", {"name": "export"}))
    content, quantisation, shown = prepared(place, content, chosen, None if isinstance(rows, os.PathLike) else rows)
    bundle = place.export(content, out, chosen)
    listener(Event("stage", {"name": "prove"}))
    proof = place.prove(bundle, make_probe(content, rows=shown))
    exported = Exported(bundle=bundle, proof=proof, quantisation=quantisation)
    told = {"model_sha256": hashlib.sha256(content).hexdigest()} | exported.to_json()
    folder = out if out.is_dir() else out.parent
    write_atomic(folder / PROOF_FILE, json.dumps(told, indent=2, ensure_ascii=False).encode() + b"\n")
    return exported


def _settled(platform: str, kind: type, wishes: Mapping[str, Any]) -> Any:
    known = [f.name for f in dataclasses.fields(kind)]
    for name in wishes:
        if name not in known:
            raise ProblemError(
                "problem.option",
                f"The platform {platform} has no option {name!r}.",
                where=f"--to {platform}",
                expected=did_you_mean(name, known),
            )
    return kind(**wishes)
