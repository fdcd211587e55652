"""Fits what a bucket of n-grams is worth: directions of variation (no target) and scores of the target.

Both are linear in the counts of a text, scaled by ``1 / sqrt(sum of squared idf over its n-grams)``, which is l2-normed
tf-idf but for repeated n-grams. So the graph needs one table, one sum and one division.

Directions are not singular vectors but a fixed random projection, filtered by the singular values: signs and order of
singular vectors differ between the folds of one data set, the filtered projection hardly does. So features of rows
that were encoded by encoders of different folds can be learnt from together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Matrix = NDArray[np.float32]

_PROJECTION_SEED = 20_180_219  # of the fixed projection: not the problem's, so that folds and seeds agree
MOST_SCORES = 100
_STEPS = 25  # of conjugate gradients; stopping early also regularises


def inverse_frequency(counts: csr_array) -> NDArray[np.float64]:
    """Return float64 [B]: smoothed log of how few texts a bucket is in; 0 for buckets in none.

    ``counts``: [n, B], n-grams of each text in each bucket.
    """
    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.log((1 + counts.shape[0]) / (1 + texts)) + 1.0
    return np.asarray(np.where(texts > 0, idf, 0.0))


def weigh(counts: csr_array, idf: NDArray[np.float64]) -> csr_array:
    """Return [n, B] float32: what the graph multiplies with the table; rows have norm 1 or so."""
    from scipy.sparse import csr_array

    size = np.sqrt(np.maximum(counts @ idf**2, 1e-12))
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    data = counts.data * idf[counts.indices] / size[rows]
    return csr_array((data.astype(np.float32), counts.indices, counts.indptr), shape=counts.shape)


def draw_projection(buckets: int, dims: int) -> Matrix:
    """Return float32 [buckets, dims], normal, always the same."""
    draw = np.random.Generator(np.random.PCG64(_PROJECTION_SEED))
    return draw.standard_normal((buckets, dims), dtype=np.float32)


def fit_directions(texts: csr_array, projection: Matrix, seed: int) -> Matrix:
    """Return float32 [B, D]: the filtered projection.

    Parameters
    ----------
    texts : float32 [n, B]
        What ``weigh`` gave.
    projection : float32 [B, D]
        The same row for the same bucket in every fit; see ``draw_projection``.
    """
    from sklearn.utils.extmath import randomized_svd

    dims = projection.shape[1]
    rank = min(2 * dims, min(texts.shape) - 1)
    if rank < 1 or dims == 0:
        return np.zeros_like(projection)
    _, sizes, vectors = randomized_svd(texts, rank, n_iter=3, random_state=seed)
    strength = sizes**2 / np.maximum(sizes**2 + sizes[min(dims, rank) - 1] ** 2, 1e-9)
    table: Matrix = (vectors.T * strength) @ (vectors @ projection)
    return table.astype(np.float32)


def fit_scores(texts: csr_array, targets: Matrix, weights: Matrix, ridge: float) -> Matrix:
    """Return float32 [B, K]: ridge regression of each target, by conjugate gradients in lockstep.

    Parameters
    ----------
    texts : float32 [n, B]
    targets : float32 [n, K], centred
    weights : float32 [n], of mean 1
    ridge : float
        Added to the diagonal, against rows of norm 1.
    """
    forward, back = texts, texts.T.tocsr()
    result = np.zeros((texts.shape[1], targets.shape[1]), np.float32)
    residual = back @ (targets * weights[:, None])
    scale = (1.0 / (np.asarray(back.multiply(back) @ weights) + ridge)).astype(np.float32)[:, None]  # Jacobi
    direction = scale * residual
    energy = _dots(residual, direction)
    for _ in range(_STEPS):
        moved = back @ ((forward @ direction) * weights[:, None]) + np.float32(ridge) * direction
        step = _ratio(energy, _dots(direction, moved))
        result += step * direction
        residual -= step * moved
        ahead = scale * residual
        energy, old = _dots(residual, ahead), energy
        direction = ahead + _ratio(energy, old) * direction
    return result


def _dots(a: Matrix, b: Matrix) -> NDArray[np.float64]:
    return np.asarray(np.einsum("ij,ij->j", a, b, dtype=np.float64))


def _ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> Matrix:
    """Return a / b, 0 where b is 0: that target is done."""
    return np.asarray(np.divide(a, b, out=np.zeros_like(a), where=b > 1e-30), dtype=np.float32)


def as_targets(target: Answer, weights: NDArray[np.float64]) -> Matrix:
    """Return centred float32 [n, K]: what is scored, the same K columns for every part of one data set.

    One column for two classes and for numbers, one a class for up to ``MOST_SCORES`` classes; more classes share that
    many columns, each a fixed random half of the classes against the other half (error-correcting output codes).
    """
    values: NDArray[Any] = np.asarray(target.values)
    if target.task != "multiclass":
        columns = values[:, None].astype(np.float64)
    elif target.classes <= MOST_SCORES:
        columns = (values[:, None] == np.arange(target.classes)).astype(np.float64)
    else:
        draw = np.random.Generator(np.random.PCG64(_PROJECTION_SEED))
        columns = draw.choice([-1.0, 1.0], (target.classes, MOST_SCORES))[values]
    columns -= np.average(columns, axis=0, weights=weights)
    if target.task == "regression":
        spread = float(np.sqrt(np.average(columns**2, axis=0, weights=weights)[0]))
        columns = columns / spread if spread > 0 else columns * 0
    return columns.astype(np.float32)
