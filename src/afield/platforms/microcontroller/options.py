"""What an export for microcontrollers can be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from afield.platforms.protocol import ExportOptions


@dataclass(frozen=True, kw_only=True)
class MicrocontrollerOptions(ExportOptions):
    """How to compile a model.

    Parameters
    ----------
    device : str
        Name of a device or board of the catalogue; "" for none.
    name : str
        Prefix of all names in C.
    exact : bool
        Keep doubles.
    """

    device: str = field(default="", metadata={
        "help": "Device or board that the model has to fit, such as cortex-m4f; see afield devices.",
        "metavar": "NAME"})  # fmt: skip
    name: str = field(default="model", metadata={
        "help": "Begins every name in C, so that two models live in one firmware. Example: --name fish",
        "metavar": "NAME"})  # fmt: skip
    exact: bool = field(default=False, metadata={"help": "Keep doubles instead of computing in float32."})
