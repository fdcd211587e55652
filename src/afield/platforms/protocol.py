"""What a platform is: it checks whether a model runs there, exports a bundle, and proves the bundle by running it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from afield.core.findings import Finding
from afield.core.proofs import Proof


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """An export on disk.

    Parameters
    ----------
    platform : str
    path : Path
        Its folder, or its one file.
    files : tuple of str
        Names relative to ``path``, sorted.
    size_bytes : int
        Of all files.
    """

    platform: str
    path: Path
    files: tuple[str, ...]
    size_bytes: int


Options_contra = TypeVar("Options_contra", contravariant=True)  # each platform has its own frozen options class


@runtime_checkable
class Platform(Protocol[Options_contra]):
    """Where a model runs. Platforms do not know each other."""

    name: str
    summary: str

    def check(self, model: bytes, device: str = "") -> Sequence[Finding]:
        """Return every reason why the model cannot run there, all at once; ``device`` names an envelope, or none."""
        ...

    def export(self, model: bytes, dest: Path, options: Options_contra) -> Bundle:
        """Write the bundle into ``dest``; refuses what ``check`` finds serious."""
        ...

    def prove(self, bundle: Bundle) -> Proof:
        """Run the self-test inside the model on the platform's own runtime; says so where that is not possible."""
        ...
