"""What an export for microcontrollers can be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from afield.core.errors import ProblemError
from afield.platforms.microcontroller.devices import devices
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
    int8 : bool
        Quantise the layers of networks to 8-bit integers before the model is compiled.
    data : str
        Path of the rows that quantisation takes its ranges and its score from; "" for the file's own samples.
    max_loss : float
        What of its score a model may lose by it: a share, for errors relative to the float model's.
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
    int8: bool = field(default=False, metadata={
        "help": "Quantise the layers of networks to 8-bit integers: a quarter of the flash and RAM. Trees and "
        "preprocessing stay as they are. Models that are quantised already need no option."})  # fmt: skip
    data: str = field(default="", metadata={
        "help": "Rows that --int8 takes its ranges and the score from: a table with the model's columns, or .npz or "
        ".npy for a model of tensors. Left out: the samples inside the file, and the loss is not measured.",
        "metavar": "FILE"})  # fmt: skip
    max_loss: float = field(default=0.05, metadata={
        "help": "Refuse when --int8 loses more than this of the score; for errors relative to the float model's. "
        "Example: --max-loss 0.01", "metavar": "SHARE"})  # fmt: skip

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
        if not self.max_loss >= 0:
            raise ProblemError(
                "problem.option", f"The option --max-loss has no value {self.max_loss!r}.", where="--max-loss",
                expected="a share of at least 0, such as 0.01",
            )  # fmt: skip
        device = devices().get(self.device)
        if self.exact and device and device.double_bytes < 8:
            raise ProblemError(
                "problem.option", f"The option --exact keeps doubles, which have 32 bits on {device.title}.",
                where="--to microcontroller", fix="Leave --exact out, or name another device.",
            )  # fmt: skip
        if self.data and not self.int8:
            raise ProblemError(
                "problem.option", "The option --data is for --int8, which is not asked for.",
                where="--to microcontroller", fix="Add --int8, or leave --data out.",
            )  # fmt: skip
