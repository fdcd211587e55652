"""Counts the n-grams of training texts by running the graph that serves predictions, a few texts at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from afield.graph.builder import Builder
from afield.parts.encoders.text_alphabet import Alphabet
from afield.parts.encoders.text_grams import Layout, lower_grams

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_CHUNK = 512  # texts a run: 512 texts of 512 characters give 10 MB of ids


def count_grams(texts: Sequence[str], alphabet: Alphabet, layout: Layout) -> csr_array:
    """Return float32 [n, buckets]: how many n-grams of each text fall into each bucket."""
    import onnxruntime as ort
    from scipy.sparse import csr_array

    builder = Builder()
    grams = lower_grams(builder, [builder.input("text", "string", ["N"])], alphabet, layout)
    builder.output(builder.concat(list(grams.ids), axis=2), "ids", [1, "M", "G"])
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(builder.build("counts").SerializeToString(), options, ["CPUExecutionProvider"])
    indices, data, lengths = [], [], [np.zeros(1, np.int64)]
    for start in range(0, len(texts), _CHUNK):
        chunk = np.asarray([*texts[start : start + _CHUNK]], dtype=object)
        ids = session.run(None, {"text": chunk})[0][0, :-1]
        keys = (np.arange(len(ids))[:, None] * (layout.buckets + 1) + ids)[ids < layout.buckets]
        keys, counts = np.unique(keys, return_counts=True)
        indices.append((keys % (layout.buckets + 1)).astype(np.int32))
        data.append(counts.astype(np.float32))
        lengths.append(np.bincount(keys // (layout.buckets + 1), minlength=len(ids)))
    starts = np.cumsum(np.concatenate(lengths)).astype(np.int32)
    nothing = [np.zeros(0, np.int32)]
    return csr_array(
        (np.concatenate(data or [np.zeros(0, np.float32)]), np.concatenate(indices or nothing), starts),
        shape=(len(texts), layout.buckets),
    )
