"""What an export for phones can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from afield.platforms.protocol import ExportOptions


@dataclass(frozen=True, kw_only=True)
class PhoneOptions(ExportOptions):
    """Which pieces the bundle gets beside the app in the browser.

    Parameters
    ----------
    apk : bool
        Add a signed Android app around the page.
    app_id : str
        Its id; made from the target's name when empty.
    keystore : Path or None
        What signs it; a debug key of this user when None.
    key_alias : str
        Which key of the store, where it has several.
    kotlin : bool
        Add a Gradle module in Kotlin with a sample screen.
    swift : bool
        Add a Swift package with a sample screen.
    litert : bool
        Add the network of the model as .tflite, in float32 and in int8.
    executorch : bool
        Add the network of the model as .pte.
    make_env : bool
        Make the isolated environments that these two take, where they are not there yet.
    """

    apk: bool = field(default=False, metadata={"help": "Add a signed Android app around the page."})
    app_id: str = field(default="", metadata={"help": "Id of the app, such as org.example.shellfish.", "metavar": "ID"})
    keystore: Path | None = field(
        default=None,
        metadata={"help": "Key store that signs the app; password in AFIELD_KEYSTORE_PASSWORD.", "metavar": "FILE"},
    )
    key_alias: str = field(default="", metadata={"help": "Key in the store, where it has several.", "metavar": "NAME"})
    kotlin: bool = field(default=False, metadata={"help": "Add a Gradle module for Android apps of your own."})
    swift: bool = field(default=False, metadata={"help": "Add a Swift package for iOS apps of your own."})
    litert: bool = field(default=False, metadata={"help": "Add the network as .tflite, in float32 and in int8."})
    executorch: bool = field(default=False, metadata={"help": "Add the network as .pte for ExecuTorch."})
    make_env: bool = field(
        default=False, metadata={"help": "Make the environments that these two take: gigabytes, minutes, the network."}
    )
