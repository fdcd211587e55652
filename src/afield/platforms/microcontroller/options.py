"""What an export for microcontrollers can be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from afield.core.errors import ProblemError
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
    optimize : {"", "size", "speed"}
        Trees as tables or as branches; "": branches where they take at most half of the device's flash.
    leaves : {"float", "int16"}
    """

    device: str = field(default="", metadata={
        "help": "Device or board that the model has to fit, such as cortex-m4f; see afield devices.",
        "metavar": "NAME"})  # fmt: skip
    name: str = field(default="model", metadata={
        "help": "Begins every name in C, so that two models live in one firmware. Example: --name fish",
        "metavar": "NAME"})  # fmt: skip
    exact: bool = field(default=False, metadata={"help": "Keep doubles instead of computing in float32."})
    optimize: str = field(default="", metadata={
        "help": "size: trees as tables; speed: as branches, a third of the instructions and three times the flash. "
        "Left out: speed where it takes at most half of the device's flash.", "metavar": "GOAL"})  # fmt: skip
    leaves: str = field(default="float", metadata={
        "help": "float, or int16: half the bytes of the leaves, with an error bound that the README states.",
        "metavar": "TYPE"})  # fmt: skip

    def __post_init__(self) -> None:
        for name, value, known in (("optimize", self.optimize, ("", "size", "speed")),
                                   ("leaves", self.leaves, ("float", "int16"))):  # fmt: skip
            if value not in known:
                raise ProblemError(
                    "problem.option",
                    f"The option --{name} has no value {value!r}.",
                    where="--to microcontroller",
                    expected=" or ".join(k for k in known if k),
                )
