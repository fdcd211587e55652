"""Where studies live and how they are named."""

from __future__ import annotations

import os
import re
from pathlib import Path

from afield.core.errors import AfieldError, EngineError, did_you_mean
from afield.core.files import write_failed


def studies_root() -> Path:
    """Return ``$AFIELD_HOME/studies``, or ``.afield/studies`` in the working folder."""
    return Path(os.environ.get("AFIELD_HOME", ".afield")) / "studies"


def new_study(target: str, root: Path | None = None) -> Path:
    """Make and return the folder of a new study, named after its target and numbered.

    Raises
    ------
    AfieldError
        ``output.unwritable``, ``output.disk_full``.
    """
    root = root or studies_root()
    stem = re.sub(r"[^a-z0-9]+", "-", target.casefold()).strip("-")[:40] or "study"
    try:
        root.mkdir(parents=True, exist_ok=True)
        number = 1 + max((_number(p.name, stem) for p in root.iterdir()), default=0)
        while True:
            folder = root / f"{stem}-{number}"
            try:
                folder.mkdir()
                return folder
            except FileExistsError:  # another process was faster
                number += 1
    except OSError as error:
        raise write_failed(error, root) from error


def _number(name: str, stem: str) -> int:
    match = re.fullmatch(re.escape(stem) + r"-(\d+)", name)
    return int(match[1]) if match else 0


def find_study(id: str) -> Path:
    """Return the folder of a study.

    Raises
    ------
    EngineError
        ``study.not_found``.
    """
    known = study_folders()
    for folder in known:
        if folder.name == id or folder == Path(id):
            return folder
    raise EngineError(
        "study.not_found",
        f"No study has the id {id!r}.",
        where=str(studies_root().absolute()),
        expected=did_you_mean(id, [f.name for f in known]) if known else "there are none here",
        fix="`afield studies` lists them; they belong to the folder that `afield fit` ran in",
    )


def study_folders() -> list[Path]:
    """Return the folders of all studies here, oldest first."""
    root = studies_root()
    found = [p for p in root.iterdir() if (p / "journal.jsonl").exists()] if root.is_dir() else []
    return sorted(found, key=lambda p: (p.stat().st_ctime, p.name))


def damaged_study(folder: Path, what: str) -> AfieldError:
    """Return the error for a study that lacks what it should have."""
    return EngineError("study.journal", what, where=str(folder), fix=f"afield studies --remove {folder.name}")
