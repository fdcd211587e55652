"""Runs the samples inside a model file again and compares with the answers inside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from afield.core.proofs import Proof


def verify(path: Path) -> Proof:
    """Return the proof that the file still gives its stored answers on this machine.

    Raises
    ------
    ModelFileError
        ``model.not_found``, ``model.damaged``, ``model.foreign``, ``model.version``.
    """
    from afield.model.model import Model

    return Model.load(path).verify()
