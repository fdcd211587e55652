"""How every platform writes its folder: file by file, each whole or not there, nothing overwritten unasked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from afield.core.output import prepare_folder
from afield.model.saving import write_model
from afield.platforms.protocol import Bundle


def write_bundle(platform: str, dest: Path, files: Mapping[str, bytes], *, force: bool) -> Bundle:
    """Write the files, name to content, into the folder ``dest``.

    Raises
    ------
    OutputError
        ``output.exists``, ``output.unwritable``, ``output.disk_full``.
    """
    prepare_folder(dest, force=force)
    for name, content in files.items():
        (dest / name).parent.mkdir(parents=True, exist_ok=True)
        write_model(dest / name, content, force=force)
    size = sum(len(content) for content in files.values())
    return Bundle(platform=platform, path=dest, files=tuple(sorted(files)), size_bytes=size)
