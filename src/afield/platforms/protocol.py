"""What a platform is: it checks whether a model runs there, exports a bundle, and proves the bundle by running it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from afield.core.findings import Finding
from afield.core.proofs import Proof


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What every export can be told; each platform has a frozen class of its own below this one.

    Fields are bool, str, int, float, Path, or one of these or None; ``metadata["help"]`` explains a field on the
    command line, ``metadata["metavar"]`` names its value.

    Parameters
    ----------
    force : bool
        Write into a folder that is not empty; files of the bundle are overwritten, others stay.
    """

    force: bool = False


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Rows that a bundle must answer, and what onnxruntime answers to them in Python.

    Parameters
    ----------
    feed : mapping of str to ndarray [N, ...]
        Graph inputs: first the samples inside the file, then hostile rows made from its schema and graph.
    answers : mapping of str to ndarray [N, ...]
        Graph outputs. For the samples these are the reference answers inside the file.
    samples : int
        How many of the N rows are samples.
    """

    feed: Mapping[str, NDArray[np.generic]]
    answers: Mapping[str, NDArray[np.generic]]
    samples: int

    @property
    def rows(self) -> int:
        """N."""
        return len(next(iter(self.feed.values()))) if self.feed else 0


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


#: the property of a rewritten file that says how it was made: JSON, with sentences for people under "text"
REWRITTEN = "afield.quantisation"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A model rewritten for an export, such as a quantised one.

    Parameters
    ----------
    model : bytes
    remarks : tuple of str
        One sentence each: what was changed, and what was left as it is.
    """

    model: bytes
    remarks: tuple[str, ...]


Options_contra = TypeVar("Options_contra", contravariant=True)  # each platform has its own frozen options class


@runtime_checkable
class Platform(Protocol[Options_contra]):
    """Where a model runs. Platforms do not know each other."""

    name: str
    summary: str
    options: type[Any]  # a class below ExportOptions

    def check(self, model: bytes, device: str = "") -> Sequence[Finding]:
        """Return every reason why the model cannot run there, all at once; ``device`` names an envelope, or none."""
        ...

    def export(self, model: bytes, dest: Path, options: Options_contra) -> Bundle:
        """Write the bundle into ``dest``; refuses what ``check`` finds serious."""
        ...

    def prove(self, bundle: Bundle, probe: Probe | None = None) -> Proof:
        """Run the probe's rows on the platform's own runtime; says so where that is not possible.

        Without a probe: the samples inside the file.
        """
        ...


@runtime_checkable
class Preparing(Protocol[Options_contra]):
    """What a platform has beside, if it rewrites models by rows of data before it exports them.

    Its options then have ``data`` (a path to rows, or "") and ``max_loss`` (what of its score a model may lose).
    """

    def prepares(self, options: Options_contra) -> bool:
        """Return whether these options ask for it."""
        ...

    def prepare(self, model: bytes, rows: Mapping[str, NDArray[Any]]) -> Prepared | None:
        """Return the rewritten model; None where it is already what was asked for.

        Parameters
        ----------
        rows : mapping of str to ndarray [N, ...]
            Graph inputs that stand for what the model will see.
        """
        ...
