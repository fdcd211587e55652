"""The thin Python object around the model file: rows in, answers out. It holds bytes and a session, nothing fitted."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import ModelFileError, UnsupportedError
from afield.core.lazy import attribute  # scoring and reporting live above this layer
from afield.core.proofs import Proof
from afield.model.container import damaged, read_properties
from afield.model.display import facts, html_text, plain_text
from afield.model.metadata import from_metadata
from afield.model.rows import feed_rows
from afield.model.saving import read_model, write_model
from afield.model.selftest import replay
from afield.model.session import open_session, run_session
from afield.problem.schema import MEDIA_KINDS, Schema, TargetSpec

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

#: Rows that go through the graph at once: bounds memory, and is large enough to cost nothing. A row of text takes up
#: to a megabyte on its way, a picture many.
CHUNK, TEXT_CHUNK, MEDIA_CHUNK = 65_536, 1_024, 16


@final
class Model:
    """A trained model: one ONNX file with its schema, card, self-test and provenance inside.

    Parameters
    ----------
    content : bytes
        The file.
    threads : int
        Threads that one prediction may use; 1 is fastest for few rows.

    Attributes
    ----------
    bytes : bytes
        The file, exactly.
    schema, card, selftest, provenance
        What the file says beside its graph.
    task : {"binary", "multiclass", "regression"}
    classes : tuple
        The classes in the order of the probabilities, with the type that labels had; empty for regression.

    Raises
    ------
    ModelFileError
        ``model.damaged``, ``model.foreign``, ``model.version``.
    """

    def __init__(self, content: bytes, *, threads: int = 1) -> None:
        metadata = from_metadata(read_properties(content))
        self.bytes, self.threads = content, threads
        self.schema, self.card = metadata.schema, metadata.card
        self.selftest, self.provenance = metadata.selftest, metadata.provenance
        self.task = self.schema.target.task
        self._labels = typed_classes(self.schema.target)
        self.classes = tuple(self._labels.values())
        self._session: InferenceSession | None = None
        self._lock = threading.Lock()

    @classmethod
    def load(cls, source: str | os.PathLike[str] | bytes, *, threads: int = 1) -> Model:
        """Return the model in a file, or in bytes.

        Raises
        ------
        ModelFileError
            ``model.not_found``, ``model.damaged``, ``model.foreign``, ``model.version``.
        """
        if isinstance(source, bytes):
            return cls(source, threads=threads)
        path = Path(source)
        content = read_model(path)
        try:
            return cls(content, threads=threads)
        except ModelFileError as error:
            error.where = str(path)
            error.args = (error.text(),)
            raise

    # Answers ----------------------------------------------------------------------------------------------------------

    def predict(self, rows: Any) -> NDArray[Any]:
        """Return one answer a row, [N]: labels with the type that they had, or float64 values of a regression.

        ``rows``: see ``afield.model.rows.feed_rows``.

        Raises
        ------
        ModelFileError
            ``model.rows``, ``model.missing_column``, ``model.cell``.
        """
        feed, _ = feed_rows(self.schema, rows)
        if self.task == "regression":
            return self.run(feed, ["prediction"])["prediction"]
        return self._typed(self.run(feed, ["label"])["label"])

    def predict_proba(self, rows: Any) -> NDArray[np.float32]:
        """Return the probability of each class, float32 [N, K], in the order of ``classes``.

        Raises
        ------
        UnsupportedError
            ``model.task``: a regression has no classes.
        ModelFileError
            As ``predict``.
        """
        return self.label_and_probabilities(rows)[1]

    def label_and_probabilities(self, rows: Any) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Return (labels [N], probabilities float32 [N, K]) from one run; raises as ``predict_proba``."""
        if self.task == "regression":
            raise UnsupportedError(
                "model.task",
                f"This model predicts the number {self.schema.target.name!r}: it has no classes and no probabilities.",
                fix="Call predict.",
            )
        feed, _ = feed_rows(self.schema, rows)
        answers = self.run(feed, ["label", "probabilities"])
        return self._typed(answers["label"]), answers["probabilities"]

    def run(self, feed: Mapping[str, NDArray[Any]], outputs: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """Return the graph's own outputs for a feed as ``feed_rows`` makes it, in chunks.

        ``outputs``: names; None for ``label`` and ``probabilities``, or ``prediction``.
        """
        names = list(outputs or (["prediction"] if self.task == "regression" else ["label", "probabilities"]))
        rows = len(next(iter(feed.values())))
        if not rows:
            return {name: self._empty(name) for name in names}
        session = self._open()
        kinds = {c.kind for c in self.schema.columns}
        chunk = MEDIA_CHUNK if kinds & set(MEDIA_KINDS) else TEXT_CHUNK if "text" in kinds else CHUNK
        parts = []
        for start in range(0, rows, chunk):
            part = feed if rows <= chunk else {n: v[start : start + chunk] for n, v in feed.items()}
            parts.append(run_session(session, names, part))
        joined = parts[0] if len(parts) == 1 else [np.concatenate(answers) for answers in zip(*parts, strict=True)]
        return dict(zip(names, joined, strict=True))

    # The file ---------------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write the file, whole or not at all, and return its path.

        Raises
        ------
        AfieldError
            ``output.exists`` (without ``force``), ``output.unwritable``, ``output.disk_full``.
        """
        return write_model(Path(path), self.bytes, force=force)

    def verify(self) -> Proof:
        """Run the samples inside the file and compare with the answers inside the file."""
        return replay(self)

    def score(self, rows: Any, **options: Any) -> Any:
        """Return how well the model does on rows whose target is known: ``afield.score(model, rows, ...)``."""
        return attribute("afield:score")(self, rows, **options)

    def report(self, path: str | os.PathLike[str], **options: Any) -> Any:
        """Write the report of the model as one HTML file: ``afield.report(model, path, ...)``."""
        return attribute("afield:report")(self, path, **options)

    def export(self, platform: str, out: str | os.PathLike[str], **options: Any) -> Any:
        """Write the model as a bundle for a platform and prove it: ``afield.export(model, platform, out, ...)``."""
        return attribute("afield:export")(self, platform, out, **options)

    # Python -----------------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return {"bytes": self.bytes, "threads": self.threads}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["bytes"], threads=state["threads"])

    def __repr__(self) -> str:
        return plain_text(str(self.card.title), self._facts())

    def _repr_html_(self) -> str:
        return html_text(str(self.card.title), self._facts())

    def _facts(self) -> list[tuple[str, str]]:
        return facts(self.card, [c.name for c in self.schema.columns], self.classes, len(self.bytes))

    def _open(self) -> InferenceSession:
        if self._session is None:
            with self._lock:
                if self._session is None:
                    session = open_session(self.bytes, threads=self.threads)
                    check_inputs(session, self.schema)
                    self._session = session
        return self._session

    def _typed(self, labels: NDArray[Any]) -> NDArray[Any]:
        table = self._labels
        kind = self.schema.target.label_type
        typed = {"integer": np.int64, "number": np.float64, "boolean": np.bool_}.get(kind, object)
        return np.array([table[label] for label in labels], dtype=typed)

    def _empty(self, name: str) -> NDArray[Any]:
        if name == "probabilities":
            return np.zeros((0, len(self.classes)), dtype=np.float32)
        return np.zeros(0, dtype=np.float64 if name == "prediction" else object)


def typed_classes(target: TargetSpec) -> dict[str, Any]:
    """Return class text to label with the type that the user's labels had, in the order of the probabilities."""
    if target.label_type == "integer":
        return {text: int(text) for text in target.classes}
    if target.label_type == "number":
        return {text: float(text) for text in target.classes}
    if target.label_type == "boolean":
        return {text: text == "true" for text in target.classes}
    return {text: text for text in target.classes}


def check_inputs(session: InferenceSession, schema: Schema) -> None:
    """Refuse a file whose graph does not take what its schema says.

    Raises
    ------
    ModelFileError
        ``model.damaged``.
    """
    types = {"number": "tensor(double)", "image": "tensor(uint8)", "audio": "tensor(float)"}
    wanted = {c.input_name: types.get(c.kind, "tensor(string)") for c in schema.columns}
    if {i.name: i.type for i in session.get_inputs()} != wanted:
        raise damaged("its graph takes other columns than its schema says")


def load(path: str | os.PathLike[str] | bytes, *, threads: int = 1) -> Model:
    """Return the model in a file; needs numpy and onnxruntime only. Raises as ``Model.load``."""
    return Model.load(path, threads=threads)
