"""Is there room on the disk for a study, before the work is done."""

from __future__ import annotations

import shutil
from pathlib import Path

from afield.core.errors import OutputError
from afield.data.table import Table

#: bytes for a cell in the stored table and in a few encodings of it, and for everything else
CELL_BYTES, BASE_BYTES = 40, 30_000_000


def check_room(folder: Path, table: Table) -> None:
    """Refuse when the disk cannot hold the study.

    Raises
    ------
    OutputError
        ``output.disk_full``.
    """
    needed = BASE_BYTES + table.rows * len(table.columns) * CELL_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OutputError(
            "output.disk_full",
            "There is not enough room on the disk for the study.",
            where=str(folder),
            got=f"{free / 1e6:,.0f} MB free",
            expected=f"about {needed / 1e6:,.0f} MB",
            fix="make room (`afield studies` shows what old studies take), or set AFIELD_HOME to a folder elsewhere",
        )
