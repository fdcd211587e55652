"""One model that is being served: its file, its session, and what the protocol says of both."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import ModelFileError
from afield.model.model import Model
from afield.model.selftest import stored_feed
from afield.model.session import open_session, run_session
from afield.platforms.server.tensors import DATATYPES, Tensor

Answers = dict[str, NDArray[Any]]

#: A request is answered between two others, without a thread, where the model takes no longer than this.
INLINE_S = 0.002
_BATCH = 16
_TRIES = 5


@final
class Served:
    """A loaded model.

    Parameters
    ----------
    name, version : str
    path : Path

    Attributes
    ----------
    row_s, batched_row_s : float
        Seconds that a row takes alone, and in a batch of 16; the shortest of some tries when it was loaded.

    Raises
    ------
    ModelFileError
        ``model.not_found``, ``model.damaged``, ``model.foreign``, ``model.version``, ``model.selftest``.
    """

    def __init__(self, name: str, version: str, path: Path) -> None:
        self.name, self.version, self.path = name, version, path
        self.model = Model.load(path)
        proof = self.model.verify()
        if not proof.passed:
            raise ModelFileError(
                "model.selftest",
                "The model does not give the answers stored inside it, so it is not served.",
                where=str(path),
                got=proof.text(),
            )
        self.schema = self.model.schema
        self._session = open_session(self.model.bytes)
        self.inputs = tuple(_tensor(i) for i in self._session.get_inputs())
        self.outputs = tuple(_tensor(o) for o in self._session.get_outputs())
        self.output_names = tuple(o.name for o in self.outputs)
        self.row_s, self.batched_row_s = self._pace()

    def run(self, feed: Mapping[str, NDArray[Any]], names: Sequence[str] | None = None) -> Answers:
        """Return outputs of the graph; raises ``ModelFileError`` where the graph fails."""
        wanted = names or self.output_names
        return dict(zip(wanted, run_session(self._session, wanted, feed), strict=True))

    def metadata(self, versions: Sequence[str]) -> dict[str, Any]:
        """Return what ``GET /v2/models/NAME`` answers."""
        return {
            "name": self.name,
            "versions": list(versions),
            "platform": "onnxruntime_onnx",
            "inputs": [i.to_json() for i in self.inputs],
            "outputs": [o.to_json() for o in self.outputs],
        }

    def _pace(self) -> tuple[float, float]:
        feed = stored_feed(self.model.selftest, self.schema)
        rows = len(next(iter(feed.values())))

        def shortest(size: int) -> float:
            part = {n: v[np.arange(size) % rows] for n, v in feed.items()}
            times = []
            for _ in range(_TRIES):
                start = time.perf_counter()
                self.run(part)
                times.append(time.perf_counter() - start)
            return min(times) / size

        return shortest(1), shortest(_BATCH)


def _tensor(found: Any) -> Tensor:
    shape = tuple(d if isinstance(d, int) and at else -1 for at, d in enumerate(found.shape))
    return Tensor(found.name, DATATYPES[found.type], shape)
