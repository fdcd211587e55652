"""Text to features: hashed n-grams of characters and words, scored by tables that were fitted on their counts.

Everything from the raw text on is graph. Nothing readable is embedded: the tables hold one row for each hash bucket,
and no word, n-gram or text of the training data; only single characters that stand in at least five texts.

For each column: ``dims`` directions in which the texts vary, scores of the target (one for each class, or one for two
classes and for numbers), and six plain facts: length, words, shares of upper case, digits and punctuation, missing.
Few rows would fit noise to the directions: there the commonest words, each present or not, take their place.
A text counts up to its first NUL character and up to ``characters`` characters; the rest is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from afield.core.randomness import derive_seed
from afield.data.answer import Answer
from afield.data.table import StringColumn, Table
from afield.graph.builder import Builder, Value
from afield.parts.encoders.levels import string_column
from afield.parts.encoders.state import header_of, pack
from afield.parts.encoders.text_alphabet import TRAITS, Alphabet
from afield.parts.encoders.text_counts import count_grams
from afield.parts.encoders.text_grams import Grams, Layout, largest_prime, lower_grams
from afield.parts.encoders.text_weights import (
    as_targets,
    draw_projection,
    fit_directions,
    fit_scores,
    inverse_frequency,
    weigh,
)
from afield.parts.protocol import Feature, FitContext, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.schema import ColumnSpec

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_ROWS = 20_000  # rows that the tables are fitted on at most, drawn by the seed
_ROWS_A_DIRECTION = 250
#: a common word stands in so many texts, and in this share of them, at least; in all but this share at most
_COMMON_TEXTS, _COMMON_SHARE = 10, 0.01
_NO_BUCKET = -1
_FACTS = ("length", "words", *(f"{t}_share" for t in TRAITS[1:]), "missing")


@dataclass(frozen=True)
class FittedText:
    """What was learnt about C columns, each with D sums.

    Parameters
    ----------
    columns : tuple of str
    layout : Layout
    outputs : tuple of str
        Names of the sums, such as ``direction 3`` and ``score 0``.
    alphabet : Alphabet
    tables : int8 [C, buckets + 1, D + 1]
        What a bucket adds to each sum, in units of ``scales``; the last column is the squared idf, the last row zero.
        Whole numbers add up exactly in float32 (4,096 of them), so no order of summation shows in an answer.
    scales : float32 [C, D + 1]
    common : int64 [C, W]
        Buckets of the commonest words of each column, ``_NO_BUCKET`` where it has fewer.
    """

    columns: tuple[str, ...]
    layout: Layout
    outputs: tuple[str, ...]
    alphabet: Alphabet
    tables: NDArray[np.int8]
    scales: NDArray[np.float32]
    common: NDArray[np.int64]

    @property
    def directions(self) -> int:
        """How many directions each column has."""
        return sum(n.startswith("direction") for n in self.outputs)

    @property
    def features(self) -> Sequence[Feature]:
        """For each column its directions, scores, common words and facts."""
        names = [(n, "embedding" if n.startswith("direction") else "dense") for n in self.outputs]
        names += [(f"common word {i}", "dense") for i in range(self.common.shape[1])]
        names += [(n, "dense") for n in _FACTS]
        return [Feature(name=f"{c}.{n}", column=c, form=f) for c in self.columns for n, f in names]  # type: ignore[arg-type]

    def lower(self, builder: Builder, inputs: Mapping[str, Value]) -> Value:
        """Add about 100 nodes however many columns: string [N] each to float32 [N, C * (D + W + 6)]."""
        b = builder
        grams = lower_grams(b, [inputs[n] for n in self.columns], self.alphabet, self.layout)
        last = b.constant([2], "int64")
        parts = [self._facts(b, grams, last)]
        if self.common.size:
            parts.insert(0, self._common(b, grams.ids[self.layout.word_place]))
        if self.outputs:
            sums = self._sums(b, grams)
            width = len(self.outputs)
            square = b.op("Slice", sums, b.constant([width], "int64"), b.constant([width + 1], "int64"), last)
            size = b.op("Sqrt", b.op("Max", square, b.constant(np.float32(1e-12))))
            sums = b.op("Slice", sums, b.constant([0], "int64"), b.constant([width], "int64"), last)
            parts.insert(0, b.op("Div", sums, size))
        full = b.concat(parts, axis=2)
        full = b.op("Slice", full, b.constant([0], "int64"), b.constant([-1], "int64"), b.constant([1], "int64"))
        return b.reshape(b.transpose(full, [1, 0, 2]), [0, len(self.features)])

    def _sums(self, b: Builder, grams: Grams) -> Value:
        count, buckets, width = self.tables.shape
        table = b.constant(self.tables.reshape(count * buckets, width))
        total: Value | None = None
        for ids in grams.ids:  # one order at a time: all at once would need several times the memory
            if count > 1:
                ids = b.op("Add", ids, b.constant((np.arange(count) * buckets).reshape(-1, 1, 1)))  # noqa: PLW2901
            rows = b.cast(b.gather(table, ids, axis=0), "float32")
            part = b.op("ReduceSum", rows, b.constant([2], "int64"), keepdims=0)
            total = part if total is None else b.op("Add", total, part)
        assert total is not None
        return b.op("Mul", total, b.constant(self.scales[:, None]))

    def _common(self, b: Builder, words: Value) -> Value:
        ids = b.op("Unsqueeze", words, b.constant([3], "int64"))
        there = b.op("Equal", ids, b.constant(self.common[:, None, None, :]), dtype="bool")
        return b.op("ReduceMax", b.cast(there, "float32"), b.constant([2], "int64"), keepdims=0)

    def _facts(self, b: Builder, grams: Grams, last: Value) -> Value:
        traits = b.gather(b.constant(self.alphabet.traits), grams.rows, axis=0)
        traits = b.op("ReduceSum", traits, b.constant([2], "int64"), keepdims=0)
        length = b.op("Slice", traits, b.constant([0], "int64"), b.constant([1], "int64"), last)
        others = b.op("Slice", traits, b.constant([1], "int64"), b.constant([len(TRAITS)], "int64"), last)
        shares = b.op("Div", others, b.op("Max", length, b.constant(np.float32(1))))
        sizes = b.concat([length, b.cast(grams.words, "float32")], axis=2)
        sizes = b.op("Log", b.op("Add", sizes, b.constant(np.float32(1))))
        missing = b.op("Equal", grams.texts, b.constant(np.asarray("", dtype=object)), dtype="bool")
        missing = b.op("Unsqueeze", b.cast(missing, "float32"), last)
        return b.concat([sizes, shares, missing], axis=2)

    def state(self) -> State:
        """Return layout, names, characters and tables."""
        y = self.layout
        header = {
            "columns": self.columns,
            "outputs": self.outputs,
            "layout": [list(y.orders), y.words, y.buckets, y.characters],
        }
        return pack(header, points=self.alphabet.points, tables=self.tables, scales=self.scales, common=self.common)


class Text:
    """Texts as directions, scores of the target, and plain facts."""

    name = "text"
    kinds = frozenset({"text"})
    uses_target = True
    space: Mapping[str, Setting] = {
        "use": Setting(kind="choice", default="both", choices=("both", "directions", "scores")),
        "dims": Setting(kind="integer", default=24, low=1, high=64, log=True),
        "orders": Setting(kind="choice", default="3-5", choices=("2-4", "3-4", "3-5", "3-6")),
        "words": Setting(kind="choice", default="pairs", choices=("none", "single", "pairs")),
        "buckets": Setting(kind="integer", default=2**14, low=2**10, high=2**16, log=True),
        "characters": Setting(kind="choice", default=512, choices=(128, 256, 512, 1000)),
        "ridge": Setting(kind="number", default=1.0, low=0.01, high=100.0, log=True),
    }

    def fit(
        self, table: Table, specs: Sequence[ColumnSpec], target: Answer, context: FitContext, settings: Settings
    ) -> FittedText:
        """Count n-grams by running the graph on at most 20,000 rows, then fit the tables on the counts."""
        import sklearn.utils.extmath  # noqa: F401 - before the limit, which binds only what is loaded
        from threadpoolctl import threadpool_limits

        values = settle(self.space, settings)
        names = tuple(s.name for s in specs)
        low, _, high = values["orders"].partition("-")
        layout = Layout(
            orders=(int(low), int(high)),
            words=("none", "single", "pairs").index(values["words"]),
            buckets=largest_prime(values["buckets"]),
            characters=values["characters"],
        )
        rows = _sample(table.rows, derive_seed(context.seed, "text", table.rows))
        weights = np.ones(table.rows) if context.weights is None else np.asarray(context.weights, np.float64)
        weights = weights[rows] if weights[rows].sum() > 0 else np.ones(len(rows))
        targets = as_targets(target.take(rows), weights)
        columns = [string_column(table, n).take(rows) for n in names]
        alphabet = Alphabet.of(t for c in columns for t in _texts(c)[0])
        like = context.like if isinstance(context.like, FittedText) else None
        dims = min(values["dims"], table.rows // _ROWS_A_DIRECTION) if like is None else like.directions
        dims = 0 if values["use"] == "scores" else dims
        directions = draw_projection(layout.buckets, dims)
        scores = targets[:, : 0 if values["use"] == "directions" else None]
        seed, shared = derive_seed(context.seed, "directions"), (weights / weights.mean()).astype(np.float32)
        common: list[NDArray[np.int64]] = []
        tables = np.zeros((len(columns), layout.buckets + 1, directions.shape[1] + scores.shape[1] + 1))
        with threadpool_limits(1):  # sums in a fixed order, whatever the machine
            for table_of, column in zip(tables, columns, strict=True):
                texts, place = _texts(column)
                counts, words = count_grams(texts, alphabet, layout)
                common.append(_commonest(words, place, values["dims"] - dims))
                counts = counts[place]
                idf = inverse_frequency(counts)
                used = np.flatnonzero(idf)
                scaled, idf = weigh(counts, idf)[:, used], idf[used, None]
                fitted = [
                    fit_directions(scaled, directions[used], seed),
                    fit_scores(scaled, scores, shared, values["ridge"]),
                ]
                table_of[used] = np.concatenate([fitted[0] * idf, fitted[1] * idf, idf**2], axis=1)
        outputs = [f"direction {i}" for i in range(directions.shape[1])]
        outputs += [f"score {k}" for k in range(scores.shape[1])]
        chosen = _padded(common) if like is None else like.common
        return FittedText(names, layout, tuple(outputs), alphabet, *_quantised(tables), chosen)

    def restore(self, state: State) -> FittedText:
        """Return the fitted encoder that gave this state."""
        header = header_of(state)
        orders, words, buckets, characters = header["layout"]
        layout = Layout(orders=(orders[0], orders[1]), words=words, buckets=buckets, characters=characters)
        alphabet = Alphabet(state["points"])
        return FittedText(
            columns=tuple(header["columns"]), layout=layout, outputs=tuple(header["outputs"]), alphabet=alphabet,
            tables=state["tables"], scales=state["scales"], common=state["common"],
        )  # fmt: skip


def _quantised(tables: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return int8 [C, B, D] and float32 [C, D]: their product is within half a scale of ``tables``."""
    scales = np.abs(tables).max(axis=1) / 127
    scales = np.where(scales > 0, scales, 1.0).astype(np.float32)
    return np.rint(tables / scales[:, None]).clip(-127, 127).astype(np.int8), scales


def _commonest(words: csr_array, place: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return the buckets of the words that stand in most texts, the commonest first; ``place``: row to text."""
    share = np.bincount(place, minlength=words.shape[0]) / max(len(place), 1)
    there = (words > 0).astype(np.float64).T @ share
    low = max(_COMMON_SHARE, _COMMON_TEXTS / max(len(place), 1))
    often = np.flatnonzero((there >= low) & (there <= 1 - _COMMON_SHARE))
    return np.asarray(often[np.argsort(-there[often], kind="stable")][:most], dtype=np.int64)


def _padded(common: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return int64 [C, W], columns with fewer filled up with a bucket that no word has."""
    width = max(len(c) for c in common)
    return np.stack([np.pad(c, (0, width - len(c)), constant_values=_NO_BUCKET) for c in common])


def _sample(rows: int, seed: int) -> NDArray[np.int64]:
    if rows <= _ROWS:
        return np.arange(rows)
    return np.sort(np.random.Generator(np.random.PCG64(seed)).choice(rows, _ROWS, replace=False))


def _texts(column: StringColumn) -> tuple[list[str], NDArray[np.int64]]:
    """Return the distinct texts that occur, and for each row its place among them."""
    used, place = np.unique(column.codes, return_inverse=True)
    return [str(column.levels[i]).encode("utf-8", "replace").decode() for i in used], place


part = Text()
