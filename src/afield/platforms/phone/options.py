"""What an export for phones can be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from afield.platforms.protocol import ExportOptions


@dataclass(frozen=True, kw_only=True)
class PhoneOptions(ExportOptions):
    """Which pieces the bundle gets beside the app in the browser.

    Parameters
    ----------
    litert : bool
        Add the network of the model as .tflite, in float32 and in int8.
    executorch : bool
        Add the network of the model as .pte.
    make_env : bool
        Make the isolated environments that these two take, where they are not there yet.
    """

    litert: bool = field(default=False, metadata={"help": "Add the network as .tflite, in float32 and in int8."})
    executorch: bool = field(default=False, metadata={"help": "Add the network as .pte for ExecuTorch."})
    make_env: bool = field(
        default=False, metadata={"help": "Make the environments that these two take: gigabytes, minutes, the network."}
    )
