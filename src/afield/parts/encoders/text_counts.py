"""Counts the n-grams of training texts by running the graph that serves predictions, a few texts at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from afield.graph.builder import Builder
from afield.parts.encoders.text_alphabet import Alphabet
from afield.parts.encoders.text_grams import Layout, lower_grams

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_CHUNK = 512  # texts a run: 512 texts of 512 characters give 10 MB of ids


def count_grams(texts: Sequence[str], alphabet: Alphabet, layout: Layout) -> tuple[csr_array, csr_array]:
    """Return how many n-grams of each text fall into each bucket, and how many single words, float32 [n, buckets]."""
    import onnxruntime as ort

    builder = Builder()
    grams = lower_grams(builder, [builder.input("text", "string", ["N"])], alphabet, layout)
    words = [grams.ids[layout.word_place]] if layout.words else []
    for name, ids in (("grams", grams.ids), ("words", words)):
        if ids:
            builder.output(builder.concat(list(ids), axis=2), name, [1, "M", name])
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(builder.build("counts").SerializeToString(), options, ["CPUExecutionProvider"])
    counts = _Counts(layout.buckets), _Counts(layout.buckets)
    for start in range(0, len(texts), _CHUNK):
        chunk = np.asarray([*texts[start : start + _CHUNK]], dtype=object)
        for counted, ids in zip(counts, session.run(None, {"text": chunk}), strict=False):
            counted.add(ids[0, :-1])
    return counts[0].matrix(len(texts)), counts[1].matrix(len(texts))


class _Counts:
    """Gathers a sparse matrix of counts, rows on rows."""

    def __init__(self, buckets: int) -> None:
        self._buckets = buckets
        self._indices: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
        self._data: list[NDArray[np.float32]] = [np.zeros(0, np.float32)]
        self._lengths: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]

    def add(self, ids: NDArray[np.int64]) -> None:
        """Count int64 [rows, positions]."""
        keys = (np.arange(len(ids))[:, None] * (self._buckets + 1) + ids)[ids < self._buckets]
        keys, counts = np.unique(keys, return_counts=True)
        self._indices.append((keys % (self._buckets + 1)).astype(np.int32))
        self._data.append(counts.astype(np.float32))
        self._lengths.append(np.bincount(keys // (self._buckets + 1), minlength=len(ids)))

    def matrix(self, rows: int) -> csr_array:
        """Return float32 [rows, buckets]; no row was added where nothing is counted."""
        from scipy.sparse import csr_array

        starts = np.cumsum(np.concatenate(self._lengths)).astype(np.int32)
        starts = starts if len(starts) == rows + 1 else np.zeros(rows + 1, np.int32)
        parts = np.concatenate(self._data), np.concatenate(self._indices), starts
        return csr_array(parts, shape=(rows, self._buckets))
